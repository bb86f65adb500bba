"""The single numbers of a profile by path: what they mean, in which unit and bounds, and how one is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from refunds.policy.numbers import Numbers
from unlockshop.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class Measure:
    """What a number of the terms is for. ``words`` says the number with its unit; both bounds are allowed."""

    path: str
    label: Promise
    words: Promise
    least: int
    most: int

    def said(self, value: int) -> str:
        """Such as "14 days", in the active language."""
        return str(self.words % {"n": value})


def _minutes(path: str, label: Promise) -> Measure:
    return Measure(path, label, ngettext_lazy("%(n)d minute", "%(n)d minutes", "n"), 1, 1440)


def _hours(path: str, label: Promise) -> Measure:
    return Measure(path, label, ngettext_lazy("%(n)d hour", "%(n)d hours", "n"), 1, 720)


def _days(path: str, label: Promise) -> Measure:
    return Measure(path, label, ngettext_lazy("%(n)d day", "%(n)d days", "n"), 1, 730)


def _business_days(path: str, label: Promise) -> Measure:
    return Measure(path, label, ngettext_lazy("%(n)d business day", "%(n)d business days", "n"), 1, 90)


MEASURES: Final = (
    _minutes("cancellation.window_minutes", gettext_lazy("An unlock is held back for cancelling")),
    _days("withdrawal.days", gettext_lazy("Withdrawing without a reason, before work begins")),
    _hours("cancellation.delay_notice_hours", gettext_lazy("Cancelling after we told you of a delay")),
    _hours("cancellation.replacement_hours", gettext_lazy("Delivery of a replacement order (business time)")),
    _business_days("delivery.hard_cap_days", gettext_lazy("Last day for any delivery, after its stated time")),
    Measure(
        "delivery.stuck_factor", gettext_lazy("An order is stuck after so many times its stated time"),
        ngettext_lazy("%(n)d time", "%(n)d times", "n"), 1, 10,
    ),
    _business_days("stuck.answer_days", gettext_lazy("The supplier's time to verify a stuck order")),
    _days("claims.request_days", gettext_lazy("Asking for a refund, after the payment")),
    _days("claims.notify_days", gettext_lazy("Reporting that a result does not work")),
    _days("claims.evidence_days", gettext_lazy("Sending in evidence that we asked for")),
    _hours("claims.contest_hours", gettext_lazy("Questioning a report, after you have it")),
    Measure(
        "evidence.min_short_side", gettext_lazy("Short side of a video"),
        ngettext_lazy("%(n)d pixel", "%(n)d pixels", "n"), 144, 2160,
    ),
    _business_days("refund.process_business_days", gettext_lazy("We send a refund, after its approval")),
    _days("refund.process_calendar_days", gettext_lazy("We send a refund at the latest, after you asked")),
    _days("refund.visible_days", gettext_lazy("A refund shows on your account")),
    _hours("refund.posted_after_hours", gettext_lazy("A bank shows a refund no sooner than")),
    _hours("disputes.premature_hours", gettext_lazy("We contact you about a dispute opened too early")),
    _days("disputes.escalate_days", gettext_lazy("We answer a dispute that stays open")),
    _hours("price_match.hours", gettext_lazy("Claiming a better price, after you bought")),
    Measure(
        "price_match.site_months", gettext_lazy("The other shop's site was updated in the last"),
        ngettext_lazy("%(n)d month", "%(n)d months", "n"), 1, 60,
    ),
)  # fmt: skip
_BY_PATH: Final[Mapping[str, Measure]] = {each.path: each for each in MEASURES}


def measured(numbers: Numbers) -> Iterator[tuple[Measure, int]]:
    """Every number that these terms have, in the order of ``MEASURES``; a window of none is no rule."""
    for measure in MEASURES:
        value = _value(numbers, measure.path)
        if value:
            yield measure, value


def changed(numbers: Numbers, changes: Mapping[str, int], *, version: str, effective_on: date) -> Numbers:
    """The same terms with some numbers changed, as a version of their own.

    Raises ``Refused``: ``unknown`` for a number that these terms do not have, ``bounds`` beyond its bounds or where
    numbers would contradict each other.
    """
    for path, value in changes.items():
        measure = _BY_PATH.get(path)
        if measure is None or not _value(numbers, path):
            raise Refused(_("These terms have no number %(path)s.") % {"path": path}, code="unknown")
        if isinstance(value, bool) or not isinstance(value, int) or not measure.least <= value <= measure.most:
            words = {"what": measure.label, "least": measure.least, "most": measure.said(measure.most)}
            raise Refused(_("%(what)s: choose from %(least)d to %(most)s.") % words, code="bounds")
        part, name = path.split(".")
        numbers = replace(numbers, **{part: replace(getattr(numbers, part), **{name: value})})
    if any(day >= numbers.claims.evidence_days for day in numbers.claims.reminder_days):
        days = max(numbers.claims.reminder_days)
        raise Refused(
            _("Evidence must stay due for longer than %(days)d days: reminders go out until then.") % {"days": days},
            code="bounds",
        )
    return replace(numbers, version=version, effective_on=effective_on)


def _value(numbers: Numbers, path: str) -> int | None:
    part, name = path.split(".")
    holder = getattr(numbers, part)
    value: int | None = getattr(holder, name) if holder is not None else None
    return value
