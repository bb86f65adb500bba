"""The order that replaces one with wrong data, once the supplier has dropped that one.

Both moves are one transaction: the former order is over, for good, in the act that makes the new one. The new one
stands in the same purchase and is paid by what the former brought: no money moves and nothing is booked. Its clocks
start at that moment (IMEIORG-11.2b).
"""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from orders import events, lifecycle, mailing
from orders.models import CancelRequest, CorrectionRequest, Order
from orders.models.mail import MailKind
from orders.right_data import changes
from orders.states import CancelState, CorrectionState, OrderState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import TransitionRefused

# What a closed request to the supplier makes of the correction that rests on it.
_BECOMES: Final = {
    CancelState.REFUSED: CorrectionState.REFUSED,
    CancelState.TOO_LATE: CorrectionState.TOO_LATE,
    CancelState.ENDED: CorrectionState.ENDED,
}
REPLACED: Final = "replaced"
_PLACES: Final = 5
# What an order that stands beside another has of it, unless it is said to differ.
_FROM_FORMER: Final = (
    "purchase", "service_id", "service_name", "service_kind", "result_kind", "currency", "average_minutes",
    "guaranteed_minutes", "average_orders", "average_days", "calendar", "hard_cap_days", "is_guaranteed",
)  # fmt: skip


def open_correction(request: CancelRequest) -> CorrectionRequest | None:
    """The correction that waits for this request to the supplier."""
    rows = CorrectionRequest.objects.filter(cancel_request=request, state=CorrectionState.ASKED)
    return rows.select_related("order__purchase").first()


def latest(order: Order) -> CorrectionRequest | None:
    """The newest request to correct the order after it had left."""
    return CorrectionRequest.objects.filter(order=order).select_related("replacement").first()


def is_replaced(order: Order) -> bool:
    """Whether another order took this one's place and money."""
    return order.state == OrderState.CANCELLED and (
        CorrectionRequest.objects.filter(order=order, state=CorrectionState.REPLACED).exists()
    )


def with_former(order: Order) -> list[int]:
    """The order and those that it replaces, one after the other: what was given back of any counts for all."""
    chain = [order.pk]
    while True:
        former = CorrectionRequest.objects.filter(replacement=chain[-1]).values_list("order_id", flat=True).first()
        if former is None:
            return chain
        chain.append(former)


def replace(wanted: CorrectionRequest, *, actor: Actor) -> Order:
    """Put an order with the right data in the place of one that is over, in the caller's transaction.

    Raises ``TransitionRefused`` unless the former order is cancelled and nothing of it is alive at a supplier.
    """
    with transaction.atomic():
        former = lifecycle.lock(wanted.order_id)
        if former.state != OrderState.CANCELLED or lifecycle.live_attempt(former) is not None:
            raise TransitionRefused(f"{former} is not over")
        moment = clock.now()
        new = place_beside(
            former,
            price=former.price,
            hold_seconds=former.hold_seconds,
            is_recheck=wanted.is_recheck,
            identifier=wanted.identifier,
            identifier_kind=wanted.identifier_kind,
            answers=dict(wanted.answers),
        )
        if not CorrectionRequest.objects.filter(pk=wanted.pk, state=CorrectionState.ASKED).update(
            state=CorrectionState.REPLACED, replacement=new, answered_at=moment
        ):
            raise TransitionRefused(f"the correction of {former} is closed")
        told = changes(former, wanted)
        events.record(former, "order.replaced", actor=actor, number=new.number, **told)
        events.record(new, "order.replacing", actor=actor, number=former.number, to_state=new.state, **told)
        lifecycle.mark_paid(new.pk, actor=actor, at=moment, kind="order.paid_by_former")
        mailing.queue_for_order(new, MailKind.CORRECTION, facts={"outcome": REPLACED, "former": former.number})
    return new


def turn_down(wanted: CorrectionRequest, answer: CancelState, *, actor: Actor) -> None:
    """There is no replacement, and the customer is told why and by which clause. In the caller's transaction."""
    state = _BECOMES[answer]
    if not CorrectionRequest.objects.filter(pk=wanted.pk, state=CorrectionState.ASKED).update(
        state=CorrectionState(state), answered_at=clock.now()
    ):
        return
    order = lifecycle.lock(wanted.order_id)
    told = changes(order, wanted)
    events.record(order, "order.correction_refused", actor=actor, answer=state.label, **told)
    facts = {"outcome": str(state), "refusal": wanted.refusal}
    mailing.queue_for_order(order, MailKind.CORRECTION, facts=facts)


def place_beside(former: Order, **differs: Any) -> Order:
    """A new row with the former's promise, at the next free place of the purchase; ``differs`` is what it has its own.

    The former order is locked.
    """
    moment = clock.now()
    for tries_left in reversed(range(_PLACES)):
        last = Order.objects.filter(purchase=former.purchase_id).aggregate(last=Max("position"))["last"]
        columns = {
            **{name: getattr(former, name) for name in _FROM_FORMER},
            "position": last + 1,
            "next_action_at": moment,
            "created_at": moment,
            "state_changed_at": moment,
        }
        new = Order(**{**columns, **differs})
        try:
            with transaction.atomic():
                new.save(force_insert=True)
                return new
        except IntegrityError:  # another order of the purchase is replaced at this very moment
            if not tries_left:
                raise
    raise AssertionError("unreachable")
