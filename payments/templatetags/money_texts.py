"""Words about an order's money for templates of mails; a thin front of ``payments.owing``."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from orders import replacing, wording
from orders.models import Order
from orders.states import UNDELIVERED
from payments import owing
from unlockshop.kernel.money import Money

register = template.Library()


@register.filter
def owes_back(order: Order) -> bool:
    """Whether money of the order is with us and not on its way back, so that a mail may say so in its subject."""
    return owing.owed_back(order).amount > 0


@register.filter
def money_figure(order: Order) -> Money:
    """The sum that ``money_back`` speaks of: what is still owed, or the price where nothing is left to be owed."""
    owed = owing.owed_back(order)
    return owed if owed.amount > 0 else order.money


@register.filter
def money_back(order: Order) -> str:
    """How it stands with the money of an undelivered order as the mail is written; empty where there is none.

    What went back before, or is on its way, is not promised a second time.
    """
    owed = owing.owed_back(order)
    text = wording.owed_back(order, owed)
    if text or order.state not in UNDELIVERED or order.price == 0 or replacing.is_replaced(order):
        return text
    if owing.is_on_its_way(order):
        return _("The money for this order is on its way back to you. We mail you when it has gone out.")
    return _("The money for this order was given back. Your bank books it within some days.")
