"""The triage process: each fault is found, good films pass, and what harms a decoder harms nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from refunds.triage import reading, running
from refunds.triage.kinds import kind_of
from refunds.triage.report import NotAReport, checked
from refunds.triage.running import Asked, Failed, look
from tests.helpers import clips

FILMED = {
    "good": (clips.scene, {}, []),
    "portrait": (partial(clips.scene, width=720, height=1280), {}, []),
    "short side 719 or less": (partial(clips.scene, width=1280, height=718), {}, [("low_resolution", 0)]),
    "too short": (clips.scene, {"seconds": 9}, [("too_short", 0)]),
    "dark": (clips.between(4, 8, clips.darker), {}, [("dark", 4)]),
    "glaring": (clips.between(4, 8, clips.glaring), {}, [("glaring", 4)]),
    "blurred": (clips.between(4, 8, clips.blurred), {}, [("blurred", 4)]),
    "cut": (clips.cut_at(6, seed=2), {}, [("cut", 6)]),
    "jump cut": (clips.cut_at(6, shift=140), {}, [("cut", 6)]),
    "standing still": (clips.still_from(3, 9), {}, [("frozen", 3)]),
    "pictures missing": (clips.scene, {"missing": (4, 7)}, [("gap", 3)]),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.write(tmp_path_factory.mktemp("clips") / "good.mp4")


@pytest.mark.parametrize("name", FILMED)
def test_each_fault_is_found_and_a_good_film_has_none(name, tmp_path):
    drawn, options, expected = FILMED[name]
    clip = clips.write(tmp_path / "clip", drawn, **options)

    facts = look(clip, Asked(short_side=720)).facts

    found = [(each["code"], int(each["begins"])) for each in facts["findings"]]
    # A light that goes on at once, or a lens that changes at once, looks like a cut as well; staff see it.
    assert [each for each in found if each[0] != "cut" or ("cut", each[1]) in expected] == expected
    if name in {"good", "portrait"}:
        assert found == []
    assert facts["took"]["peak_kib"] < 512 * 1024


def test_webm_is_looked_at_like_mp4(tmp_path):
    clip = clips.write(tmp_path / "clip", container="webm", codec="libvpx")

    facts = look(clip, Asked(short_side=720)).facts

    assert (facts["kind"], facts["codec"], facts["findings"]) == ("webm", "vp8", [])


def test_the_report_has_size_length_and_a_filmstrip_of_small_pictures(good):
    report = look(good, Asked())

    facts = report.facts
    assert (facts["kind"], facts["codec"], facts["width"], facts["height"]) == ("mp4", "h264", 1280, 720)
    assert facts["seconds"] == pytest.approx(12, abs=0.2)
    assert facts["frames"] == 144
    assert facts["reading"] == "off"
    assert 4 <= len(report.pictures) <= 12
    assert all(jpeg.startswith(b"\xff\xd8\xff") and len(jpeg) < 30_000 for _at, jpeg in report.pictures)
    assert [at for at, _jpeg in report.pictures] == sorted(at for at, _jpeg in report.pictures)


def test_no_more_is_looked_at_than_allowed(good):
    facts = look(good, Asked(video_seconds=5, shortest_seconds=1)).facts

    assert 5 < facts["seconds"] <= 5.2
    assert not facts["is_whole"]
    assert [each["code"] for each in facts["findings"]] == ["too_long"]


def test_a_film_of_just_the_longest_length_is_not_too_long(good):
    facts = look(good, Asked(video_seconds=11.95)).facts

    assert (facts["is_whole"], facts["findings"]) == (True, [])


def test_work_that_takes_too_long_ends_and_says_so(good):
    facts = look(good, Asked(work_seconds=0.2)).facts

    assert not facts["is_whole"]
    assert facts["frames"] < 144


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n" * 20, "unknown_kind"),
        (b"", "unknown_kind"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + b"\x00" * 5000, "unreadable"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + b"\xff" * 5000, "unreadable"),
    ],
)
def test_what_is_no_video_is_said_to_be_none(tmp_path, content, code):
    clip = tmp_path / "clip"
    clip.write_bytes(content)

    report = look(clip, Asked())

    assert (report.facts["refused"], report.pictures) == (code, [])


def test_other_codecs_are_not_decoded(tmp_path):
    clip = clips.write(tmp_path / "clip", codec="mjpeg", seconds=1, pix_fmt="yuvj420p")

    assert look(clip, Asked()).facts["refused"] == "unknown_codec"


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path):
    clip = clips.write(tmp_path / "clip", partial(clips.scene, width=4098, height=200), seconds=0.2)

    assert look(clip, Asked()).facts["refused"] == "too_many_pixels"


def test_a_broken_file_is_looked_at_as_far_as_it_goes(good, tmp_path):
    broken = tmp_path / "broken"
    broken.write_bytes(good.read_bytes())
    clips.damage(broken)

    facts = look(broken, Asked()).facts

    assert "damaged" in {each["code"] for each in facts["findings"]} or facts["frames"] == 144


def test_a_file_cut_off_before_its_index_is_unreadable(good, tmp_path):
    cut = tmp_path / "cut"
    cut.write_bytes(good.read_bytes()[:200_000])

    assert look(cut, Asked()).facts["refused"] == "unreadable"


def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """In the place of the triage process, a program that does harm."""
    package = tmp_path / "refunds" / "triage"
    package.mkdir(parents=True)
    (tmp_path / "refunds" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(code)
    monkeypatch.setattr(running, "ROOT", tmp_path)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import time; time.sleep(60)", "timed_out"),
        ("while True: pass", "timed_out"),
        ("import os, time\nos.close(1); os.close(2); time.sleep(60)", "timed_out"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("raise SystemExit(3)", "crashed"),
        ("print('{')", "garbled"),
        ("print('[' * 100_000)", "garbled"),
        ("print('{}')", "garbled"),
        ("import sys\nwhile True: sys.stdout.write('x' * 65536)", "garbled"),
        ("import sys\nwhile True: sys.stderr.write('x' * 65536)", "garbled"),
    ],
)
def test_a_process_that_stalls_crashes_or_babbles_is_ended(good, tmp_path, monkeypatch, code, expected):
    child(tmp_path, monkeypatch, code)

    with pytest.raises(Failed) as failed:
        look(good, Asked(wall_seconds=2))

    assert failed.value.code == expected


def test_what_the_process_started_is_ended_with_it(good, tmp_path, monkeypatch):
    marker = tmp_path / "alive"
    child(
        tmp_path, monkeypatch,
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(4); open({str(marker)!r}, \"w\")'])\n"
        "time.sleep(60)\n",
    )  # fmt: skip

    with pytest.raises(Failed):
        look(good, Asked(wall_seconds=1))
    subprocess.run([sys.executable, "-c", "import time; time.sleep(4)"], check=True)

    assert not marker.exists()


CONFINED = """
import json, os, socket, sys
from refunds.triage import confining
confining.confine(cpu_seconds=5, address_space=1 << 30)
confining.close_the_door()
tried = {"environment": sorted(os.environ)}
for name, act in {
    "file": lambda: open("/etc/passwd"),
    "socket": lambda: socket.socket(),
    "memory": lambda: bytearray(2 << 30),
}.items():
    try:
        act()
        tried[name] = "done"
    except (OSError, MemoryError) as error:
        tried[name] = type(error).__name__
