"""How orders are spoken of to customers: the same words on pages, in the tracker and in mails."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from babel.dates import format_skeleton
from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from orders.models import Order
from orders.states import UNDELIVERED, HoldReason, OrderState
from unlockshop.kernel.money import Money

S = OrderState
# Where the country decides how a day is written and the language does not name it.
_LOCALES: Final[Mapping[str, str]] = {"en": "en_GB"}

STATE_WORDS: Final[Mapping[OrderState, str | Promise]] = {
    S.AWAITING_PAYMENT: gettext_lazy("Awaiting payment"),
    S.PAID: gettext_lazy("Paid"),
    S.SUBMITTING: gettext_lazy("Submitted / In process"),
    S.UNCERTAIN: gettext_lazy("Submitted / In process"),
    S.IN_PROCESS: gettext_lazy("Submitted / In process"),
    S.ON_HOLD: gettext_lazy("On hold, with our staff"),
    S.COMPLETED: gettext_lazy("Completed"),
    S.UNAVAILABLE: gettext_lazy("Unavailable"),
    S.NOT_FOUND: gettext_lazy("Not found"),
    S.CANCELLED: gettext_lazy("Cancelled"),
    S.EXPIRED: gettext_lazy("Expired"),
}

MEANINGS: Final[Mapping[OrderState, str | Promise]] = {
    S.AWAITING_PAYMENT: gettext_lazy("The order is saved. Work starts when it is paid."),
    S.PAID: gettext_lazy("The payment has arrived. The order is about to be submitted to our supplier."),
    S.SUBMITTING: gettext_lazy("The order is being handed to our supplier."),
    S.UNCERTAIN: gettext_lazy("The order was sent, and we are confirming that our supplier received it."),
    S.IN_PROCESS: gettext_lazy("Our supplier has the order and works on it."),
    S.ON_HOLD: gettext_lazy("A member of our staff is looking at the order."),
    S.COMPLETED: gettext_lazy("The work is done and the result is ready."),
    S.UNAVAILABLE: gettext_lazy("Our supplier cannot deliver this order, so there will be no result."),
    S.NOT_FOUND: gettext_lazy(
        "Our supplier did not find this device in its records, so there will be no result. "
        "Often the number is mistyped, or the device belongs to another network."
    ),
    S.CANCELLED: gettext_lazy("The order was cancelled. No work is done on it any more."),
    S.EXPIRED: gettext_lazy("The order was not paid in time, so no work was started."),
}


def state_word(state: str) -> str:
    """What customers call the state."""
    return str(STATE_WORDS[S(state)])


def meaning(state: str) -> str:
    """One sentence on what the state means; holds nothing about the order itself."""
    return str(MEANINGS[S(state)])


def owed_back(order: Order, left: Money | None = None) -> str:
    """That the money of an undelivered order is owed back, and who sees to it; empty when none is.

    Of a device that was not found the terms decide, and some have the cause found out first.
    ``left`` is what of the price was not given back so far; without it, all of it.
    """
    if order.state not in UNDELIVERED or order.price == 0:
        return ""
    if order.purchase.frozen_for == HoldReason.DISPUTE:
        return _(
            "The payment for this order was disputed at the bank. The bank decides about that money, so we do not "
            "send it a second time."
        )
    left = order.money if left is None else left
    if left.amount == 0:
        return ""
    amounts = {"amount": money_words(order.money), "left": money_words(left)}
    is_looked_into = order.state == S.NOT_FOUND and _is_looked_into(order)
    if is_looked_into and left != order.money:
        text = _(
            "Of the %(amount)s that you paid for this order %(left)s were not given back yet. By its terms our staff "
            "find out first why the device was not found. Unless the order's data were wrong, they go back to the "
            "payment method you paid with; you need not apply for it."
        )
        return text % amounts
    if is_looked_into:
        text = _(
            "You paid %(amount)s for this order. By its terms our staff find out first why the device was not found. "
            "Unless the order's data were wrong, %(left)s go back to the payment method you paid with; you need not "
            "apply for it."
        )
        return text % amounts
    if left != order.money:
        text = _(
            "Of the %(amount)s that you paid for this order %(left)s are still owed back, to the payment method you "
            "paid with. Our staff arrange it; you need not apply for it."
        )
        return text % amounts
    return (
        _(
            "You paid %(amount)s for this order. That money is owed back to the payment method you paid with. "
            "Our staff arrange it; you need not apply for it."
        )
        % amounts
    )


def _is_looked_into(order: Order) -> bool:
    """Whether the order's terms have the cause found out before its money is decided on (``NOT_FOUND_TERMS``)."""
    is_looked_into: Callable[[str], bool] = import_string(settings.NOT_FOUND_TERMS)
    return is_looked_into(order.purchase.refund_profile)


def money_words(money: Money) -> str:
    """An amount as readers of the active language write it."""
    return money.format(get_language() or "en")


def time_words(moment: datetime) -> str:
    """A moment with its zone, such as "21 Aug 2026, 10:14 UTC"."""
    return f"{day_words(moment)}, {moment.astimezone(UTC):%H:%M} UTC"


def day_words(moment: datetime) -> str:
    """The day of a moment in UTC, such as "21 Aug 2026"."""
    return str(format_skeleton("yMMMd", moment.astimezone(UTC), locale=babel_locale()))


def date_words(day: date) -> str:
    """A calendar day in full, such as "21 August 2026"."""
    return str(format_skeleton("yMMMMd", datetime.combine(day, time()), locale=babel_locale()))


def babel_locale() -> str:
    """The active language as Babel names it."""
    language = get_language() or "en"
    return _LOCALES.get(language, language.replace("-", "_"))


def average_by(order: Order) -> datetime | None:
    """When the average order of this kind is done; None while the order is unpaid."""
    return order.paid_at + timedelta(minutes=order.average_minutes) if order.paid_at else None


def plain(text: str) -> str:
    """Foreign text without control, bidirectional and other invisible format characters; line ends are kept."""
    unified = str(text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(
        c for c in unified if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    )
