"""What customers read about a claim: what the rules say, who acts next, and what happened so far. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.wording import money_words
from refunds.applying import STAFF_CODE
from refunds.judging import Change, ClauseLine, Ruling, clause_lines, profile_of, what_would_change
from refunds.models import Claim, ClaimEvent
from refunds.policy.codes import Code, Decision
from refunds.states import ClaimEventKind, ClaimState, ClaimType

S = ClaimState
D = Decision
K = ClaimEventKind

_VERDICTS: Final[Mapping[Decision, tuple[str | Promise, str]]] = {
    D.ELIGIBLE: (gettext_lazy("By the rules you get it. Our staff confirm it before the money goes out."), "good"),
    D.AUTO_REFUND: (gettext_lazy("By the rules your money goes back to you. You need not prove anything."), "good"),
    D.NOT_ELIGIBLE: (gettext_lazy("By the rules there is no refund for this as things stand."), "ended"),
    D.NEEDS_EVIDENCE: (gettext_lazy("The rules ask for evidence first."), "waiting"),
    D.NEEDS_STAFF: (gettext_lazy("The rules leave this to a person. Our staff look into it."), "waiting"),
    D.NEEDS_SUPPLIER: (gettext_lazy("Our supplier has to answer first. We ask it for you."), "waiting"),
}
_TONES: Final[Mapping[ClaimState, str]] = {
    S.WAITING_STAFF: "waiting",
    S.WAITING_CUSTOMER: "waiting",
    S.WAITING_SUPPLIER: "waiting",
    S.APPROVED: "good",
    S.SETTLED: "good",
    S.DENIED: "ended",
    S.LAPSED: "ended",
    S.WITHDRAWN: "ended",
}
# Where the staff's word speaks of the customer, who reads this one.
_WORDS: Final[Mapping[ClaimState, str | Promise]] = {
    S.WAITING_CUSTOMER: gettext_lazy("Waiting for you"),
    S.WAITING_SUPPLIER: gettext_lazy("Waiting for our supplier"),
    S.LAPSED: gettext_lazy("Ended: nothing was sent in"),
    S.WITHDRAWN: gettext_lazy("You took it back"),
}
_NEXT: Final[Mapping[ClaimState, str | Promise]] = {
    S.WAITING_STAFF: gettext_lazy("Our staff look at it. You need not do anything."),
    S.WAITING_CUSTOMER: gettext_lazy("You send us what is missing; it is listed below."),
    S.WAITING_SUPPLIER: gettext_lazy("Our supplier answers. You need not do anything."),
    S.APPROVED: gettext_lazy("We send the money. You get a mail when it is out."),
    S.SETTLED: gettext_lazy("Nothing more: it is done."),
    S.DENIED: gettext_lazy("If you think that a fact is wrong, write to us and say which."),
    S.LAPSED: gettext_lazy("Send us what was missing and we take the claim up again."),
    S.WITHDRAWN: gettext_lazy("Nothing more."),
}
_SAID: Final[Mapping[ClaimEventKind, str | Promise]] = {
    K.OPENED: gettext_lazy("You made the claim."),
    K.REPEATED: gettext_lazy("You asked once more; it stays one claim, with its first day."),
    K.EVIDENCE_ASKED: gettext_lazy("We asked you for evidence."),
    K.EVIDENCE_RECEIVED: gettext_lazy("You sent something in."),
    K.REMINDED: gettext_lazy("We reminded you."),
    K.SUPPLIER_ASKED: gettext_lazy("We asked our supplier to verify the order."),
    K.SUPPLIER_ANSWERED: gettext_lazy("Our supplier answered."),
    K.FOR_STAFF: gettext_lazy("It went to our staff."),
    K.APPROVED: gettext_lazy("Approved."),
    K.DENIED: gettext_lazy("Not approved."),
    K.LAPSED: gettext_lazy("Closed, because nothing was sent in."),
    K.WITHDRAWN: gettext_lazy("Closed without a decision."),
    K.REOPENED: gettext_lazy("Taken up again."),
    K.REFUND_ASKED: gettext_lazy("The refund is on its way."),
    K.SETTLED: gettext_lazy("Done."),
}


@dataclass(frozen=True, slots=True)
class RulingView:
    """What the rules say before anything is claimed, and what would change it."""

    title: str
    tone: str
    clauses: Sequence[ClauseLine]
    changes: Sequence[Change]
    must_show: Sequence[ClauseLine]
    code: str
    last_day: datetime | None
    by_person: bool


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One claim: where it stands, who acts next and by when, and by which clauses."""

    what: str
    word: str
    tone: str
    next: str
    due: datetime | None
    amount: str
    reason: str
    code: str
    clauses: Sequence[ClauseLine]
    must_show: Sequence[ClauseLine]
    story: Sequence[tuple[str, datetime]]
    may_withdraw: bool


def present_ruling(ruling: Ruling) -> RulingView:
    """The rules' answer for the page before the form."""
    answer = ruling.answer
    title, tone = _VERDICTS[answer.decision]
    starts = "notify_end" if ruling.facts.claim.ground == "not_working" else "request_window_end"
    return RulingView(
        title=str(title),
        tone=tone,
        clauses=ruling.clauses,
        changes=what_would_change(ruling),
        must_show=ruling.must_be_shown,
        code=str(answer.code),
        last_day=answer.deadline(starts),
        by_person=answer.needs_confirmation,
    )


def present_claim(claim: Claim, events: Iterable[ClaimEvent] = ()) -> ClaimView:
    """One claim, with its story where ``events`` are given."""
    state, agreed = S(claim.state), profile_of(claim)
    ids = tuple((claim.clauses or claim.engine_clauses).split())
    wanted = state in {S.WAITING_CUSTOMER, S.LAPSED} and claim.type == ClaimType.NOT_WORKING
    points = [each for rule in agreed.video_points.values() for each in rule.ids] if wanted else []
    return ClaimView(
        what=_("We owe you the money for it") if claim.type == ClaimType.OUTCOME else str(claim.get_type_display()),
        word=str(_WORDS.get(state) or claim.get_state_display()),
        tone=_TONES[state],
        next=str(_NEXT[state]),
        due=claim.pay_by if state == S.APPROVED else claim.due_at,
        amount=money_words(claim.money) if state in {S.APPROVED, S.SETTLED} and claim.amount else "",
        reason=claim.decision_reason,
        code=_code(claim),
        clauses=clause_lines(agreed, ids),
        must_show=clause_lines(agreed, tuple(dict.fromkeys(points))),
        story=[(str(_SAID[K(event.kind)]), event.at) for event in events if K(event.kind) in _SAID],
        may_withdraw=state in {S.WAITING_STAFF, S.WAITING_CUSTOMER, S.WAITING_SUPPLIER}
        and claim.type != ClaimType.OUTCOME,
    )


def _code(claim: Claim) -> str:
    """The reason code; none where a person decides, whose reason is on the page."""
    code = claim.code or claim.engine_code
    return "" if code in {STAFF_CODE, Code.H_STAFF_JUDGEMENT} else code
