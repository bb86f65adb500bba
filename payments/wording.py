"""How money given back is spoken of to customers: the same words on pages and in mails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.wording import plain
from payments.models import Refund
from payments.states import HandWay


class RefundRule(models.TextChoices):
    """Rules of the terms that a refund made by hand can rest on, as staff read them."""

    UNAVAILABLE = "unavailable", gettext_lazy("The supplier could not deliver")
    NOT_FOUND = "not_found", gettext_lazy("The device was not found")
    CANCELLED = "cancelled", gettext_lazy("Cancelled before it was forwarded")
    OVERPAYMENT = "overpayment", gettext_lazy("Paid twice")
    LATE_PAYMENT = "late_payment", gettext_lazy("Paid after the purchase had expired")
    GOODWILL = "goodwill", gettext_lazy("Goodwill: no rule demands it")


_TO_CUSTOMERS: Final[Mapping[str, str | Promise]] = {
    RefundRule.UNAVAILABLE: gettext_lazy("Our supplier could not deliver what you ordered."),
    RefundRule.NOT_FOUND: gettext_lazy("Our supplier did not find the device in its records."),
    RefundRule.CANCELLED: gettext_lazy("The order was cancelled before the work on it began."),
    RefundRule.OVERPAYMENT: gettext_lazy("You had paid for this purchase twice."),
    RefundRule.LATE_PAYMENT: gettext_lazy("Your payment arrived after the purchase had expired."),
    RefundRule.GOODWILL: gettext_lazy("A goodwill refund, which no rule demanded."),
}
_WAYS: Final[Mapping[str, str | Promise]] = {
    "stripe": gettext_lazy("the card or account you paid with"),
    "paypal": gettext_lazy("your PayPal account"),
}


def rule_label(rule: str) -> str:
    """What staff call the rule; one of an unknown name is shown as it is."""
    return str(RefundRule(rule).label) if rule in RefundRule.values else rule


def grounds_words(refund: Refund) -> str:
    """Why the money went back: the rule it rests on, then what was written down when it was decided."""
    rule = str(_TO_CUSTOMERS.get(refund.rule, ""))
    reason = "" if refund.is_external else plain(refund.reason)
    return " ".join(part for part in (rule, reason) if part)


_BY_HAND: Final[Mapping[str, str | Promise]] = {
    HandWay.BANK_TRANSFER: gettext_lazy("the bank account that you named"),
    HandWay.PAYPAL: gettext_lazy("the PayPal account that you named"),
    HandWay.OTHER: gettext_lazy("you in the way that we agreed on"),
}


def way_words(refund: Refund) -> str:
    """Where the money goes."""
    if refund.by_hand:
        return str(_BY_HAND[refund.by_hand])
    return str(_WAYS.get(refund.payment.provider) or _("the means of payment you used"))