print(json.dumps(tried))
"""


def test_the_process_can_open_nothing_and_has_no_secrets_of_ours(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    done = subprocess.run(
        [sys.executable, "-c", CONFINED], cwd=running.ROOT, env=running._environment(), capture_output=True,
        stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip

    said = json.loads(done.stdout)
    assert (said["file"], said["socket"], said["memory"]) == ("OSError", "OSError", "MemoryError")
    assert set(said["environment"]) <= {
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX",
    }  # fmt: skip


def test_processor_time_is_bounded():
    code = (
        "from refunds.triage import confining as c\nc.confine(cpu_seconds=1, address_space=1 << 30)\nwhile True: pass"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=running.ROOT, check=False, timeout=60)

    assert done.returncode < 0


GOOD_REPORT = {
    "kind": "mp4", "codec": "h264", "width": 1280, "height": 720, "seconds": 12.0, "frames": 144, "is_whole": True,
    "light": 100.0, "sharp": 500.0, "findings": [["dark", 1.0, 2.0]], "pictures": [[0.0, "/9j/4A=="]],
    "reading": "done", "imeis": {"356938035643809": [1.0]}, "took": {"seconds": 1.0, "peak_kib": 70000},
}  # fmt: skip


def test_a_report_of_the_right_form_is_believed():
    assert checked(GOOD_REPORT).facts["findings"] == [{"code": "dark", "begins": 1.0, "ends": 2.0}]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "exe"}, {"kind": ["mp4"]}, {"codec": "<script>"}, {"width": -1}, {"width": "1280"}, {"width": True},
        {"seconds": float("nan")}, {"seconds": 1e9}, {"findings": [["approve", 0, 0]]}, {"findings": [["dark"]]},
        {"findings": "dark"}, {"pictures": [[0, "PHN2Zz4="]]}, {"pictures": [[0, "/9j/" + "A" * 200_000]]},
        {"pictures": [[0, 7]]}, {"reading": "maybe"}, {"imeis": {"1": [0]}}, {"imeis": {"356938035643809": ["x"]}},
        {"imeis": []}, {"took": {}}, {"took": None}, {"refused": "because"},
    ],
)  # fmt: skip
def test_a_report_of_another_form_is_not(change):
    with pytest.raises(NotAReport):
        checked({**GOOD_REPORT, **change})


@pytest.mark.parametrize("said", [None, [], "x", 3])
def test_what_is_no_object_is_no_report(said):
    with pytest.raises(NotAReport):
        checked(said)


def test_the_mark_of_a_file_decides_not_its_name(good):
    assert kind_of(good.read_bytes()[:4096]) == "mp4"
    assert kind_of(b"<html>" + good.read_bytes()[:4096]) == ""


def test_what_a_file_says_of_its_place_is_not_told(tmp_path):
    clip = clips.write(tmp_path / "clip", seconds=1, metadata={"location": "+48.1372+011.5756/", "title": "canary"})
    assert b"canary" in clip.read_bytes()

    said = json.dumps(look(clip, Asked()).facts)

    assert "48.1" not in said
    assert "canary" not in said


def test_numbers_are_read_from_the_picture_with_the_ocr_extra(good, tmp_path):
    pytest.importorskip("rapidocr", reason="the ocr extra is not installed")

    read = look(good, Asked(with_ocr=True, wanted=clips.IMEI)).facts
    blank = look(clips.write(tmp_path / "blank", partial(clips.scene, imei="")), Asked(with_ocr=True)).facts

    assert (read["reading"], list(read["imeis"])) == ("done", [clips.IMEI])
    assert (blank["reading"], blank["imeis"]) == ("done", {})


def test_imeis_are_told_from_other_digits():
    assert reading.imeis_in("IMEI1: 35 693803 564380 9 / 01") == [clips.IMEI]
    assert reading.imeis_in("356938035643808") == []
    assert reading.imeis_in("0356938035643809") == []
    assert reading.imeis_in("000000000000000") == []
    assert reading.spread([(float(n), b"") for n in range(20)])[:3] == [(0.0, b""), (8.0, b""), (16.0, b"")]
    assert len(reading.spread([(float(n), b"") for n in range(20)])) == 20
