"""How a bug is planted, or a clock shortened: another value under a name that a module has."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def replace(module: ModuleType, **values: Any) -> None:
    """Put something else under names that the module has; a name that is gone is an error, not a silent nothing."""
    for name, value in values.items():
        if not hasattr(module, name):
            raise AttributeError(f"{module.__name__} has no {name} any more")
        setattr(module, name, value)
