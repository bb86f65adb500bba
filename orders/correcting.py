"""Correcting what an order is about: its device and its answers.

What nobody has bought yet is changed at once, under the lock that forwarding takes too: either the right data leave,
or the order has left and the correction is refused. What a supplier has is not changed: the supplier is asked to drop
it, and ``orders.replacing`` follows its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import cancelling, clocks, doing_again, events, lifecycle, mailing, promising, rechecking, repeating
from orders.models import CorrectionRequest, Order
from orders.models.mail import MailKind
from orders.right_data import RightData, changes, is_same
from orders.states import BOUGHT_OUTCOMES, HoldReason, OrderState
from services.catalogue import price_of
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

# Nobody mistypes a number more often; a stranger's script does.
MOST: Final = 10
# Reasons to hold an order that right data may do away with.
ABOUT_DATA: Final = frozenset({HoldReason.INPUT_REFUSED, HoldReason.SAME_DEVICE})
CORRECTED, ASKED = "corrected", "asked"


def is_here(order: Order) -> bool:
    """Whether nothing of the order is at a supplier, or may be."""
    return order.state in {OrderState.PAID, OrderState.ON_HOLD} and lifecycle.live_attempt(order) is None


def is_at_supplier(order: Order) -> bool:
    """Whether a supplier is known to have the order."""
    if order.state not in cancelling.AT_SUPPLIER:
        return False
    live = lifecycle.live_attempt(order)
    return live is not None and live.outcome in BOUGHT_OUTCOMES


def correct(order_id: int, data: RightData, *, rule: str, actor: Actor) -> Order:
    """Change an order that has not left. What staff approved is no longer approved: they approved another device.

    Its delivery time counts from the change (IMEIORG-11.2b), as a replacement's does, unless it is late already: what
    the customer may claim by then is not taken back.

    Raises ``Refused``: ``left``, ``unchanged``, ``price``, ``under_way`` or ``too_often``.
    """
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if not is_here(order):
            raise Refused(_("Your order has left for our supplier meanwhile."), code="left")
        is_recheck = _check(order, data)
        told = changes(order, data)
        order.identifier, order.identifier_kind = data.identifier, data.identifier_kind
        order.answers, order.is_recheck, order.approved_at = dict(data.answers), is_recheck, None
        order.save(update_fields=["identifier", "identifier_kind", "answers", "is_recheck", "approved_at"])
        events.record(order, "order.corrected", actor=actor, rule=rule, **told)
        counts_anew = not clocks.is_late(order, clock.now())
        if counts_anew:
            promising.restart(order_id, reason=_("the data were corrected"), actor=actor)
        facts = {"outcome": CORRECTED, "counts_anew": "yes" if counts_anew else ""}
        mailing.queue_for_order(order, MailKind.CORRECTION, facts=facts)
        if order.state == OrderState.ON_HOLD and order.hold_reason in ABOUT_DATA:
            lifecycle.back_to_paid(
                order_id, "order.resumed", retry_at=clock.now(), actor=actor, reason=_("the data were corrected")
            )
    return order


def ask(order_id: int, data: RightData, *, rule: str, refusal: str, actor: Actor) -> CorrectionRequest:
    """Ask the supplier to drop the order, so that one with the right data can replace it.

    Raises ``Refused``: ``not_there``, ``asked_already``, or as ``correct`` does.
    """
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if not is_at_supplier(order):
            raise Refused(_("This order cannot be corrected at the moment."), code="not_there")
        is_recheck = _check(order, data)
        told = changes(order, data)
        asked = cancelling.request(order_id, reason=f"{_('Wrong data')}: {told['changes']}", actor=actor)
        row: CorrectionRequest = CorrectionRequest.objects.create(
            order=order,
            cancel_request=asked,
            identifier=data.identifier,
            identifier_kind=data.identifier_kind,
            answers=dict(data.answers),
            is_recheck=is_recheck,
            rule=rule[:80],
            refusal=refusal[:500],
            due_at=clock.now() + lifecycle.STAFF_DUE,
        )
        events.record(order, "order.correction_asked", actor=actor, rule=rule, **told)
        mailing.queue_for_order(order, MailKind.CORRECTION, facts={"outcome": ASKED})
    return row


def _check(order: Order, data: RightData) -> bool:
    """Raise ``Refused`` for data that the order cannot have; whether it would be ordered again on purpose."""
    if doing_again.is_repeat(order):
        raise Refused(_("This order does the work of another once more, so it stays with its device."), code="repeat")
    if is_same(order, data):
        raise Refused(_("These are the data that the order has already."), code="unchanged")
    if rechecking.is_repeated_check(order):
        raise Refused(_("This order checks the same device once more, so it stays with its data."), code="repeat")
    if not _costs_the_same(order, data.answers):
        raise Refused(_("With this answer the service has another price. It needs an order of its own."), code="price")
    done = order.events.filter(kind__in=["order.corrected", "order.correction_asked"]).count()
    if done >= MOST:
        raise Refused(_("This order was corrected many times. Write to us, and our staff do it."), code="too_often")
    is_busy = repeating.is_under_way_besides(order, data.identifier, data.answers)
    if is_busy and not data.again:
        raise Refused(_("This is already under way."), code="under_way")
    return is_busy


def _costs_the_same(order: Order, answers: Mapping[str, str]) -> bool:
    """Whether the price list makes no difference between the order's answers and these."""
    if answers == order.answers:
        return True
    try:
        was = price_of(order.service, currency=order.currency, answers=order.answers)
        return price_of(order.service, currency=order.currency, answers=answers) == was
    except Refused:
        return False
