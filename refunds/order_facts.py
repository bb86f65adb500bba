"""What the rows say about an order, as the facts that the refund rules judge. Reads only.

The one place where order, payment, disputes, supplier requests and established facts become ``OrderFacts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, cast

from django.db.models import Q, QuerySet

from orders import clocks
from orders.models import Order, OrderEvent
from orders.states import CancelState, HoldReason, OrderState
from payments.booking import UNATTACHED
from payments.models import Payment
from payments.remaining import Remaining
from payments.states import PaymentState
from refunds.models import Claim, Fact
from refunds.order_rows import OrderRows, rows_of
from refunds.policy import facts as policy
from refunds.policy.facts import Kind, OrderFacts
from refunds.policy.profile import Profile
from refunds.states import ClaimType, FactName, FactStanding
from unlockshop.kernel import calendars
from unlockshop.kernel.calendars import BusinessCalendar

S = OrderState
T = ClaimType

# How the rules name what customers choose: type of claim, and its ground.
GROUNDS: Final[Mapping[ClaimType, tuple[policy.ClaimType, str | None]]] = {
    T.NOT_WORKING: ("refund", "not_working"),
    T.NO_RESULT: ("refund", "unavailable"),
    T.LATE: ("refund", "late"),
    T.STUCK: ("refund", "stuck"),
    T.WRONG_DATA: ("correction", "wrong_data"),
    T.RESULT_DIFFERS: ("refund", "result_differs"),
    T.WRONG_SERVICE: ("refund", "wrong_service_delivered"),
    T.RELOCKED: ("refund", "relocked"),
    T.CANNOT_COMPLETE: ("refund", "cannot_complete"),
    T.ACTIVATION_LOCK: ("refund", "activation_lock"),
    T.ITUNES_ACTIVATION: ("refund", "itunes_activation"),
    T.INCOMPATIBLE: ("refund", "incompatible_network"),
    T.CHANGE_OF_MIND: ("refund", "change_of_mind"),
    T.OTHER: ("refund", "other"),
    T.OUTCOME: ("supplier_event", None),
}
# How an order that ended is called, where it depends on what was sold.
_ENDS: Final = {
    S.UNAVAILABLE: {"unlock": "unavailable", "check": "check_unavailable", "topup": "topup_failed"},
    S.NOT_FOUND: {"unlock": "not_found", "check": "not_found", "topup": "topup_failed"},
}
_SUPPLIER_SAID: Final = {
    CancelState.AGREED: "approved",
    CancelState.REFUSED: "rejected",
    CancelState.TOO_LATE: "rejected",
    CancelState.ENDED: None,
}
# Ends by a right of the customer, by a granted claim or by time: nothing was delivered, and the money was asked for in
# the same act. To the rules the shop dropped such an order, which means refunding, whatever a supplier says to it.
ENDED_BY_RIGHT: Final[Mapping[str, str]] = dict.fromkeys(
    ("order.called_off", "order.run_out", "order.cancelled_on_delay", "order.stopped_at_supplier"), "refused"
)
# Every other kind of event, so that a new one is thought of: those that mean something here, most by the state that
# they lead to, and those that the rules do not ask about.
MEANINGFUL: Final = frozenset(ENDED_BY_RIGHT) | {
    "order.resubmitted", "order.submitted", "order.adopted", "order.resumed", "order.completed",
    "order.delivered_by_hand", "order.unavailable", "order.not_found", "order.ended_by_hand_unavailable",
    "order.ended_by_hand_not_found", "order.cancelled", "supplier.cancel_agreed",
}  # fmt: skip
MEANINGLESS: Final = frozenset({
    "order.placed", "order.paid", "order.expired", "order.submitting", "order.not_sent", "order.uncertain",
    "order.absent", "order.held", "order.due_moved", "order.clocks_restarted", "order.delayed", "order.late",
    "order.went_on",
    "order.cancel_wished", "order.nothing_left", "order.corrected", "order.correction_asked",
    "order.correction_refused", "order.replaced", "order.replacing", "order.paid_by_former",
    "order.done_again", "order.doing_again", "order.exchanged", "order.exchanging", "order.paid_by_shop",
    "order.result_sent_again", "order.given_back", "order.not_given_back",
    "order.investigation_asked", "order.investigated",
    "order.said_bought", "order.said_not_bought",
    "attempt.placed_again", "attempt.late_surprise", "claim.opened", "money.refunded", "money.returned",
    "supplier.cancel_requested", "supplier.cancel_asked", "supplier.cancel_unclear", "supplier.cancel_by_hand",
    "supplier.cancel_written", "supplier.cancel_refused", "supplier.cancel_too_late", "supplier.cancel_ended",
    "supplier.recall_agreed", "supplier.recall_lost", "mail.sent", "mail.delivered", "mail.opened", "mail.bounced",
    "mail.received", "mail.complained", "mail.readdressed", "mail.reached", "result.viewed",
    "order.free", "certificate.issued", "certificate.withdrawn",
})  # fmt: skip
_INVESTIGATED: Final = (FactName.CUSTOMER_ERROR, FactName.NO_CUSTOMER_ERROR, FactName.WRONGLY_REJECTED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, when, and what a claim that is there already adds to it.

    ``known_at``: only what was known then counts, for a decision of the past; None: all that is known.
    """

    type: ClaimType
    moment: datetime
    claim: Claim | None = None
    known_at: datetime | None = None


