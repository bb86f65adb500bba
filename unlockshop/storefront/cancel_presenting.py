"""What an order's page says about cancelling: until when, by which button, or what happens instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.models import DelayNotice, Order
from orders.wording import money_words, plain
from refunds.calling_off import LEFT, Standing, agreed_with
from services import promises


@dataclass(frozen=True, slots=True)
class Delay:
    """What was told of a delay: why, until when (None: nobody knows), and when that was written."""

    reason: str
    new_date: datetime | None
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Cancelling:
    """A text, the moment until which the order is held, or at which it left, and whether there is a button.

    ``answer_until`` is the end of the hours that run after a notice of delay.
    """

    may: bool
    text: str
    until: datetime | None = None
    left_at: datetime | None = None
    instead: str = ""
    answer_until: datetime | None = None
    delay: Delay | None = None
    is_wished: bool = False


def present(order: Order, now: Standing | None) -> Cancelling | None:
    """What to say; None where cancelling is no question (not paid, or over)."""
    if now is None:
        return None
    delay = _delay(now.notice)
    if now.is_wished:
        text = _(
            "We have your cancellation. We are finding out whether our supplier has the order; then it is cancelled, "
            "and you get your money back either way."
        )
        return Cancelling(False, text, delay=delay, is_wished=True)
    if now.code == LEFT:
        return Cancelling(False, now.text, left_at=now.left_at, instead=_instead(order), delay=delay)
    if not now.may:
        return Cancelling(False, now.text, delay=delay)
    if now.notice is None or now.notice.outcome:
        return Cancelling(True, _promise(order, is_held=now.held_until is not None), until=now.held_until, delay=delay)
    is_running = now.notice.new_date is not None and now.notice.answer_by is not None
    text = f"{_choice(now.notice)} {_back(order)}".strip()
    return Cancelling(True, text, delay=delay, answer_until=now.notice.answer_by if is_running else None)


def _delay(notice: DelayNotice | None) -> Delay | None:
    return Delay(plain(notice.reason), notice.new_date, notice.created_at) if notice else None


def _choice(notice: DelayNotice) -> str:
    """How long the customer may choose. Without news of the mail's delivery no time runs."""
    if notice.new_date is None:
        return _("As long as we cannot name a new date, you can cancel.")
    if notice.answer_by is not None:
        return _("You can wait for the new date, or cancel. If you do nothing, the order goes on.")
    if notice.mail.bounced_at is not None:
        return _("Our mail about the delay came back, so your time to cancel does not run. You can cancel.")
    return _(
        "You can wait for the new date, or cancel. Your time to cancel begins when our mail about the delay has "
        "reached you; nobody has confirmed that yet."
    )


def _promise(order: Order, *, is_held: bool) -> str:
    if is_held:
        text = _("We hold your order back for %(time)s after the payment. Until then you can cancel it.") % {
            "time": _time_words(order.hold_seconds)
        }
    else:
        text = _("Your order has not left for our supplier yet, so you can cancel it. It may leave at any moment.")
    return f"{text} {_back(order)}".strip()


def _back(order: Order) -> str:
    return _("You get back %(amount)s.") % {"amount": money_words(order.money)} if order.price else ""


def _time_words(seconds: int) -> str:
    if seconds % 60:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    return promises.exactly(seconds // 60)


def _instead(order: Order) -> str:
    """What a customer can do about an order that has left."""
    if agreed_with(order.purchase).numbers.cancellation.after_dispatch == "ask_supplier":
        return _(
            "Write to us if you no longer want it: we ask the supplier to stop, and if it agrees you get your money "
            "back. If it cannot be delivered, you get your money back in any case."
        )
    return _("If it cannot be delivered, you get your money back.")
