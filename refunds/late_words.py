"""What a late order's customer may do, in words: the same on its page and in the mail that tells of it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from orders.models import Order
from orders.wording import money_words
from payments import refunding
from refunds.order_facts import payment_of
from refunds.overdue import UNCLEAR, Lateness


def offer(order: Order, now: Lateness) -> str:
    """What the terms give now, in the active language. Money is offered only where some was paid and is here."""
    payment = payment_of(order)
    left = refunding.refundable_for(order, payment) if payment is not None else order.money
    if now.may and left.amount > 0:
        text = _(
            "You may have your %(amount)s back now, or go on waiting. If you take the money, the order ends and a "
            "result that comes later is not delivered."
        )
        return text % {"amount": money_words(left)}
    if now.may and not order.price:
        return _("You may end the order now, or go on waiting. It cost nothing.")
    if now.code == UNCLEAR and left.amount > 0:
        return _(
            "You may have your money back. Our staff must first find out whether our supplier has your order; "
            "write to us if you want the money, and we see to it."
        )
    return _("Write to us, and we look into it and tell you how it stands.")
