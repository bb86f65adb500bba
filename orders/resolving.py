"""What became of a purchase whose outcome nobody knows: by the supplier's own books, or by a person.

Order of evidence: the supplier's list of orders with our reference. One match is adopted. Several are a possible
double for staff. None proves something only at a supplier that earned ``absent_is_proof``, and only twice; anywhere
else the order is parked, and staff say "bought" or "not bought" with their evidence.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction

from orders import events, lifecycle
from orders.exchanges import log_exchanges
from orders.forwarding import adopt, record_accepted
from orders.models import SupplierAttempt
from orders.states import AttemptOutcome, HoldReason, OrderState
from services.suppliers.registry import client_for
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused, ShopError, TransitionRefused

TURN_SECONDS: Final = 90
NEGATIVE_LOOKUPS: Final = 2
# A supplier that cannot be asked for this long leaves the question to staff.
LOOK_FOR_AT_MOST: Final = timedelta(hours=24)


def resolve(order_id: int) -> None:
    """Look for the uncertain purchase of an order that is due. Safe to call any number of times at once."""
    if not lifecycle.take_turn(order_id, OrderState.UNCERTAIN, seconds=TURN_SECONDS):
        return
    attempt = _unknown_attempt(order_id)
    supplier = attempt.supplier
    if not supplier.finds_by_reference:
        _park(
            attempt,
            HoldReason.UNCERTAIN_PURCHASE,
            f"look for reference {attempt.reference} in {supplier}'s panel",
        )
        return
    client = client_for(supplier)
    try:
        found = client.find(attempt.reference)
    except ShopError as error:
        if clock.now() - attempt.created_at > LOOK_FOR_AT_MOST:
            _park(attempt, HoldReason.UNCERTAIN_PURCHASE, f"{supplier} could not be asked for a day: {error}")
            return
        retry = clock.now() + timedelta(seconds=max(30, supplier.settle_seconds // 2))
        lifecycle.postpone(order_id, OrderState.UNCERTAIN, until=retry)
        return
    finally:
        log_exchanges(attempt, client)
    if len(found) == 1:
        record_accepted(attempt, found[0], actor=actors.supplier(supplier.slug), outcome=AttemptOutcome.ADOPTED)
    elif found:
        _park(attempt, HoldReason.DOUBLE_PURCHASE, f"{supplier} lists {', '.join(found)[:200]}")
    else:
        _absent(attempt)


def _absent(attempt: SupplierAttempt) -> None:
    supplier = attempt.supplier
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        if order.state != OrderState.UNCERTAIN:
            return
        lookups = attempt.lookups_absent + 1
        SupplierAttempt.objects.filter(pk=attempt.pk).update(lookups_absent=lookups)
        if lookups < NEGATIVE_LOOKUPS:
            again = clock.now() + timedelta(seconds=max(1, supplier.settle_seconds // 2))
            lifecycle.postpone(order.pk, OrderState.UNCERTAIN, until=again)
        elif supplier.absent_is_proof:
            SupplierAttempt.objects.filter(pk=attempt.pk).update(
                outcome=AttemptOutcome.ABANDONED_ABSENT, settled_at=clock.now()
            )
            lifecycle.back_to_paid(
                order.pk,
                "order.absent",
                retry_at=clock.now(),
                actor=SYSTEM,
                supplier=supplier.name,
                reference=attempt.reference,
            )
        else:
            message = f"{supplier} does not list {attempt.reference}; that is no proof"
            lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, message=message, actor=SYSTEM)


def _park(attempt: SupplierAttempt, reason: HoldReason, message: str) -> None:
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        if order.state == OrderState.UNCERTAIN:
            lifecycle.hold(order.pk, reason=reason, message=message, actor=SYSTEM)


def _unknown_attempt(order_id: int) -> SupplierAttempt:
    return SupplierAttempt.objects.select_related("supplier").get(order_id=order_id, outcome=AttemptOutcome.UNKNOWN)


def say_bought(order_id: int, *, supplier_order_id: str, evidence: str, actor: Actor) -> None:
    """Staff found the uncertain purchase in the supplier's panel: polling goes on with that id.

    Raises ``TransitionRefused`` when nothing is uncertain, ``Refused`` without an id or evidence, or when the id
    belongs to another order.
    """
    found = supplier_order_id.strip()
    if not found or not evidence.strip():
        raise Refused("the supplier's order id and your evidence are required", code="evidence_required")
    with transaction.atomic(durable=True):
        order = lifecycle.lock(order_id)
        attempt = _uncertain_on_hold(order_id)
        taken = holder_of(found, supplier_id=attempt.supplier_id)
        if taken is not None:
            raise Refused(f"{found} is the supplier's id of {taken.reference}", code="id_taken")
        events.record(order, "order.said_bought", actor=actor, supplier_order_id=found, evidence=evidence)
        try:
            adopt(order, attempt, found, outcome=AttemptOutcome.ADOPTED, actor=actor)
        except IntegrityError as error:  # given to another attempt since we looked
            raise Refused(f"{found} is the supplier's id of another order", code="id_taken") from error


def say_not_bought(order_id: int, *, evidence: str, actor: Actor) -> None:
    """Staff made sure that the uncertain purchase never happened: the order is forwarded again.

    Raises ``TransitionRefused`` when nothing is uncertain, ``Refused`` without evidence.
    """
    if not evidence.strip():
        raise Refused("your evidence is required", code="evidence_required")
    with transaction.atomic(durable=True):
        lifecycle.lock(order_id)
        attempt = _uncertain_on_hold(order_id)
        SupplierAttempt.objects.filter(pk=attempt.pk).update(outcome=AttemptOutcome.NOT_BOUGHT, settled_at=clock.now())
        lifecycle.back_to_paid(order_id, "order.said_not_bought", retry_at=clock.now(), actor=actor, evidence=evidence)


def holder_of(supplier_order_id: str, *, supplier_id: int) -> SupplierAttempt | None:
    """The attempt, with its order, that has this id at the supplier; None when the id is free."""
    rows = SupplierAttempt.objects.filter(supplier_id=supplier_id, supplier_order_id=supplier_order_id)
    return rows.select_related("order").first()


def _uncertain_on_hold(order_id: int) -> SupplierAttempt:
    attempt = (
        SupplierAttempt.objects.select_related("supplier", "order")
        .filter(order_id=order_id, outcome=AttemptOutcome.UNKNOWN, order__state=OrderState.ON_HOLD)
        .first()
    )
    if attempt is None:
        raise TransitionRefused("no purchase of this order is uncertain and on hold")
    return attempt
