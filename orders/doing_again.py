"""An order that does the work of a completed one once more, at no charge, because what that one brought does not work.

It stands in the same purchase beside the former order, costs nothing and is booked nowhere. From there on it goes the
way of every paid order, so it is bought once.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from orders import events, lifecycle, replacing
from orders.models import Order
from orders.states import OPEN, OrderState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, TransitionRefused


def is_repeat(order: Order) -> bool:
    """Whether the order does the work of another once more, at no charge."""
    return order.price == 0 and order.events.filter(kind="order.doing_again").exists()


def has_open_repeat(order: Order) -> bool:
    """Whether another order that does this one's work once more may still bring something."""
    numbers = [
        data.get("number") for data in order.events.filter(kind="order.done_again").values_list("data", flat=True)
    ]
    return bool(numbers) and Order.objects.filter(number__in=numbers, state__in=sorted(OPEN)).exists()


def place(former: Order, *, reason: str, actor: Actor) -> Order:
    """Place and pay it, in the caller's transaction. How often that may be is for the caller to say.

    Raises ``TransitionRefused`` unless the former order is completed, ``Refused`` (``frozen``) while its purchase is
    held back.
    """
    with transaction.atomic():
        former = lifecycle.lock(former.pk)
        if former.state != OrderState.COMPLETED:
            raise TransitionRefused(f"{former} is not completed")
        if former.purchase.frozen_for:
            raise Refused(_("The purchase is held back; nothing of it is bought now."), code="frozen")
        new = replacing.place_beside(
            former,
            price=Decimal(0),
            hold_seconds=0,
            # Staff let it go: it costs the shop more than it brings, and its device was here before.
            approved_at=clock.now(),
            is_recheck=former.is_recheck,
            identifier=former.identifier,
            identifier_kind=former.identifier_kind,
            answers=dict(former.answers),
        )
        events.record(former, "order.done_again", actor=actor, number=new.number, reason=reason)
        events.record(new, "order.doing_again", actor=actor, number=former.number, to_state=new.state, reason=reason)
        lifecycle.mark_paid(new.pk, actor=actor, at=clock.now(), kind="order.paid_by_shop")
    return new
