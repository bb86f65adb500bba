"""What became of a purchase whose outcome nobody knows: by the supplier's own books, or by a person.

Order of evidence: the supplier's orders with our reference, where that is proven; its orders for the device and
service around the call, without those that are bound to an attempt. One match is adopted. Several are a possible
double for staff. None proves something only at a supplier that earned ``absent_is_proof``, and only twice. A supplier
that provably refuses duplicates is then sent the same reference once more. Whatever is left, and every order at a
supplier with none of this, is parked: staff say "bought" or "not bought" with their evidence.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from orders import events, lifecycle
from orders.exchanges import log_exchanges
from orders.forwarding import SEND_WITHIN, adopt, call, record_accepted
from orders.models import SupplierAttempt
from orders.states import AttemptOutcome, HoldReason, OrderState
from services.suppliers.base import SUPPLIER_SIDE, AlreadyThere, Feature, JobAccepted, RefusalCode, SupplierClient
from services.suppliers.registry import UnknownAdapter, client_for
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError, TransitionRefused

TURN_SECONDS: Final = 90
NEGATIVE_LOOKUPS: Final = 2
# Its clock may be ahead of ours, and an order is listed with its own time.
SENT_EARLIER: Final = timedelta(minutes=2)
# A supplier that cannot be asked for this long leaves the question to staff.
LOOK_FOR_AT_MOST: Final = timedelta(hours=24)


def resolve(order_id: int) -> None:
    """Look for the uncertain purchase of an order that is due. Safe to call any number of times at once."""
    if not lifecycle.take_turn(order_id, OrderState.UNCERTAIN, seconds=TURN_SECONDS):
        return
    attempt = _unknown_attempt(order_id)
    supplier = attempt.supplier
    try:
        client = client_for(supplier)
    except UnknownAdapter as error:
        _ask_later(attempt, error)
        return
    finds = supplier.finds_by_reference and Feature.FIND in client.features
    lists = Feature.RECENT in client.features
    if not finds and not lists:
        if supplier.refuses_duplicates:
            _place_again(attempt)
        else:
            _park(
                attempt, HoldReason.UNCERTAIN_PURCHASE, f"look for reference {attempt.reference} in {supplier}'s panel"
            )
        return
    try:
        found = client.find(attempt.reference) if finds else []
        listed = _unbound(attempt, client) if lists and not found else []
    except ShopError as error:
        _ask_later(attempt, error)
        return
    finally:
        log_exchanges([(attempt, exchange) for exchange in client.exchanges])
    if len(found or listed) > 1:
        _park(attempt, HoldReason.DOUBLE_PURCHASE, f"{supplier} lists {', '.join(found or listed)[:200]}")
    elif listed and _rivals(attempt):
        message = f"{supplier} lists {listed[0]} for this device, and several purchases of it are uncertain"
        _park(attempt, HoldReason.DOUBLE_PURCHASE, message)
    elif found or listed:
        only = (found or listed)[0]
        record_accepted(attempt, only, actor=actors.supplier(supplier.slug), outcome=AttemptOutcome.ADOPTED)
    elif _absent(attempt, is_looked_for_by_reference=finds):
        _place_again(attempt)


def _unbound(attempt: SupplierAttempt, client: SupplierClient) -> list[str]:
    """What the supplier lists for this device and service around the call, without what is bound to any attempt."""
    since = attempt.created_at - SENT_EARLIER
    until = attempt.send_before + timedelta(
        seconds=settings.SUPPLIER_DEADLINE_SECONDS + attempt.supplier.settle_seconds
    )
    listed = client.recent(attempt.order.identifier, attempt.supplier_service_id, since, until)
    rows = SupplierAttempt.objects.filter(supplier=attempt.supplier_id, supplier_order_id__in=listed)
    bound = set(rows.values_list("supplier_order_id", flat=True))
    return [supplier_order_id for supplier_order_id in listed if supplier_order_id not in bound]


def _rivals(attempt: SupplierAttempt) -> bool:
    """Whether another attempt for the same device and service may be the one that the supplier lists."""
    rows = SupplierAttempt.objects.filter(
        supplier=attempt.supplier_id,
        supplier_service_id=attempt.supplier_service_id,
        order__identifier=attempt.order.identifier,
        outcome__in=[AttemptOutcome.UNKNOWN, AttemptOutcome.IN_FLIGHT],
    )
    return rows.exclude(pk=attempt.pk).exists()


def _ask_later(attempt: SupplierAttempt, error: ShopError) -> None:
    supplier = attempt.supplier
    if clock.now() - attempt.created_at > LOOK_FOR_AT_MOST:
        _park(attempt, HoldReason.UNCERTAIN_PURCHASE, f"{supplier} could not be asked for a day: {error}")
        return
    retry = clock.now() + timedelta(seconds=max(30, supplier.settle_seconds // 2))
    lifecycle.postpone(attempt.order_id, OrderState.UNCERTAIN, until=retry)


def _absent(attempt: SupplierAttempt, *, is_looked_for_by_reference: bool) -> bool:
    """It is not listed. True when nothing but sending it again, where duplicates are refused, can tell more."""
    supplier = attempt.supplier
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        if order.state != OrderState.UNCERTAIN:
            return False
        lookups = attempt.lookups_absent + 1
        SupplierAttempt.objects.filter(pk=attempt.pk).update(lookups_absent=lookups)
        if lookups < NEGATIVE_LOOKUPS:
            again = clock.now() + timedelta(seconds=max(1, supplier.settle_seconds // 2))
            lifecycle.postpone(order.pk, OrderState.UNCERTAIN, until=again)
        elif supplier.absent_is_proof and is_looked_for_by_reference:
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
        elif supplier.refuses_duplicates:
            return True
        else:
            message = f"{supplier} does not list {attempt.reference}; that is no proof"
            lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, message=message, actor=SYSTEM)
    return False


def _place_again(attempt: SupplierAttempt) -> None:
    """Send it once more under its own reference, to a supplier that is known to refuse what it has already.

    Once only, and written down before: an answer that is lost again is for staff.
    """
    if attempt.placed_again_at is not None:
        _park(attempt, HoldReason.UNCERTAIN_PURCHASE, f"{attempt.reference} was sent twice, and both answers are lost")
        return
    moment = clock.database_now()
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        rows = SupplierAttempt.objects.filter(pk=attempt.pk, outcome=AttemptOutcome.UNKNOWN, placed_again_at=None)
        if order.state != OrderState.UNCERTAIN or not rows.update(
            placed_again_at=moment, send_before=moment + SEND_WITHIN
        ):
            return
        events.record(order, "attempt.placed_again", actor=SYSTEM, reference=attempt.reference)
    attempt.send_before = moment + SEND_WITHIN
    crash_here("resolve.before_placing_again")
    made = call(attempt)
    crash_here("resolve.after_placing_again")
    log_exchanges([(attempt, exchange) for exchange in made.exchanges])
    _record_again(attempt, made.answer)


def _record_again(attempt: SupplierAttempt, answer: JobAccepted | Retryable | Refused | OutcomeUnknown) -> None:
    supplier = attempt.supplier
    if isinstance(answer, JobAccepted | AlreadyThere):
        record_accepted(
            attempt,
            answer.supplier_order_id,
            actor=actors.supplier(supplier.slug),
            outcome=AttemptOutcome.ADOPTED,
        )
    elif isinstance(answer, Retryable) or (isinstance(answer, Refused) and answer.code in SUPPLIER_SIDE):
        SupplierAttempt.objects.filter(pk=attempt.pk).update(placed_again_at=None)  # it cannot have been received
        _ask_later(attempt, answer)
    elif isinstance(answer, Refused) and answer.code == RefusalCode.DUPLICATE:
        message = f"{supplier} has it already, but does not say under which id: look for it in its panel. {answer}"
        _park(attempt, HoldReason.UNCERTAIN_PURCHASE, message)
    else:
        _park(attempt, HoldReason.UNCERTAIN_PURCHASE, f"sent again to {supplier}, which answered: {answer}")


def _park(attempt: SupplierAttempt, reason: HoldReason, message: str) -> None:
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        if order.state == OrderState.UNCERTAIN:
            lifecycle.hold(order.pk, reason=reason, message=message, actor=SYSTEM)


def _unknown_attempt(order_id: int) -> SupplierAttempt:
    rows = SupplierAttempt.objects.select_related("supplier", "order")
    return rows.get(order_id=order_id, outcome=AttemptOutcome.UNKNOWN)


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