def payment_of(order: Order) -> Payment | None:
    """The payment that paid for the order."""
    captured = Payment.objects.filter(purchase_id=order.purchase_id, state=PaymentState.CAPTURED)
    payment: Payment | None = captured.exclude(attention__in=UNATTACHED).order_by("pk").first()
    return payment


def known_facts(order: Order) -> QuerySet[Fact]:
    """What is said or established about the order, or about its device whatever the order."""
    about = Q(order=order) | Q(order=None, identifier=order.identifier)
    rows: QuerySet[Fact] = Fact.objects.filter(about, withdrawn_at=None)
    return rows


def collect(
    order: Order,
    asked: Asked,
    profile: Profile,
    *,
    video: policy.Video | None = None,
    rows: OrderRows | None = None,
) -> OrderFacts:
    """The order with a claim on it, as ``assess`` takes it.

    Without a query where ``rows`` and the order's purchase were read for many orders together; eight otherwise.
    """
    rows = rows or rows_of([(order, asked.known_at)])[0]
    claim, facts = asked.claim, rows.facts
    kind, ground = GROUNDS[asked.type]
    firm = [fact for fact in facts if fact.standing == FactStanding.ESTABLISHED]
    is_stuck = asked.type == T.STUCK
    return OrderFacts(
        customer=policy.Customer(
            country="",
            consumer=True,
            withdrawal_waiver=order.purchase.start_now_acknowledged_at is not None,
            email_matches_order=True,
        ),
        service=policy.Service(
            cast("Kind", order.service_kind), "clean", order.money, _delivery(order, profile.numbers.calendar)
        ),
        payment=_payment(rows.money),
        history=(*_history(order, rows.events), *_refunded(order, rows.money)),
        supplier=policy.Supplier(
            cancel_response=_supplier_said(rows, claim),
            code_recheck="wrong_confirmed" if _has(firm, FactName.CODE_WRONG) else None,
        ),
        claim=policy.Claim(
            kind, ground, asked.moment, "system" if asked.type == T.OUTCOME else "customer", "order_page"
        ),
        established=tuple(policy.Established(fact.name, fact.by_label, fact.caused_delay) for fact in firm),
        alleged=frozenset(fact.name for fact in facts if fact.standing == FactStanding.ALLEGED),
        video=video,
        evidence_requested_at=claim.evidence_requested_at if claim else None,
        verification_submitted_at=(claim.supplier_asked_at if claim else asked.moment) if is_stuck else None,
        investigation=_investigation(rows, firm),
        status_changed_at=next((fact.happened_at for fact in firm if fact.name == FactName.STATUS_CHANGED), None),
        shop_fault=_has(firm, FactName.SHOP_FAULT),
        fraud_suspected=order.purchase.frozen_for == HoldReason.FRAUD_WARNING,
        duplicate_tickets=claim.repeats + 1 if claim and claim.repeats else 0,
        closed_days=clocks.days_off_of(order),
    )


