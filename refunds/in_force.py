"""The refund rules and legal notices in force, read at most once a request, and not at all while nothing changed.

The caller reads the version of the part ``rules`` (``services.content_versions``) together with rows of its own, in
one statement. The database changes it with every write to the tables below, in the same transaction: while it is the
same, the rows are those that this process read last. So no customer agrees to rules of a moment ago.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from refunds import legal_notices, policy_versions
from refunds.models import LegalNotice, PolicyVersion
from refunds.policy.profile import Profile

PART: Final = "rules"
TABLES: Final = ("refunds_policyversion", "refunds_legalnotice")


@dataclass(frozen=True, slots=True)
class InForce:
    """The profile that purchases are made under now, the one before (None: it is the first), and the notices."""

    rules: Profile
    former: Profile | None
    notices: Sequence[LegalNotice]

    def notice_for(self, country: str) -> str:
        """What a customer who lives there confirms; empty where there is nothing."""
        return next((each.words for each in self.notices if each.country == country), "")


_Rows = tuple[list[PolicyVersion], list[LegalNotice]]
_kept: dict[str, tuple[str, _Rows]] = {}


def in_force(version: str) -> InForce:
    """What is in force, in the active language. ``version`` was read in this request; empty before the first write."""
    kept = _kept.get(PART)
    if kept is None or kept[0] != version:
        kept = version, (list(PolicyVersion.objects.all()), list(LegalNotice.objects.filter(is_active=True)))
        _kept[PART] = kept
    published, notices = kept[1]
    rules, former = policy_versions.latest(settings.REFUND_PROFILE, published)
    return InForce(rules, former, legal_notices.chosen(notices))
