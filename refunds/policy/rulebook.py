"""A whole profile as people read it: its clauses in chapters, its numbers at a glance, and the few before buying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from refunds.policy.clause import Rule
from refunds.policy.facts import KINDS, Kind
from refunds.policy.profile import Profile
from refunds.policy.rendering import JUDGEMENT, ClauseLine, clause_lines
from refunds.policy.roles import Role

R = Role
# One of a row's rules goes on the panel: the first that the profile has.
_CANCEL: Final = ((R.CANCEL_WINDOW,), (R.BEFORE_SUBMISSION, R.TOO_LATE_TO_CANCEL))
# Where a time is guaranteed, that is the promise; the last day for any delivery is said elsewhere.
_TIME: Final = ((R.GUARANTEE_EXCEEDED, R.HARD_CAP_EXCEEDED, R.LATE), (R.DELAY_NOTICE,))
_ENDS: Final = ((R.REQUEST_WINDOW,), (R.VERIFICATION_WAIT,))
_PANEL: Final[Mapping[Kind, tuple[tuple[Role, ...], ...]]] = {
    "unlock": (*_CANCEL, *_TIME, (R.UNAVAILABLE,), (R.NOT_FOUND,), (R.NOTIFY_WINDOW, R.VIDEO_MISSING), *_ENDS),
    "check": (*_CANCEL[1:], *_TIME, (R.CHECK_UNAVAILABLE,), (R.RESULT_DISPUTED,), *_ENDS),
    "topup": (*_CANCEL[1:], *_TIME, (R.TOPUP_FAILED,), (R.WRONG_DELIVERY,), *_ENDS),
}
_WRONG_DATA: Final[Mapping[Kind, tuple[str, ...]]] = {
    "unlock": ("wrong_identifier",), "check": ("wrong_identifier",), "topup": ("wrong_phone_number",),
}  # fmt: skip
# What fills a short panel up.
_ALWAYS: Final = (R.WITHDRAWAL, R.FULFILLED, R.SUPPLIER_ASKED, R.DISPUTE_OPEN, R.REFUNDED)
FEWEST: Final = 5
MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Chapter:
    """Clauses about one matter; ``anchor`` is its stable address on the page."""

    anchor: str
    title: Promise
    clauses: Sequence[ClauseLine]


_CHAPTERS: Final[tuple[tuple[str, Promise, tuple[Role, ...]], ...]] = (
    (
        "cancelling",
        _("Cancelling and withdrawing"),
        (
            R.CANCEL_WINDOW, R.BEFORE_SUBMISSION, R.WITHDRAWAL, R.WITHDRAWAL_WITHOUT_WAIVER, R.OTHER_SENDER, R.UNPAID,
            R.TOO_LATE_TO_CANCEL, R.SUPPLIER_ASKED, R.SUPPLIER_APPROVED, R.SUPPLIER_REJECTED,
        ),
    ),
    (
        "late",
        _("Late orders and delays"),
        (
            R.GUARANTEE_EXCEEDED, R.HARD_CAP_EXCEEDED, R.DELAY_NOTICE, R.INDEFINITE_DELAY, R.REPROCESSED,
            R.DEADLINE_REPLACED, R.LATE, R.VERIFICATION_REQUIRED, R.VERIFICATION_WAIT, R.SUPPLIER_SILENT,
        ),
    ),
    (
        "not-delivered",
        _("When it cannot be done"),
        (
            R.UNAVAILABLE, R.CHECK_UNAVAILABLE, R.TOPUP_FAILED, R.SUPPLIER_CANCELLED, R.REFUSED_BY_SHOP, R.NOT_FOUND,
            R.NOT_FOUND_CLEARED, R.RESUBMIT, R.UNLISTED_CAUSE,
        ),
    ),
    (
        "does-not-work",
        _("When a result does not work or is wrong"),
        (
            R.NOTIFY_WINDOW, R.VIDEO_MISSING, R.VIDEO_LAPSED, R.VIDEO_SMALL, R.VIDEO_TO_REVIEW, R.FAILURE_CONFIRMED,
            R.CUSTOMER_ERROR, R.SECOND_CODE, R.WRONG_CODE_ADMITTED, R.RESULT_DISPUTED, R.STATUS_CHANGED,
            R.WRONG_DELIVERY,
        ),
    ),
    ("video", _("What a video must show"), ()),
    ("no-refund", _("When there is no refund"), ()),
    (
        "corrections",
        _("Wrong data and corrections"),
        (R.CORRECTION, R.CORRECTION_APPROVED, R.CORRECTION_REJECTED, R.FULFILLED),
    ),
    (
        "asking",
        _("Asking, and how the money goes back"),
        (
            R.REQUEST_WINDOW, R.DUPLICATE, R.REFUNDED, R.DESTINATION_IMPOSSIBLE, R.BANK_ABROAD, R.WALLET_BALANCE,
            R.ADDITIONAL_PAYMENT, R.MOVED_ON, R.CREDIT_ABUSE,
        ),
    ),
    (
        "disputes",
        _("Disputes and suspicion"),
        (R.DISPUTE_OPEN, R.DISPUTE_PREMATURE, R.PAYMENT_STOLEN, R.FRAUD_SUSPECTED, R.ABUSE),
    ),
    ("better-price", _("A better price"), (R.PRICE_MATCH_IN_TIME, R.PAID_IN_FULL)),
    ("more", _("More that our answers refer to"), ()),
)  # fmt: skip


def chapters(agreed: Profile) -> list[Chapter]:
    """Every clause of the profile once, under the first chapter that it belongs to; chapters without one are left
    out."""
    seen: set[str] = set()
    found = []
    for anchor, title, roles in _CHAPTERS:
        ids = tuple(each for each in dict.fromkeys(_ids_in(agreed, anchor, roles)) if each not in seen)
        seen.update(ids)
        if ids:
            found.append(Chapter(anchor, title, clause_lines(agreed.numbers, ids)))
    return found


def ids_of(agreed: Profile) -> tuple[str, ...]:
    """Every clause that the profile decides by or names in an answer."""
    return tuple(dict.fromkeys([*agreed.clauses, *_cited(agreed), JUDGEMENT]))


def before_buying(agreed: Profile, kind: Kind) -> list[ClauseLine]:
    """The five to eight clauses that matter most to somebody who thinks of buying this kind of service."""
    rows = [next((rule for role in row if (rule := agreed.rule(role, kind))), None) for row in _PANEL[kind]]
    bars = [bar.rule for bar in agreed.bars[kind] if bar.bar.fact in _WRONG_DATA[kind]]
    more = [rule for role in _ALWAYS if (rule := agreed.rule(role, kind))]
    picked = [*filter(None, rows)]
    picked = [*picked[: MOST - len(bars[:1])], *bars[:1]]
    ids = dict.fromkeys(rule.clauses[0].id for rule in picked)
    for rule in more:
        if len(ids) >= FEWEST:
            break
        ids.setdefault(rule.clauses[0].id)
    return clause_lines(agreed.numbers, tuple(ids)[:MOST])


def _ids_in(agreed: Profile, anchor: str, roles: Sequence[Role]) -> Iterator[str]:
    for rule in _rules_in(agreed, anchor, roles):
        yield from rule.ids
    if anchor == "more":
        yield from ids_of(agreed)


def _rules_in(agreed: Profile, anchor: str, roles: Sequence[Role]) -> Iterator[Rule]:
    for role in roles:
        yield from (rule for kind in KINDS if (rule := agreed.rule(role, kind)))
    if anchor == "video":
        yield from agreed.video_points.values()
    elif anchor == "no-refund":
        yield from (bar.rule for kind in KINDS for bar in agreed.bars[kind])
        yield from agreed.non_grounds.values()
    elif anchor == "better-price":
        yield from agreed.price_details.values()
        yield from agreed.price_conditions.values()


def _cited(agreed: Profile) -> Iterator[str]:
    for ids in agreed.numbers.cites.values():
        for some in ids.values() if isinstance(ids, Mapping) else (ids,):
            yield from some
