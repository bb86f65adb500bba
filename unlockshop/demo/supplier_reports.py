"""Reports of checks as suppliers write them: the sample text, with states that differ by device and by order.

What a device is on the blacklist for stays; whether its account lock is on changes from one order to the next, so that
a repeated check has something new to tell.
"""

from __future__ import annotations

import random
import re
from typing import Final

from unlockshop.demo.supplier_behaviour import EXAMPLE_TAC

BLACKLISTED_SHARE: Final = 0.15
_ACCOUNT_LOCK: Final = re.compile(r"(Find My: )(?:ON|OFF)")
_BLACKLIST: Final = re.compile(r"(Blacklist(?: status)?: )Clean")
_COLOURED: Final = re.compile(r"(?<=: )(Locked|Unlocked|Blacklisted|ON|OFF)(?=<br>|$)")
# What the documents' example devices are, whatever the sample text names: a check of them contradicts no other one.
_SAMPLE_MODELS: Final = (
    (re.compile(r"(Brand: )Samsung"), r"\1Apple"),
    (re.compile(r"(Model: )Galaxy [^<]+"), r"\1iPhone 13 128GB"),
    (re.compile(r"(Model number: )SM-[A-Z0-9]+"), r"\1MLPF3ZD/A"),
)
_GOOD: Final = frozenset({"Unlocked", "OFF"})


def varied(text: str, identifier: str, order_id: int) -> str:
    """The sample report ``text`` for one device and order, in the HTML that suppliers like."""
    is_listed = random.Random(f"blacklist:{identifier}").random() < BLACKLISTED_SHARE
    text = _ACCOUNT_LOCK.sub(rf"\1{'OFF' if order_id % 2 else 'ON'}", text)
    if identifier.startswith(EXAMPLE_TAC):
        for pattern, words in _SAMPLE_MODELS:
            text = pattern.sub(words, text)
    if is_listed:
        text = _BLACKLIST.sub(r"\1Blacklisted", text)
    return _COLOURED.sub(_coloured, text)


def _coloured(found: re.Match[str]) -> str:
    colour = "green" if found[0] in _GOOD else "red"
    return f'<span style="color:{colour}">{found[0]}</span>'
