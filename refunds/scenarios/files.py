"""Scenario files from the disk: bounded, safe, and raw."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from refunds.scenarios.fields import Fields, ScenarioError, what

WORKED: Final = Path(__file__).parent / "worked"
"""The worked decisions that ship with the shop: the engine is held against them, and so is each new version."""
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
MAX_SCENARIOS: Final = 20_000
MAX_DEPTH: Final = 30


class _Loader(yaml.CSafeLoader):
    """YAML's safe subset, less what lets a small file grow or hide: merge keys and keys given twice."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, _value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, "merge keys are not read", key.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _value in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"{what(twice)} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def worked() -> list[Path]:
    """The files of the worked decisions."""
    return sorted(WORKED.glob("scenarios_*.yaml"))


def load(path: Path) -> tuple[list[object], list[object]]:
    """The raw scenarios and arithmetic cases of a file. Raises ``ScenarioError`` for a file that cannot be read."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ScenarioError(f"is larger than {MAX_FILE_BYTES // 1024 // 1024} MB")
        written = path.read_bytes()
    except OSError as error:
        raise ScenarioError(error.strerror or "cannot be opened") from error
    return parse(written)


def parse(written: bytes, *, with_aliases: bool = True) -> tuple[list[object], list[object]]:
    """The raw scenarios and arithmetic cases of a text. Raises ``ScenarioError`` for one that cannot be read.

    Aliases only point, so that they cost nothing here; who writes out what was read refuses them.
    """
    try:
        text = written.decode()
        _refuse_depth(text, with_aliases=with_aliases)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, narrowed
    except UnicodeDecodeError as error:
        raise ScenarioError("is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"is not valid YAML: {' '.join(str(error).split())[:300]}") from error
    except (RecursionError, OverflowError) as error:
        raise ScenarioError("is nested too deeply") from error
    except ValueError as error:
        raise error if isinstance(error, ScenarioError) else ScenarioError(f"is not valid YAML: {error}") from error
    top = Fields(content, "")
    top.take("meta", lambda value, _place: value, None)
    found = [top.take(name, _entries, []) for name in ("scenarios", "arithmetic_cases")]
    top.finish()
    if not any(found):
        raise ScenarioError("holds no scenarios")
    return found[0], found[1]


def _refuse_depth(written: str, *, with_aliases: bool) -> None:
    """Deep nesting overflows the C stack of the YAML library, which no ``except`` would catch; events do not nest."""
    depth = 0
    for event in yaml.parse(written, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) and not with_aliases:
            raise ScenarioError("has an alias (*name): aliases are not read here, write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ScenarioError(f"is nested more than {MAX_DEPTH} deep")


def _entries(value: object, place: str) -> list[object]:
    if not isinstance(value, list) or len(value) > MAX_SCENARIOS:
        raise ScenarioError(f"{place}: must be a list of at most {MAX_SCENARIOS} entries, not {what(value)}")
    return value


def name_of(raw: object, number: int) -> str:
    """The id of a raw entry for messages, or its number where it has none."""
    found = (raw.get("id") or raw.get("name")) if isinstance(raw, dict) else None
    return found[:120] if isinstance(found, str) else f"entry {number}"
