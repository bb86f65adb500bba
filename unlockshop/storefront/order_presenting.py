"""What an order's page says: headline, what happens next and who acts, and the timeline. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import averages, clocks, events, wording
from orders.models import Order, OrderEvent
from orders.states import ENDED, HoldReason, OrderState
from unlockshop.kernel.money import Money

S = OrderState


class Tone(StrEnum):
    """How the headline is coloured; the words say the same."""

    WAITING = "waiting"
    WORKING = "working"
    GOOD = "good"
    ENDED = "ended"


class Party(StrEnum):
    """Who acts next."""

    US = "us"
    SUPPLIER = "supplier"
    YOU = "you"
    BANK = "bank"

    @property
    def label(self) -> str:
        return str(_PARTY_WORDS[self])


_PARTY_WORDS: Final = {
    Party.US: gettext_lazy("We"),
    Party.SUPPLIER: gettext_lazy("Our supplier"),
    Party.YOU: gettext_lazy("You"),
    Party.BANK: gettext_lazy("Your bank"),
}


@dataclass(frozen=True, slots=True)
class NextStep:
    """What happens next, who does it and, where a time is known, by when."""

    who: Party
    text: str
    by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """The delivery time of a paid, unfinished order: by when it is due, and what is only the average.

    ``submitted_by`` is None once a supplier has it. ``is_guaranteed``: the terms promise the time.
    """

    due_at: datetime
    submitted_by: datetime | None
    average: str
    is_guaranteed: bool
    is_past_average: bool
    is_late: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story."""

    sentence: str
    at: datetime


class Progress(StrEnum):
    """Where a milestone lies."""

    DONE = "done"
    CURRENT = "current"
    AHEAD = "ahead"


@dataclass(slots=True)
class Milestone:
    """One fixed step of an order's way, with what happened there."""

    title: str
    progress: Progress
    moments: list[Moment] = field(default_factory=list)

    @property
    def is_current(self) -> bool:
        return self.progress == Progress.CURRENT


@dataclass(frozen=True, slots=True)
class OrderView:
    """Everything that changes while an order runs. ``seen`` names the last event, so that a poll can tell news."""

    word: str
    meaning: str
    tone: Tone
    next_step: NextStep
    promise: Promise | None
    milestones: Sequence[Milestone]
    has_result: bool
    is_over: bool
    owed_back: str
    supplier_note: str
    seen: int
    is_late: bool = False


_TONES: Final = {
    S.AWAITING_PAYMENT: Tone.WAITING,
    S.PAID: Tone.WORKING,
    S.SUBMITTING: Tone.WORKING,
    S.UNCERTAIN: Tone.WORKING,
    S.IN_PROCESS: Tone.WORKING,
    S.ON_HOLD: Tone.WAITING,
    S.COMPLETED: Tone.GOOD,
    S.UNAVAILABLE: Tone.ENDED,
    S.NOT_FOUND: Tone.ENDED,
    S.CANCELLED: Tone.ENDED,
    S.EXPIRED: Tone.ENDED,
}

# The four steps of every order; a state stands on one of them.
ORDERED, PAID, WORK, END = range(4)
_STEP_OF: Final = {
    S.AWAITING_PAYMENT: ORDERED,
    S.PAID: PAID,
    S.SUBMITTING: WORK,
    S.UNCERTAIN: WORK,
    S.IN_PROCESS: WORK,
    S.ON_HOLD: WORK,
    S.COMPLETED: END,
    S.UNAVAILABLE: END,
    S.NOT_FOUND: END,
    S.CANCELLED: END,
    S.EXPIRED: END,
}

_IDENTIFIER_LABELS: Final = {
    "imei": gettext_lazy("IMEI"),
    "meid": gettext_lazy("MEID"),
    "serial": gettext_lazy("Serial number"),
    "msisdn": gettext_lazy("Phone number"),
}


@dataclass(frozen=True, slots=True)
class MoneyFacts:
    """How the order's money stands: at the bank on its way in, refused there, or owed back (None: all of it).

    ``is_on_its_way``: it is to be given back, and no refund that is still open has gone out.
    ``is_replaced``: it counts for the order that took this one's place.
    """

    bank_is_confirming: bool = False
    payment_failed: bool = False
    owed: Money | None = None
    is_on_its_way: bool = False
    is_replaced: bool = False


def present(
    order: Order,
    story: Sequence[OrderEvent],
    *,
    now: datetime,
    money: MoneyFacts = MoneyFacts(),
    is_guaranteed: bool = True,
) -> OrderView:
    """The page's content for the order as it stands at ``now``. ``story`` is its events, oldest first.

    ``is_guaranteed``: whether the terms of the checkout promise the delivery time.
    """
    state = S(order.state)
    told = promise(order, now=now, is_guaranteed=is_guaranteed)
    return OrderView(
        word=wording.state_word(state),
        meaning=wording.meaning(state),
        tone=Tone.WAITING if told is not None and told.is_late else tone_of(state),
        next_step=next_step(order, now=now, money=money),
        promise=told,
        milestones=timeline(state, story),
        has_result=state == S.COMPLETED,
        is_over=state in ENDED,
        owed_back=wording.owed_back(order, money.owed),
        supplier_note=order.supplier_note if state in {S.UNAVAILABLE, S.NOT_FOUND} else "",
        seen=_last_told(story),
        is_late=told is not None and told.is_late,
    )


def tone_of(state: str) -> Tone:
    """The tone of a state."""
    return _TONES[S(state)]


