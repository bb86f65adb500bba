"""The terms and refund rules as pages show them: the panel before buying, and what has changed since last time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.urls import reverse
from django.utils.translation import gettext as _

from orders.models import Draft
from refunds import calling_off, policy_versions, terms
from refunds.policy.facts import Kind
from refunds.policy.numbers import Numbers
from refunds.policy.profile import Profile
from refunds.policy.rendering import ClauseLine
from refunds.policy.rulebook import before_buying
from refunds.policy_versions import ClauseChange
from unlockshop.storefront.checkout_drafts import has_accepted_todays_terms, in_force_for


@dataclass(frozen=True, slots=True)
class Panel:
    """When money goes back, in the few clauses that matter for one kind of service; ``url`` leads to all of them.

    ``is_guaranteed``: whether the same rules guarantee the longest time.
    """

    clauses: Sequence[ClauseLine]
    url: str
    is_guaranteed: bool


@dataclass(frozen=True, slots=True)
class News:
    """What a returning customer is asked to accept. ``accepted_before``: this draft had accepted earlier terms."""

    version: str
    lines: Sequence[str]
    clauses: Sequence[ClauseChange]
    accepted_before: bool


def panel(kind: str, refund_profile: str = "") -> Panel:
    """The panel for a kind of service, by the rules in force or those that a draft has accepted."""
    agreed = policy_versions.named(refund_profile) if refund_profile else calling_off.in_force()
    return Panel(before_buying(agreed, cast("Kind", kind)), rules_address(agreed), calling_off.is_guaranteed(agreed))


def rules_address(agreed: Profile) -> str:
    """The stable address of a version of the refund rules."""
    return reverse("refund-rules-version", args=[agreed.name, agreed.version])


def news(draft: Draft) -> News | None:
    """What has changed with the versions in force today; None where both are the first.

    It is told to everybody alike: who has bought here before is nobody's business.
    """
    now = terms.current()
    today = in_force_for(draft)
    agreed, former = today.rules, today.former
    lines = [str(each) for each in now.changes] if terms.before(now.version) else []
    clauses = policy_versions.differences(former, agreed) if former else []
    if not lines and not clauses:
        return None
    was_asked = bool(draft.contact.get("terms_version"))
    return News(now.version, lines, clauses, was_asked and not has_accepted_todays_terms(draft))


def opening_hours(numbers: Numbers) -> str:
    """When business time runs, in a sentence."""
    calendar = numbers.calendar
    words = {"zone": calendar.zone.key.replace("_", " "), "country": calendar.country}
    if calendar.opens is None or calendar.closes is None:
        hours = _("Business days run Monday to Friday, by the clock of %(zone)s.")
    else:
        words |= {"opens": f"{calendar.opens:%H:%M}", "closes": f"{calendar.closes:%H:%M}"}
        hours = _("Business time runs Monday to Friday from %(opens)s to %(closes)s, by the clock of %(zone)s.")
    without = _("Public holidays (%(country)s) do not count.") if calendar.country else ""
    return f"{hours} {without}".strip() % words
