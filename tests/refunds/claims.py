"""Orders with claims on them, for the tests of claims."""

from __future__ import annotations

from orders.models import Order
from orders.states import OrderState
from payments.models import Payment
from refunds import claiming
from refunds.models import Claim
from refunds.states import ClaimType
from tests import factories
from tests.admin.conftest import make_payment
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM

SAM = actors.staff(1, "sam@example.com")
KIM = actors.staff(2, "kim@example.com")


def paid_order(
    state: OrderState = OrderState.COMPLETED, *, kind: str = "unlock", profile: str = "default 2026-11"
) -> Order:
    """An order of a kind under a profile, brought to ``state``, with its captured payment."""
    draft = factories.make_draft(factories.make_service(kind=kind))
    consent = factories.consent(refund_profile=profile)
    purchase = factories.place_purchase(
        draft, email=factories.ADA, language="en", consent=consent, is_demo=True, actor=factories.CUSTOMER
    )
    factories.paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=clock.now())
    order = purchase.orders.get()
    make_payment(order)
    factories.bring_to(order, state)
    return Order.objects.select_related("purchase").get(pk=order.pk)


def claimed(order: Order, kind: ClaimType = ClaimType.NOT_WORKING, text: str = "It says code error.") -> Claim:
    """The customer claims."""
    return claiming.open_claim(order.pk, kind, text=text, actor=factories.CUSTOMER)


def fresh(claim: Claim) -> Claim:
    """The claim as the database has it."""
    return Claim.objects.select_related("order__purchase", "refund").get(pk=claim.pk)


def payment_of(order: Order) -> Payment:
    """The order's payment."""
    return Payment.objects.get(purchase=order.purchase)
