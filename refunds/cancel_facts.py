"""An order as the refund engine judges a wish to cancel it."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from orders import clocks, delaying
from orders.models import DelayNotice, Order
from orders.models.delay_notice import DelayOutcome
from payments import refunding
from payments.models import Refund
from payments.states import COUNTING_REFUNDS, OPEN_DISPUTES
from refunds.order_facts import payment_of
from refunds.policy import facts as policy_facts
from refunds.policy.facts import Kind, OrderFacts
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money


def cancellation_facts(
    order: Order,
    notice: DelayNotice | None,
    at: datetime | None = None,
    *,
    left_at: datetime | None = None,
    sender_matches: bool = True,
) -> OrderFacts:
    """The order as the engine judges a cancellation. Waiver: asked to begin at once.

    Silence after a notice of delay took up again only what is at a supplier.
    """
    purchase, moment = order.purchase, at or clock.now()
    history = [policy_facts.Event("submitted", order.created_at)]
    if order.paid_at:
        history.append(policy_facts.Event("paid", order.paid_at))
    if left_at:
        history.append(policy_facts.Event("dispatched", left_at))
    if left_at and notice and notice.outcome == DelayOutcome.WENT_ON and notice.closed_at:
        history.append(policy_facts.Event("reprocessing", notice.closed_at))
    delay = policy_facts.Delay(delaying.delivered_at(notice), notice.new_date) if notice else None
    left, gone_at = _left(order)
    if gone_at is not None:
        history.append(policy_facts.Event("refunded", gone_at))
    disputes = purchase.payments.filter(disputes__state__in=OPEN_DISPUTES).values_list(
        "disputes__opened_at", flat=True
    )
    opened = disputes.first()
    return OrderFacts(
        customer=policy_facts.Customer(
            country="",
            consumer=True,
            withdrawal_waiver=purchase.start_now_acknowledged_at is not None,
            email_matches_order=sender_matches,
        ),
        service=policy_facts.Service(cast("Kind", order.service_kind), "clean", order.money, policy_facts.Delivery()),
        payment=policy_facts.Payment(
            method="original_payment",
            tenders=(policy_facts.Tender("original_payment", left),),
            destination_status="ok",
            dispute=policy_facts.Dispute(opened, None, payout_to_buyer=False) if opened else None,
        ),
        history=tuple(history),
        supplier=policy_facts.Supplier(),
        claim=policy_facts.Claim("cancel", None, moment, "customer", "order_page"),
        delay=delay,
        fraud_suspected=bool(purchase.frozen_for) and opened is None,
        closed_days=clocks.days_off_of(order),
    )


def _left(order: Order) -> tuple[Money, datetime | None]:
    """What is left of the order's price, and, once a refund has left nothing, since when."""
    payment = payment_of(order)
    left = refunding.refundable_for(order, payment) if payment is not None else order.money
    if left.amount > 0 or payment is None:
        return left, None
    rows = Refund.objects.filter(payment=payment, state__in=COUNTING_REFUNDS).order_by("-created_at")
    return order.money, rows.values_list("created_at", flat=True).first()