def next_step(order: Order, *, now: datetime, money: MoneyFacts = MoneyFacts()) -> NextStep:
    """What happens next with the order and who does it."""
    state = S(order.state)
    if state == S.AWAITING_PAYMENT and money.bank_is_confirming:
        return NextStep(
            Party.BANK, _("Your bank is still confirming the payment. We mail you when it has; you need not wait.")
        )
    if state == S.AWAITING_PAYMENT:
        text = _("Pay for the purchase. Work starts right after that.")
        if money.payment_failed:
            text = _("Your last payment did not go through; nothing was charged for it. Pay in another way.")
        return NextStep(Party.YOU, text, order.purchase.expires_at)
    if state == S.ON_HOLD and order.hold_reason == HoldReason.DISPUTE:
        text = _(
            "The payment was disputed at the bank, so the order waits until the bank has decided. "
            "If you did not dispute it, or no longer do, write to us."
        )
        return NextStep(Party.BANK, text)
    if state == S.ON_HOLD:
        due = order.owner_due_at
        if due is not None and due <= now:
            return NextStep(
                Party.US, _("Our staff are checking your order, longer than planned. Write to us to hear more.")
            )
        return NextStep(
            Party.US, _("Our staff check your order and decide how it goes on. You need not do anything."), due
        )
    return _money_elsewhere(order, money) or NextStep(*_next_words(state, order, money.owed))


def _money_elsewhere(order: Order, money: MoneyFacts) -> NextStep | None:
    """For an order whose money counts for another one, or is on its way back but not out."""
    if money.is_replaced:
        return NextStep(
            Party.YOU, _("Follow the order that replaces this one. What you paid counts for it; nothing is paid back.")
        )
    if money.is_on_its_way and order.purchase.frozen_for != HoldReason.DISPUTE:
        return NextStep(
            Party.US, _("The money for this order is on its way back to you. We mail you when it has gone out.")
        )
    return None


def _next_words(state: OrderState, order: Order, owed: Money | None) -> tuple[Party, str]:
    if state == S.PAID:
        return Party.US, _("We submit your order to our supplier. You need not do anything.")
    if state == S.SUBMITTING:
        return Party.US, _("We are handing your order to our supplier. You need not do anything.")
    if state == S.UNCERTAIN:
        return Party.US, _(
            "We are confirming with our supplier that it received your order, so that it is neither lost nor "
            "bought twice. You need not do anything."
        )
    if state == S.IN_PROCESS:
        return Party.SUPPLIER, _(
            "Our supplier works on your order. We keep asking it for the result and mail you as soon as it is there."
        )
    if state == S.COMPLETED:
        return Party.YOU, _("Show the result and follow the steps below it. We have also mailed it to you.")
    if state == S.EXPIRED:
        return Party.YOU, _(
            "Order again if you still want it. If you did pay, write to us: money that came too late is yours."
        )
    if order.price == 0:
        return Party.YOU, _("The order is over. It cost nothing, so there is nothing to pay back.")
    if order.purchase.frozen_for == HoldReason.DISPUTE:
        return Party.BANK, wording.owed_back(order, owed)
    if owed is not None and owed.amount == 0:
        return Party.BANK, _("The money for this order was given back. Your bank books it within some days.")
    return Party.US, wording.owed_back(order, owed)


def identifier_label(kind: str) -> str:
    """What an order's identifier is called."""
    for start, label in _IDENTIFIER_LABELS.items():
        if kind.startswith(start):
            return str(label)
    return _("Device")


def promise(order: Order, *, now: datetime, is_guaranteed: bool = True) -> Promise | None:
    """The delivery promise while there is something to deliver; None before payment and after the end."""
    due_at, average_by = order.result_due_at, wording.average_by(order)
    if due_at is None or average_by is None or S(order.state) in ENDED:
        return None
    is_late = clocks.is_late(order, now)
    return Promise(
        due_at=due_at,
        submitted_by=order.submission_due_at if order.state == S.PAID else None,
        average=averages.usual_time_of(order),
        is_guaranteed=is_guaranteed,
        is_past_average=average_by < now and not is_late,
        is_late=is_late,
    )


def timeline(state: OrderState, story: Sequence[OrderEvent]) -> list[Milestone]:
    """The four milestones with the customer's sentences under each.

    An order that goes back a step takes its story along, so that reading down is always reading forward in time.
    An ended order shows no milestone that it never reached.
    """
    steps: list[list[Moment]] = [[], [], [], []]
    step = ORDERED
    for event in story:
        if event.to_state:
            target = _STEP_OF[S(event.to_state)]
            for left in range(target + 1, step + 1):
                steps[target] += steps[left]
                steps[left] = []
            step = target
        sentence = events.customer_sentence(event)
        if sentence:
            steps[step].append(Moment(sentence, event.at))
    current = _STEP_OF[state]
    return [
        Milestone(_milestone_title(index, state), _progress(index, current), moments)
        for index, moments in enumerate(steps)
        if moments or state not in ENDED or index == current
    ]


def _progress(index: int, current: int) -> Progress:
    if index == current:
        return Progress.CURRENT
    return Progress.DONE if index < current else Progress.AHEAD


def _milestone_title(index: int, state: OrderState) -> str:
    if index == _STEP_OF[state] and state != S.AWAITING_PAYMENT:
        return wording.state_word(state)
    return [_("Ordered"), _("Paid"), _("Submitted / In process"), _("Result")][index]


def _last_told(story: Sequence[OrderEvent]) -> int:
    """Number of the last event that a customer may know of or that moved the order."""
    told = [event.seq for event in story if event.to_state or events.customer_sentence(event)]
    return told[-1] if told else 0
