"""Whether a pattern that staff write for an answer is safe to match: some patterns take hours over one short text.

A pattern is read for repeats inside repeats, and tried on hostile texts in a process of its own that the system ends.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final

from django.utils.translation import gettext as _

CPU_SECONDS: Final = 0.5
# On a busy machine the process gets little of its time; then nothing is known, and the pattern is refused.
WALL_SECONDS: Final = 10
# Escapes, character classes and the openings of special groups have no quantifiers of their own.
_TOKEN: Final = re.compile(
    r"""\\. | \[\^?\]?(?:\\.|[^\]\\])*\] | \((?:\?(?:P?<\w+>|P=\w+|<?[=!]|[:>]|[a-zA-Z-]+[:)]))? | \{\d*,?\d*\} | .""",
    re.DOTALL | re.VERBOSE,
)
_COUNT: Final = re.compile(r"\{(\d*)(,?)(\d*)\}")
# An interval timer of the system ends the process: Python itself cannot interrupt a match.
_TRIAL: Final = """
import re, signal, sys
pattern, length = sys.stdin.read(), int(sys.argv[2])
compiled = re.compile(pattern)
pieces = {chr(code) for code in range(32, 127)} | {"\\u00e9", "\\u4e2d"} | set(pattern)
words = re.findall(r"\\w+", pattern)
pieces |= set(words) | {a + b for a in words[:8] for b in words[:8]}
signal.signal(signal.SIGPROF, signal.SIG_DFL)
signal.setitimer(signal.ITIMER_PROF, float(sys.argv[1]))
for piece in sorted(pieces):
    whole = (piece * length)[:length]
    for text in (whole, whole[:-1] + "!", whole[: length // 2], whole[: length // 3] + "\\n"):
        for start in ("", *words[:3]):
            compiled.fullmatch((start + text)[:length])
print("done")
"""


def check_pattern(pattern: str, *, longest: int) -> None:
    """``ValueError``, with a sentence for staff, unless ``pattern`` compiles and answers fast up to ``longest``."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(_("Not a regular expression: %(error)s") % {"error": error}) from error
    if not pattern:
        return
    if _repeats_in_repeats(pattern):
        raise ValueError(_("A repeat inside a repeated group can take for ever. Write it without, such as [A-Z0-9]+."))
    if not _answers_fast(pattern, longest):
        raise ValueError(_("Some answers would take this pattern far too long to check. Make it simpler."))


def _repeats_in_repeats(pattern: str) -> bool:
    """Whether a group that repeats holds something whose length varies. The text is read, not interpreted."""
    marks = _TOKEN.findall(pattern)
    varies = [False]  # for each open group
    for place, mark in enumerate(marks):
        following = marks[place + 1] if place + 1 < len(marks) else ""
        if mark.startswith("(") and not mark.endswith(")"):
            varies.append(False)
        elif mark == ")" and len(varies) > 1:
            inner = varies.pop()
            if inner and _most(following) > 1:
                return True
            varies[-1] |= inner
        elif _least(mark) != _most(mark):
            varies[-1] = True
    return False


def _least(mark: str) -> int:
    if mark in {"*", "?"}:
        return 0
    count = _COUNT.fullmatch(mark)
    return int(count[1] or 0) if count else 1


def _most(mark: str) -> int:
    if mark in {"*", "+"}:
        return sys.maxsize
    count = _COUNT.fullmatch(mark)
    if not count:
        return 1
    if not count[2]:
        return int(count[1] or 1)
    return int(count[3] or sys.maxsize)


def _answers_fast(pattern: str, longest: int) -> bool:
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _TRIAL, str(CPU_SECONDS), str(longest)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the pattern is its input
            command, input=pattern, capture_output=True, encoding="utf-8", timeout=WALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.stdout.strip() == "done"
