"""What an order should have been about, and how that differs from what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orders.models import CorrectionRequest, Order


@dataclass(frozen=True, slots=True)
class RightData:
    """The device and the answers that are wanted. ``again``: although the same work is under way."""

    identifier: str
    identifier_kind: str
    answers: Mapping[str, str]
    again: bool = False


def is_same(order: Order, data: RightData) -> bool:
    """Whether the order is about this already."""
    return _values(order) == _values(data)


def changes(order: Order, data: RightData | CorrectionRequest) -> dict[str, str]:
    """What differs, as an event keeps it: each old and new value by name, and all of it in a sentence for staff."""
    old, new = _values(order), _values(data)
    names = [name for name in {**old, **new} if old.get(name, "") != new.get(name, "")]
    kept = {f"old {name}": old.get(name, "") for name in names} | {f"new {name}": new.get(name, "") for name in names}
    sentence = "; ".join(f"{name}: {old.get(name) or '—'} → {new.get(name) or '—'}" for name in names)
    return {**kept, "changes": sentence}


def _values(data: Order | RightData | CorrectionRequest) -> dict[str, str]:
    return {"device": data.identifier, **{name: str(value) for name, value in data.answers.items() if value}}
