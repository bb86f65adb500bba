"""The published profiles. A published version never changes: orders are judged for ever by the one accepted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from refunds.policy.profile import Profile, publish
from refunds.policy.published import default, doctorsim, imei_org, imei_server, imeishop


@cache
def profiles() -> Mapping[str, Profile]:
    """The profiles in force, by name."""
    numbers = (imei_org.NUMBERS, imei_server.NUMBERS, doctorsim.NUMBERS, imeishop.NUMBERS, default.NUMBERS)
    return MappingProxyType({each.name: publish(each) for each in numbers})


def profile(name: str, version: str | None = None) -> Profile:
    """A published profile, in the version in force unless one is named. Raises ``KeyError`` if there is none such."""
    found = profiles()[name]
    if version not in {None, found.version}:
        raise KeyError(f"{name} {version}")
    return found
