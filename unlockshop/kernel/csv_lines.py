"""Tables as CSV that a spreadsheet shows and never runs.

Text may come from anybody. A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage
return for a formula, so such a text is written with an apostrophe before it. Numbers are ours and stay numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

# The wide forms of East Asian keyboards are read as the narrow ones.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Value = str | int | Decimal | None


class _Line:
    """What ``csv.writer`` writes to: it gives the line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """The table in UTF-8, header first, line by line: nothing but the present row is held in memory."""
    writer = csv.writer(_Line(), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    yield writer.writerow(list(header)).encode()
    for row in rows:
        yield writer.writerow([inert(value) for value in row]).encode()


def inert(value: Value) -> str | int | Decimal:
    """``value`` as a cell: exact numbers without exponent, text that no spreadsheet takes for a formula."""
    if isinstance(value, int | Decimal):
        return value
    text = value or ""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
