"""What becomes of the money of a purchase, by ``plan.STORIES``. A step looks around and does what is next."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from orders.models import Purchase
from payments import disputing, refunding
from payments.booking import UNATTACHED
from payments.models import Dispute, Payment
from payments.states import COUNTING_REFUNDS, OPEN_DISPUTES, Attention, PaymentState, RefundState
from tests.chaos.office import STAFF, Office
from unlockshop.kernel.money import Money

PARTS: Final = 3
# Two people, each part, and the odd cent; more only where nobody counts what went back.
MOST_PARTS: Final = 2 * PARTS + 1
GREEDY: Final = Decimal("0.6")
CENT: Final = Decimal("0.01")
_ABOUT_CHARGES: Final = frozenset({"dispute-won", "dispute-lost", "dispute-dropped", "dispute-silent", "warning"})


def step(office: Office, planned: Any, *, is_through: bool) -> bool:
    """One look at a purchase; True when its story is told, or cannot be because nobody paid."""
    purchase = Purchase.objects.filter(draft_token=planned.token).first()
    if purchase is None:
        return is_through
    payments = list(purchase.payments.order_by("pk"))
    captured = [payment for payment in payments if payment.state == PaymentState.CAPTURED]
    fitting = [payment for payment in captured if payment.attention not in UNATTACHED]
    if planned.index not in office.told and _tell(office, planned, payments, fitting):
        office.told.add(planned.index)
    for payment in captured:
        if payment.attention in UNATTACHED and payment.pk % 3 and not planned.story.startswith("dispute-"):
            _give_back_stray(office, payment)
    # A refund needs money that fits the purchase; a dispute takes any.
    waited_for = captured if planned.story in _ABOUT_CHARGES else fitting
    return is_through and (planned.index in office.told or not waited_for)


def _tell(office: Office, planned: Any, payments: list[Payment], fitting: list[Payment]) -> bool:
    """One step of the story; True when it is told."""
    if planned.story in _ABOUT_CHARGES:
        charged = next((payment for payment in payments if charge_of(office, payment)), None)
        return charged is not None and _about_charge(office, planned, charged)
    if planned.story:
        return bool(fitting) and _REFUNDS[planned.story](office, fitting[0])
    return True


def charge_of(office: Office, payment: Payment) -> str:
    """The bank's id of the money that came in for a payment, also before the shop knows of it; empty when none did."""
    if payment.provider == "stripe":
        sql = "SELECT payment_intent FROM sessions WHERE id = ? AND payment_status = 'paid'"
    else:
        sql = "SELECT id FROM paypal_captures WHERE order_id = ? AND status NOT IN ('PENDING', 'DECLINED')"
    row = office.ask_bank(sql, payment.provider_ref)
    return row[0] if row else ""


def _refund_whole(office: Office, payment: Payment) -> bool:
    return _has_refund(payment) or office.refund(payment, refunding.refundable(payment))


def _refund_greedily(office: Office, payment: Payment) -> bool:
    """Two people, each more than half: one of them must be refused."""
    return _has_refund(payment) or office.refund(payment, _share(payment, GREEDY))


def _refund_in_parts(office: Office, payment: Payment) -> bool:
    """Order by order where there are several, else thirds, until nothing is left."""
    orders = list(payment.purchase.orders.order_by("position"))
    if len(orders) > 1:
        for order in orders:
            if not order.refunds.exists():
                left = refunding.refundable_for(order, payment)
                office.refund(payment, Money((left.amount * GREEDY).quantize(CENT), left.currency), order=order)
        return all(order.refunds.exists() for order in orders)
    left = refunding.refundable(payment)
    if payment.refunds.count() > MOST_PARTS:
        return True
    if left.amount:
        part = min(left.amount, _share(payment, Decimal(1) / PARTS).amount)
        office.refund(payment, Money(part, left.currency))
    return not left.amount


def _refund_that_returns(office: Office, payment: Payment) -> bool:
    """The bank sends the refund back days later; staff give the money back once more."""
    failed = payment.refunds.filter(state=RefundState.FAILED).exists()
    going = payment.refunds.filter(state__in=COUNTING_REFUNDS)
    if not failed:
        done = going.filter(state=RefundState.SUCCEEDED).first()
        if done is not None:
            office.press(f"{'/paypal' if payment.provider == 'paypal' else ''}/refunds/{done.provider_ref}/fail")
            office.note("refund failed at the bank")
        elif not going.exists():
            office.refund(payment, refunding.refundable(payment))
        return False
    return going.exists() or office.refund(payment, refunding.refundable(payment))


def _give_back_stray(office: Office, payment: Payment) -> None:
    if not _has_refund(payment):
        office.refund(payment, refunding.refundable(payment))


def _has_refund(payment: Payment) -> bool:
    exists: bool = payment.refunds.exists()
    return exists


def _share(payment: Payment, part: Decimal) -> Money:
    return Money((payment.amount * part).quantize(CENT, ROUND_DOWN), payment.currency)


def _about_charge(office: Office, planned: Any, payment: Payment) -> bool:
    if planned.story == "warning":
        return _warn(office, planned, payment)
    is_paypal = payment.provider == "paypal"
    table, column = ("paypal_disputes", "capture") if is_paypal else ("disputes", "payment_intent")
    charge = charge_of(office, payment)
    row = office.ask_bank(f"SELECT id FROM {table} WHERE {column} = ?", charge)
    if row is None:
        office.press(f"/paypal/captures/{charge}/dispute" if is_paypal else f"/pay/{payment.provider_ref}/dispute")
        return False
    dispute = Dispute.objects.filter(provider_ref=row[0]).select_related("payment__purchase").first()
    if dispute is None:
        return False
    ending = planned.story.removeprefix("dispute-")
    if ending == "silent":
        office.refund_by_itself(dispute.payment)
        if planned.index % 2:
            office.release(dispute)
        return True
    waits = dispute.packs.filter(state="submitting").exists()
    if ending in {"won", "lost"} and (waits or disputing.unanswered(dispute)):
        office.answer(dispute)
        return False
    if dispute.state in OPEN_DISPUTES:
        _decide(office, dispute, ending)
        return False
    return True


def _decide(office: Office, dispute: Dispute, ending: str) -> None:
    """The bank's word. A dropped dispute is one that the buyer withdraws; Stripe's then counts as won."""
    if dispute.payment.provider == "paypal":
        button = {"won": "shop", "lost": "buyer", "dropped": "withdraw"}[ending]
        office.press(f"/paypal/disputes/{dispute.provider_ref}/{button}")
    else:
        office.press(f"/disputes/{dispute.provider_ref}/{'for-customer' if ending == 'lost' else 'for-shop'}")


def _warn(office: Office, planned: Any, payment: Payment) -> bool:
    """The card's bank warns; staff find nothing in every other case. PayPal has no such thing."""
    if payment.provider == "paypal":
        return True
    charge = charge_of(office, payment)
    row = office.ask_bank("SELECT id FROM warnings WHERE payment_intent = ?", charge)
    if row is None:
        office.press(f"/pay/{payment.provider_ref}/warning")
        return False
    if not payment.warnings.filter(provider_ref=row[0]).exists():
        return False
    if planned.index % 2 and payment.attention == Attention.FRAUD:
        disputing.clear_warning(payment.pk, reason="We know this customer.", actor=STAFF[0])
        office.note("warning cleared")
    return True


_REFUNDS: Final[dict[str, Callable[[Office, Payment], bool]]] = {
    "refund": _refund_whole,
    "greedy": _refund_greedily,
    "parts": _refund_in_parts,
    "returned": _refund_that_returns,
}
