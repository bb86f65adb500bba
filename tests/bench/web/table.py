"""The table: each figure beside its bar and its aim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. ``more_is_better`` tells which side of the bar is the good one."""

    what: str
    figure: float
    bar: float
    aim: float
    more_is_better: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the bar, or even the aim, is met."""
        for level, word in ((self.aim, "aim met"), (self.bar, "met")):
            if self.figure >= level if self.more_is_better else self.figure <= level:
                return word
        return "MISSED"


def render(lines: Iterable[Line]) -> str:
    """As Markdown."""
    head = ["what", "figure", "at least", "aim", "", "measured"]
    rows = [[line.what, _said(line.figure), *_bars(line), line.verdict, line.note] for line in lines]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    ruled = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in ruled
    )


def _bars(line: Line) -> tuple[str, str]:
    sign = "≥" if line.more_is_better else "≤"
    return f"{sign} {line.bar:g}", f"{sign} {line.aim:g}"


def _said(figure: float) -> str:
    return f"{figure:.0f}" if figure == int(figure) or figure >= 100 else f"{figure:.2f}"
