"""The terms of the shop, by version. A published version never changes: a purchase is judged by the one it accepted.

``fingerprint`` pins each published text; the tests hold the list of fingerprints. New rules mean a new version. The
terms say in words what happens; the numbers are the refund rules' (``refunds/policy``), with versions of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.translation import override

from refunds.terms import november_1, november_22
from refunds.terms.version import Section, TermsVersion
from unlockshop.kernel import clock

__all__ = ["REFUND_RULES", "Section", "TermsVersion", "all_versions", "before", "by_version", "current", "text_of"]

_VERSIONS: Final[tuple[TermsVersion, ...]] = (november_1.TERMS, november_22.TERMS)
# The parts of the terms that say when money goes back: what a bank is shown in a dispute.
REFUND_RULES: Final = frozenset(
    {
        "what-you-tell-us", "delivery-times", "delays", "cancelling", "withdrawing", "wrong-data",
        "when-it-cannot-be-done", "not-found", "claims", "refunds", "disputes",
    }
)  # fmt: skip


def current() -> TermsVersion:
    """The version in force today."""
    today = clock.now().date()
    in_force = [terms for terms in _VERSIONS if terms.effective_on <= today]
    return in_force[-1] if in_force else _VERSIONS[0]


def by_version(version: str) -> TermsVersion | None:
    """A version by its name, in force or not; None where there is none."""
    return next((terms for terms in _VERSIONS if terms.version == version), None)


def before(version: str) -> TermsVersion | None:
    """The version that ``version`` took the place of; None for the first one and for a name that is none."""
    names = [terms.version for terms in _VERSIONS]
    place = names.index(version) if version in names else 0
    return _VERSIONS[place - 1] if place else None


def all_versions() -> Sequence[TermsVersion]:
    """Every version, the oldest first."""
    return _VERSIONS


def text_of(version: str) -> list[tuple[str, str, str]]:
    """The refund rules of a version as (clause id, title, English text); empty where there is no such version."""
    terms = by_version(version)
    with override("en"):
        return [
            (section.anchor, str(section.title), "\n".join(map(str, section.paragraphs)))
            for section in (terms.sections if terms else ())
            if section.anchor in REFUND_RULES
        ]
