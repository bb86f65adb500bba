"""What must not happen any more once all money of an order is on its way back: nobody buys it, nothing replaces it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from django.db.models import Q

from orders import doing_again, giving_back, lifecycle, replacing
from orders.models import CorrectionRequest, Order
from orders.states import BOUGHT_OUTCOMES, CancelState, CorrectionState, OrderState
from payments.models import Break, Payment, Refund
from payments.states import BreakKind, RefundState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.exact_sum import ExactSum
from unlockshop.kernel.money import Money

# Where an order may still be bought, or bought again.
_MAY_BE_BOUGHT: Final = frozenset({OrderState.PAID, OrderState.ON_HOLD, OrderState.SUBMITTING, OrderState.UNCERTAIN})


def turn_down_corrections(
    payment: Payment, order: Order | None, left_of: Callable[[Order, Payment], Money], *, actor: Actor
) -> None:
    """Turn down what waits to replace the order (None: any of the purchase) of which nothing is ``left_of``.

    A replacement stands on its predecessor's money. The caller holds the payment's lock; orders are locked by id.
    """
    waiting = CorrectionRequest.objects.filter(state=CorrectionState.ASKED, order__purchase=payment.purchase_id)
    if order is not None:
        waiting = waiting.filter(order=order)
    for wanted in waiting.select_related("order__purchase").order_by("order_id"):
        if left_of(lifecycle.lock(wanted.order_id), payment).amount <= 0:
            replacing.turn_down(wanted, CancelState.ENDED, actor=actor)


def stop_unsent(
    payment: Payment, order: Order | None, left_of: Callable[[Order, Payment], Money], *, reason: str, actor: Actor
) -> None:
    """Let nobody buy the order (None: any of the purchase) any more, if nothing of it is ``left_of``.

    What has not left for a supplier is cancelled; what is being handed to one, or may be at one, is marked, and ends
    once it proves that nothing was bought. What a supplier has goes on: staff decided to give its money back all the
    same. An order that does the work of another for nothing stands on that one's money. Locks as above.
    """
    waiting = Order.objects.filter(purchase=payment.purchase_id, state__in=sorted(_MAY_BE_BOUGHT))
    if order is not None:  # what follows an order is younger than it, so locks are taken by id all the same
        waiting = waiting.filter(Q(pk=order.pk) | Q(pk__gt=order.pk, price=0))
    for each in waiting.order_by("pk").values_list("pk", flat=True):
        locked = lifecycle.lock(each)
        paid_for = doing_again.former_of(locked) or locked
        is_meant = order is None or order.pk in {locked.pk, paid_for.pk}
        # What cost nothing and follows no other order has no money that could go back.
        if not is_meant or paid_for.price == 0 or left_of(paid_for, payment).amount > 0:
            continue
        live = lifecycle.live_attempt(locked)
        if live is None and locked.state in {OrderState.PAID, OrderState.ON_HOLD}:
            lifecycle.cancel(locked.pk, reason=reason, actor=actor)
        elif locked.state in _MAY_BE_BOUGHT and (live is None or live.outcome not in BOUGHT_OUTCOMES):
            giving_back.note(locked, reason=reason, actor=actor)


def lift_marks(payment: Payment, left_of: Callable[[Order, Payment], Money], *, actor: Actor) -> None:
    """The orders whose money is here again, as a refund failed, are not stopped any more. Locks as above."""
    for each in Order.objects.filter(purchase=payment.purchase_id).order_by("pk").values_list("pk", flat=True):
        locked = lifecycle.lock(each)
        if left_of(doing_again.former_of(locked) or locked, payment).amount > 0:
            giving_back.lift(locked, actor=actor)


def note_twice(refund: Refund) -> None:
    """A refund that had failed went out after all, and staff have sent its money by hand: a difference for staff.

    The caller has booked it and holds the payment's lock.
    """
    payment = refund.payment
    succeeded = payment.refunds.exclude(pk=refund.pk).filter(state=RefundState.SUCCEEDED)
    others: Decimal = succeeded.aggregate(total=ExactSum("amount"))["total"] or Decimal(0)
    if refund.by_hand or others + refund.amount <= payment.amount or not succeeded.exclude(by_hand="").exists():
        return
    Break.objects.get_or_create(
        provider=payment.provider,
        kind=BreakKind.TWICE,
        provider_ref=str(refund.provider_ref),
        closed_at=None,
        defaults={"detail": f"{refund.money} of {payment}"[:300], "payment": payment},
    )
