"""The repository's own rules: locks that fit, no addresses of registries or machines, every setting explained."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "requirements" / "runtime.lock"
DEV = ROOT / "requirements" / "dev.lock"
OCR = ROOT / "requirements" / "ocr.lock"


def pins(lock: Path) -> dict[str, Requirement]:
    """The pinned requirements of a lock file by name."""
    lines = re.findall(r"^([A-Za-z0-9][^\n\\]*?)\s*\\?$", lock.read_text(), flags=re.MULTILINE)
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): each for each in found}


def declared() -> tuple[list[Requirement], list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dev = project["optional-dependencies"]["dev"]
    return [Requirement(text) for text in project["dependencies"]], [Requirement(text) for text in dev]


@pytest.mark.parametrize("lock", [RUNTIME, DEV], ids=lambda path: path.name)
def test_lock_has_what_the_project_declares(lock: Path) -> None:
    locked = pins(lock)
    runtime, dev = declared()
    for wanted in runtime + (dev if lock == DEV else []):
        pin = locked[canonicalize_name(wanted.name)]
        (version,) = [each.version for each in pin.specifier]
        assert wanted.specifier.contains(version, prereleases=True), f"{wanted} is locked as {pin}: run make lock"


def test_dev_lock_holds_the_runtime_lock() -> None:
    runtime, dev = pins(RUNTIME), pins(DEV)
    assert {name: str(pin.specifier) for name, pin in runtime.items()} == {
        name: str(dev[name].specifier) for name in runtime
    }


def test_ocr_lock_holds_the_runtime_lock_and_the_extra() -> None:
    runtime, ocr = pins(RUNTIME), pins(OCR)
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["ocr"]
    wanted = {name: str(pin.specifier) for name, pin in runtime.items()}
    wanted |= {canonicalize_name(each.name): str(each.specifier) for each in map(Requirement, extra)}
    assert wanted == {name: str(ocr[name].specifier) for name in wanted}


@pytest.mark.parametrize("lock", [RUNTIME, DEV, OCR], ids=lambda path: path.name)
def test_every_pin_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins(lock)) > 40
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in text
    assert "index-url" not in text


def tracked_files() -> list[Path]:
    """Files that git has or would take; without git, the text files of the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git work tree")
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


def test_no_registry_and_no_machine_is_named() -> None:
    parts = [("pypi", r"\.org"), ("python", "hosted"), ("registry", r"\.npmjs"), ("/opt/", "pypi")]
    parts += [("/work", "/main"), ("/ro", "ot/")]
    forbidden = re.compile("|".join(first + second for first, second in parts))
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = forbidden.search(text)
        assert found is None, f"{path.relative_to(ROOT)}: {found[0] if found else ''}"


def settings_variables() -> set[str]:
    """Every name that settings.py reads from the environment."""
    tree = ast.parse((ROOT / "unlockshop" / "settings.py").read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "env" and node.func.attr != "read_env":
                assert isinstance(node.args[0], ast.Constant)
                names.add(node.args[0].value)
    return names


def explained_variables() -> list[str]:
    return re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)


def test_env_example_has_every_setting_once() -> None:
    explained = explained_variables()
    assert len(explained) == len(set(explained))
    assert set(explained) == settings_variables() | {"POSTGRES_PASSWORD", "HEARTBEAT_FILE"}


def test_readme_names_targets_that_exist() -> None:
    """Every target that the README names is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