def _has(facts: Iterable[Fact], name: FactName) -> bool:
    return any(fact.name == name for fact in facts)


def _delivery(order: Order, calendar: BusinessCalendar) -> policy.Delivery:
    """The times frozen at checkout, whole days being business days, and what the order's own clocks made of them."""
    return policy.Delivery(
        average_business_hours=_hours(order.average_minutes, calendar) or None,
        guaranteed_business_hours=_hours(order.guaranteed_minutes, calendar) or None,
        promised_until=order.promised_until,
        due_at=order.result_due_at,
    )


def _hours(minutes: int, calendar: BusinessCalendar) -> int:
    days, rest = divmod(minutes, 24 * 60)
    return calendars.days_in_hours(days, calendar) + -(-rest // 60)


def _payment(money: Remaining) -> policy.Payment:
    """What is left of the order's price."""
    told = next((each for each in money.disputes if each.is_open), None)
    told = told or next((each for each in money.disputes if each.is_lost), None)
    dispute = policy.Dispute(told.opened_at, told.closed_at, payout_to_buyer=told.is_lost) if told else None
    tenders = (policy.Tender("original_payment", money.left),) if money.left.amount > Decimal(0) else ()
    # The last refund to where the money came from did not arrive.
    status: Literal["ok", "impossible"] = "impossible" if money.is_closed else "ok"
    return policy.Payment(method="original_payment", tenders=tenders, destination_status=status, dispute=dispute)


def _refunded(order: Order, money: Remaining) -> list[policy.Event]:
    """The moment at which nothing was left to give back."""
    if money.payment is None or order.price == 0 or money.left.amount > 0:
        return []
    disputed = money.disputes[0].opened_at if money.disputes else money.payment.created_at
    return [policy.Event("refunded", money.refunded_at or disputed)]


def _history(order: Order, events: Iterable[OrderEvent]) -> list[policy.Event]:
    told = [policy.Event("submitted", order.created_at)]
    if order.paid_at:
        told.append(policy.Event("paid", order.paid_at))
    agreed = False
    for event in events:
        agreed = agreed or event.kind == "supplier.cancel_agreed"
        if name := _name_of(event, order.service_kind, supplier_agreed=agreed):
            told.append(policy.Event(name, event.at))
    return told


def _name_of(event: OrderEvent, kind: str, *, supplier_agreed: bool) -> str:
    """How the rules name what happened; empty for what they do not ask about."""
    if event.kind == "order.resubmitted":
        return "queued"
    if event.to_state == S.IN_PROCESS:
        return "dispatched"
    if event.to_state == S.COMPLETED:
        return "completed"
    if event.to_state in _ENDS:
        return _ENDS[S(event.to_state)][kind]
    if event.kind == "order.cancelled":
        return "supplier_cancelled" if supplier_agreed else "refused"
    return ENDED_BY_RIGHT.get(event.kind, "")


def _supplier_said(rows: OrderRows, claim: Claim | None) -> Literal["pending", "approved", "rejected"] | None:
    """The supplier's last word on dropping the order: on this claim, else on the last request."""
    said: str | None = claim.supplier_answer if claim and claim.supplier_answer else None
    if said is None and rows.cancel_state is not None:
        said = _SUPPLIER_SAID.get(rows.cancel_state, "pending")
    return cast("Literal['pending', 'approved', 'rejected'] | None", said)


def _investigation(
    rows: OrderRows, firm: list[Fact]
) -> Literal["customer_error", "no_customer_error", "wrong_rejection_eligible"] | None:
    """What was found out about the end that the order has now; of an investigation and facts, the last word."""
    said = [(fact.recorded_at, fact.name) for fact in firm if fact.name in _INVESTIGATED]
    row = rows.investigation
    if row is not None and row.finding and row.answered_at is not None:
        said.append((row.answered_at, row.finding))
    found = max(said)[1] if said else None
    return cast("Literal['customer_error', 'no_customer_error', 'wrong_rejection_eligible'] | None", found)
