"""Reports of checks as suppliers write them: the sample text, with states that differ by device and by order.

What a device is on the blacklist for stays; whether its account lock is on changes from one order to the next, so that
a repeated check has something new to tell.
"""

from __future__ import annotations

import random
import re
from typing import Final

BLACKLISTED_SHARE: Final = 0.15
_ACCOUNT_LOCK: Final = re.compile(r"(Find My: )(?:ON|OFF)")
_BLACKLIST: Final = re.compile(r"(Blacklist(?: status)?: )Clean")
_COLOURED: Final = re.compile(r"(?<=: )(Locked|Unlocked|Blacklisted|ON|OFF)(?=<br>|$)")
_GOOD: Final = frozenset({"Unlocked", "OFF"})


def varied(text: str, identifier: str, order_id: int) -> str:
    """The sample report ``text`` for one device and order, in the HTML that suppliers like."""
    is_listed = random.Random(f"blacklist:{identifier}").random() < BLACKLISTED_SHARE
    text = _ACCOUNT_LOCK.sub(rf"\1{'OFF' if order_id % 2 else 'ON'}", text)
    if is_listed:
        text = _BLACKLIST.sub(r"\1Blacklisted", text)
    return _COLOURED.sub(_coloured, text)


def _coloured(found: re.Match[str]) -> str:
    colour = "green" if found[0] in _GOOD else "red"
    return f'<span style="color:{colour}">{found[0]}</span>'
