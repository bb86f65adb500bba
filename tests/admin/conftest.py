"""People at the staff pages, and a shop with a row in every table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import User
from orders import lifecycle
from orders.models import Order, OutgoingMail, SupplierExchange
from orders.states import HoldReason, OrderState
from payments import ledger
from payments.models import Account, Break, Dispute, Payment, ReconciliationRun, Refund, WebhookDelivery
from payments.states import Attention, DeliveryVerdict, DisputeState, PaymentState
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.work import WorkState


@dataclass
class Shop:
    """One row of everything."""

    order: Order
    payment: Payment
    delivery: WebhookDelivery
    mail: OutgoingMail


@pytest.fixture
def sign_in(db) -> Callable[[User], Client]:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def admin(sign_in) -> Client:
    """Somebody who may do everything."""
    return sign_in(factories.make_staff())


@pytest.fixture
def support(sign_in) -> Client:
    """Somebody of a group that sees everything of orders and money, and acts on nothing."""
    user = factories.make_staff("support@example.com", superuser=False)
    group = Group.objects.create(name="Support")
    group.permissions.set(
        Permission.objects.filter(
            content_type__app_label__in=["orders", "payments", "services"], codename__startswith="view_"
        )
    )
    user.groups.add(group)
    return sign_in(user)


@pytest.fixture
def shop(db) -> Shop:
    return make_shop()


def make_shop(state: OrderState = OrderState.COMPLETED, **kwargs) -> Shop:
    order = factories.make_order(state, **kwargs)
    attempt = order.supplier_attempts.first()
    if attempt is not None:
        SupplierExchange.objects.create(
            attempt=attempt,
            purpose="place",
            request="action=placeimeiorder",
            response="{}",
            http_status=200,
            milliseconds=42,
        )
    payment = make_payment(order)
    delivery = WebhookDelivery.objects.create(
        provider="stripe",
        event_id=f"evt_{order.pk}",
        event_type="checkout.session.completed",
        payload={
            "id": f"evt_{order.pk}",
            "data": {"object": {"id": payment.provider_ref, "success_url": "https://x/secret-canary"}},
        },
        payment=payment,
        work_state=WorkState.NEEDS_STAFF,
        verdict=DeliveryVerdict.UNKNOWN_REFERENCE,
        next_action_at=None,
    )
    make_refund(payment, order)
    Break.objects.create(provider="stripe", kind="unknown_capture", provider_ref=f"cs_{order.pk}", detail="18.90 EUR")
    Dispute.objects.create(
        payment=payment, provider_ref=f"dp_{order.pk}", amount=payment.amount, currency=payment.currency,
        state=DisputeState.WITHDRAWN, provider_status="warning_closed", closed_at=clock.now(),
    )  # fmt: skip
    ReconciliationRun.objects.create(provider="stripe", since=clock.now())
    mail = order.purchase.mails.first()
    return Shop(order, payment, delivery, mail)


def make_payment(order: Order, *, attention: Attention = Attention.NONE) -> Payment:
    payment = Payment.objects.create(
        purchase=order.purchase,
        provider="stripe",
        provider_ref=f"cs_test_{order.pk}",
        charge_ref=f"pi_test_{order.pk}",
        amount=order.price,
        currency=order.currency,
        state=PaymentState.CAPTURED,
        captured_at=clock.now(),
        attention=attention,
    )
    lines = [(Account.STRIPE_CLEARING, payment.money), (Account.CUSTOMER_PREPAYMENTS, -payment.money)]
    ledger.post(f"capture:{payment.pk}", "capture", payment=payment, lines=lines)
    return payment


def make_refund(payment: Payment, order: Order, *, amount: str = "1.00") -> Refund:
    return Refund.objects.create(
        payment=payment, order=order, amount=Decimal(amount), currency=payment.currency, rule="goodwill",
        reason="asked nicely", actor_kind="staff", actor_label="sam@example.com",
    )  # fmt: skip


def held_uncertain() -> Order:
    """An order on hold because nobody knows whether it was bought."""
    order = factories.make_order(OrderState.UNCERTAIN)
    lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, message="look", actor=SYSTEM)
    order.refresh_from_db()
    return order
