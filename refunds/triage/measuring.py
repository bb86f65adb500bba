"""Decodes a video once and writes down what can be measured: differences, light, sharpness, a few pictures.

Only containers and codecs that phones record are opened, under the names this module gives: nothing is guessed from
the file, so that no playlist, no image sequence and no rare decoder is ever reached.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
import time
from dataclasses import dataclass, field
from typing import IO, Any, Final

import av
import numpy as np
from PIL import Image

from refunds.triage.confining import THREADS
from refunds.triage.kinds import HEAD_BYTES, MP4, WEBM, kind_of

Grey = np.ndarray[Any, np.dtype[np.uint8]]

DEMUXERS: Final = {MP4: "mov", WEBM: "matroska"}
CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4"})
# Of sound only the header is looked at, and nothing of it is decoded.
SOUNDS: Final = ("aac", "opus", "libopus", "vorbis", "pcm_s16le", "amrnb", "amrwb", "ac3", "mp3float")
MAX_SIDE: Final = 4096
MAX_PIXELS: Final = 3840 * 2160
MAX_STREAMS: Final = 8
FRAMES_PER_SECOND: Final = 120
SMALL: Final = (160, 90)
LOOKED_AT_WIDTH: Final = 640
READ_SIDE: Final = 960
STRIP_SIDE: Final = 320
BLOCK: Final = 32
# Packets in a row that give an error before the rest of the file is given up.
MAX_ERRORS: Final = 50


def load() -> None:
    """Load what the libraries would load when they first need it: by then no file can be opened."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.startswith(("av.datasets", "av.__main__")):
            importlib.import_module(module.name)
    blank = av.VideoFrame(64, 64, "yuv420p")
    for is_grey in (True, False):
        _jpeg(blank, STRIP_SIDE, _turns(blank), quality=60, is_grey=is_grey)
    _measured = sharpness(_grey(blank, 64, 64)), np.percentile(_grey(blank, 64, 64), 98)


