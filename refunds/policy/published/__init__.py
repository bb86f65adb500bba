"""The published profiles. A published version never changes: orders are judged for ever by the one accepted.

A new version of a shipped profile is a module of its own, added behind the older ones; none is ever taken out. It is
named by year and month: names of three parts are for versions that staff publish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

from refunds.policy.numbers import Numbers
from refunds.policy.profile import Profile, publish
from refunds.policy.published import default, doctorsim, imei_org, imei_server, imeishop

SHIPPED_NAME: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
# Every version by the profile's name, the oldest first.
SHIPPED: Final[Mapping[str, Sequence[Numbers]]] = {
    each.NUMBERS.name: (each.NUMBERS,) for each in (imei_org, imei_server, doctorsim, imeishop, default)
}


@cache
def versions(name: str) -> Sequence[Profile]:
    """Every shipped version of a profile, the oldest first. Raises ``KeyError`` if there is none of that name."""
    return tuple(publish(numbers) for numbers in SHIPPED[name])


@cache
def profiles() -> Mapping[str, Profile]:
    """The newest shipped version of each profile, by name."""
    return MappingProxyType({name: versions(name)[-1] for name in SHIPPED})


def profile(name: str, version: str | None = None) -> Profile:
    """A shipped profile, in its newest version unless one is named. Raises ``KeyError`` if there is none such."""
    for found in reversed(versions(name)):
        if version in {None, found.version}:
            return found
    raise KeyError(f"{name} {version}")
