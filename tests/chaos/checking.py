"""What an invariant is: a name, how many things were looked at, and what was wrong with which."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Check:
    """One invariant: how many things were looked at, and what was wrong with which."""

    name: str
    title: str
    checked: int = 0
    violations: list[str] = field(default_factory=list)

    def look(self, is_right: bool, otherwise: str) -> None:
        """Count one thing; note it when it is not right."""
        self.checked += 1
        if not is_right:
            self.violations.append(otherwise)