class NotAVideo(Exception):
    """The file is none of the kinds looked at; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Limits:
    """What is looked at: seconds of video, and seconds of work for it."""

    video_seconds: float
    work_seconds: float


@dataclass(slots=True)
class Second:
    """One look per second of video: light from 0 to 255, its brightest part, and sharpness."""

    at: float
    light: float
    bright: float
    sharp: float


@dataclass(slots=True)
class Measured:
    """A video in numbers. ``moves`` has time and difference to the frame before, for every frame looked at."""

    kind: str
    codec: str
    width: int
    height: int
    seconds: float = 0.0
    frames: int = 0
    errors: int = 0
    is_whole: bool = True
    moves: list[tuple[float, float]] = field(default_factory=list)
    looks: list[Second] = field(default_factory=list)
    pictures: list[tuple[float, bytes]] = field(default_factory=list)
    readable: list[tuple[float, bytes]] = field(default_factory=list)


def measure(source: IO[bytes], limits: Limits, *, keep_readable: bool) -> Measured:
    """Decode ``source`` from its beginning. ``keep_readable`` also keeps a picture a second for reading digits.

    Raises ``NotAVideo`` where there is nothing to decode.
    """
    source.seek(0)
    kind = kind_of(source.read(HEAD_BYTES))
    source.seek(0)
    if not kind:
        raise NotAVideo("unknown_kind")
    options = {
        "codec_whitelist": ",".join([*sorted(CODECS), *SOUNDS]),
        "protocol_whitelist": "none",
        "enable_drefs": "0",
        "max_streams": str(MAX_STREAMS),
    }
    try:
        container = av.open(source, format=DEMUXERS[kind], options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise NotAVideo("unreadable") from error
    with container:
        if not container.streams.video:
            raise NotAVideo("no_picture")
        stream = container.streams.video[0]
        codec = stream.codec_context
        if codec is None or codec.name not in CODECS:
            raise NotAVideo("unknown_codec")
        _check_size(codec.width, codec.height)
        codec.thread_count = THREADS
        codec.thread_type = "AUTO"
        found = Measured(kind, codec.name, codec.width, codec.height)
        _Looker(found, limits, keep_readable=keep_readable).look(container, stream)
    if not found.frames:
        raise NotAVideo("no_picture")
    return found


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise NotAVideo("too_many_pixels")


class _Looker:
    """Walks over the frames of one video."""

    def __init__(self, found: Measured, limits: Limits, *, keep_readable: bool) -> None:
        self.found = found
        self.limits = limits
        self.keep_readable = keep_readable
        self.began = time.monotonic()
        self.before: Grey | None = None
        self.last_look = -1.0
        self.first: float | None = None

    def look(self, container: Any, stream: Any) -> None:
        """Decode packet by packet: a broken one costs its frames, not the video."""
        in_a_row = 0
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.found.errors += 1
                in_a_row += 1
                if in_a_row >= MAX_ERRORS:
                    self.found.is_whole = False
                    return
                continue
            in_a_row = 0
            for frame in frames:
                if not self._take(frame):
                    self.found.is_whole = False
                    return

    def _take(self, frame: Any) -> bool:
        """Measure one frame; False when enough was seen."""
        if frame.time is None:
            return True
        if self.first is None:
            self.first = float(frame.time)
        at = float(frame.time) - self.first
        found = self.found
        found.frames += 1
        spent = time.monotonic() - self.began
        found.seconds = max(found.seconds, at)
        if at > self.limits.video_seconds or spent > self.limits.work_seconds:
            return False
        if found.frames > FRAMES_PER_SECOND * self.limits.video_seconds:
            return False
        # The size may change within a stream.
        _check_size(frame.width, frame.height)
        small = _grey(frame, *_within(frame.width, frame.height, SMALL[0]))
        if self.before is not None and small.shape == self.before.shape:
            difference = np.abs(small.astype(np.int16) - self.before).mean()
            found.moves.append((at, float(difference)))
        self.before = small
        if at >= self.last_look + 1 or self.last_look < 0:
            self.last_look = at if self.last_look < 0 else max(self.last_look + 1, at - 0.5)
            self._look_closely(frame, at)
        return True

    def _look_closely(self, frame: Any, at: float) -> None:
        big = _grey(frame, *_within(frame.width, frame.height, LOOKED_AT_WIDTH))
        bright = float(np.percentile(big, 98))
        self.found.looks.append(Second(at, float(big.mean()), bright, sharpness(big)))
        turned = _turns(frame)
        self.found.pictures.append((at, _jpeg(frame, STRIP_SIDE, turned, quality=60, is_grey=False)))
        if self.keep_readable:
            self.found.readable.append((at, _jpeg(frame, READ_SIDE, turned, quality=85, is_grey=True)))


def sharpness(grey: Grey) -> float:
    """How sharp the sharpest parts are: 95th percentile over blocks of the variance of the Laplacian."""
    wide = grey.astype(np.int16)
    edges = 4 * wide[1:-1, 1:-1] - wide[:-2, 1:-1] - wide[2:, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:]
    rows, columns = edges.shape[0] // BLOCK, edges.shape[1] // BLOCK
    if not rows or not columns:
        return 0.0
    cut = edges[: rows * BLOCK, : columns * BLOCK].astype(np.float32)
    blocks = cut.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    return float(np.percentile(blocks.var(axis=1), 95))


def _within(width: int, height: int, side: int) -> tuple[int, int]:
    """The size with its longer side shortened to ``side``, even numbers as codecs like them."""
    scale = min(1.0, side / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _grey(frame: Any, width: int, height: int) -> Grey:
    grey: Grey = frame.reformat(width=width, height=height, format="gray", interpolation="AREA").to_ndarray()
    return grey


def _turns(frame: Any) -> int:
    """Quarter turns, against the clock, that put the picture upright."""
    return round(float(frame.rotation or 0) / 90) % 4


def _jpeg(frame: Any, side: int, turned: int, *, quality: int, is_grey: bool) -> bytes:
    width, height = _within(frame.width, frame.height, side)
    pixels = frame.reformat(
        width=width, height=height, format="gray" if is_grey else "rgb24", interpolation="AREA"
    ).to_ndarray()
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.rot90(pixels, turned))).save(out, "JPEG", quality=quality)
    return out.getvalue()
