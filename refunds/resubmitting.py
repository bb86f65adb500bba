"""The one door through which an ended order is sent to a supplier once more, whoever asks for it.

Its money is either given back or worked for, never both. The payments are locked first, as refunds lock them, so that
of a refund and a resubmission at the same moment the second sees the first.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import lifecycle
from orders.models import Order
from orders.states import OrderState
from payments import refunding
from payments.booking import UNATTACHED
from payments.models import Dispute, Payment, Refund
from payments.states import COUNTING_REFUNDS, DisputeState
from refunds.models import SecondCode
from refunds.order_facts import payment_of
from refunds.states import ClaimState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

# The states that the lifecycle sends out again from.
ENDS: Final = frozenset({OrderState.UNAVAILABLE, OrderState.NOT_FOUND})
# A claim in one of these gives money, or gave it, be it by another way than a refund of ours.
GIVING: Final = frozenset({ClaimState.APPROVED, ClaimState.SETTLED})


def obstacle(order: Order) -> Refused | None:
    """Why the order's money does not allow to send it out again; None where it does.

    Codes: ``second_code``, ``claim_granted``, ``dispute_lost``, ``refunded_whole``, ``refunded``. Only under
    the locks of ``resubmit`` does the answer hold. An order that was paid in a way that leaves no payment here has
    only claims.
    """
    if SecondCode.objects.filter(order=order).exists():
        return Refused(_("A second code is bought once. Decide the claim it was bought for."), code="second_code")
    if order.price == 0:
        return None
    if order.claims.filter(state__in=sorted(GIVING), amount__gt=0).exists():
        return Refused(_("A claim on this order was granted: its money goes back."), code="claim_granted")
    of_purchase = Payment.objects.filter(purchase=order.purchase_id)
    if Dispute.objects.filter(payment__in=of_purchase, state=DisputeState.LOST).exists():
        return Refused(_("The bank has given this payment back to the customer."), code="dispute_lost")
    whole = Refund.objects.filter(payment__in=of_purchase, order=None, state__in=sorted(COUNTING_REFUNDS))
    if whole.exclude(payment__attention__in=UNATTACHED).exists():
        text = _("Money of the whole purchase was given back, and nobody can tell for which order.")
        return Refused(text, code="refunded_whole")
    payment = payment_of(order)
    if payment is not None and refunding.refundable_for(order, payment).amount < order.price:
        return Refused(_("The order's money was given back, or part of it."), code="refunded")
    return None


def may(order: Order) -> bool:
    """Whether the order can be sent out again, by its state and by its money."""
    return order.state in ENDS and obstacle(order) is None


def lock(order_id: int) -> Order:
    """The order, its purchase's payments locked before it, until the transaction ends."""
    payments = Payment.objects.filter(purchase__orders=order_id).order_by("pk")
    list(payments.select_for_update(of=("self",)))
    return lifecycle.lock(order_id)


def resubmit(order_id: int, *, reason: str, actor: Actor) -> Order:
    """unavailable | not_found -> paid, unless its money went back or is to go.

    Raises ``Refused`` with the codes of ``obstacle`` or without a reason, and ``TransitionRefused`` in other states.
    """
    with transaction.atomic():
        order = lock(order_id)
        hindrance = obstacle(order)
        if order.state in ENDS and hindrance is not None:
            raise hindrance
        return lifecycle.resubmit(order_id, reason=reason, actor=actor)
