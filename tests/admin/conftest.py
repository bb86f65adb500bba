"""People at the staff pages, and a shop with a row in every table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import User
from orders import lifecycle, mailing, reaching
from orders.models import (
    CancelRequest,
    ContactTask,
    CorrectionRequest,
    DelayNotice,
    InboundMail,
    Investigation,
    ListingProbe,
    MailEvent,
    Order,
    OutgoingMail,
    SupplierExchange,
)
from orders.models.mail import MailKind
from orders.states import CancelState, CorrectionState, HoldReason, OrderState
from payments import ledger
from payments.models import Account, Break, Dispute, Payment, ReconciliationRun, Refund, WebhookDelivery
from payments.states import Attention, DeliveryVerdict, DisputeState, PaymentState
from refunds import policy_versions
from refunds.models import Claim, Fact, PolicyVersion
from services.models import CatalogueSync, CostRate, MarginRule, SupplierService
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
        ListingProbe.objects.create(attempt=attempt, supplier=attempt.supplier, since=clock.now())
        asked = CancelRequest.objects.create(
            order=order, attempt=attempt, state=CancelState.TOO_LATE, reason="asked for", by_kind="staff",
            by_label="sam@example.com", answered_at=clock.now(), work_state=WorkState.DONE, next_action_at=None,
        )  # fmt: skip
        Investigation.objects.create(order=order, due_at=clock.now())
        CorrectionRequest.objects.create(
            order=order, cancel_request=asked, state=CorrectionState.TOO_LATE, identifier=factories.imei(999),
            identifier_kind="imei", rule="default", due_at=clock.now(), answered_at=clock.now(),
        )  # fmt: skip
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
    listed = SupplierService.objects.create(supplier=order.service.offers.get().supplier, service_id=str(order.pk))
    CatalogueSync.objects.create(supplier=listed.supplier, asked_by="sam@example.com")
    MarginRule.objects.get_or_create(currency="EUR", category=None)
    CostRate.objects.get_or_create(currency="USD", defaults={"rate": Decimal("0.9")})
    make_claim(order).videos.create(size=1000, stage="abandoned", next_action_at=None)
    mail = order.purchase.mails.first()
    make_contact_task(order.purchase.mails.last())
    told = mailing.queue_for_order(order, MailKind.DELAYED, facts={"reason": "closed for a holiday"})
    DelayNotice.objects.create(
        order=order, mail=told, batch="one press of it", reason="closed for a holiday", told_by="sam@example.com",
        outcome="ended", closed_at=clock.now(),
    )  # fmt: skip
    InboundMail.objects.create(
        key=f"mail-{order.pk}", purchase=order.purchase, sender="<b>@example.com", subject="<i>", text="<script>alert",
        verdict="staff", reason="unclear", owner="staff", due_at=clock.now() - timedelta(hours=1),
        work_state=WorkState.DONE, next_action_at=None,
    )  # fmt: skip
    if not PolicyVersion.objects.exists():
        policy_versions.publish_version(
            "default",
            {"claims.request_days": 200},
            version="2026-12-a",
            base="2026-11",
            reason="Kinder.",
            actor=SYSTEM,
        )
    return Shop(order, payment, delivery, mail)


def make_claim(order: Order) -> Claim:
    """A claim that is over, and a fact that is only alleged."""
    Fact.objects.create(
        name="already_unlocked", standing="alleged", order=order, identifier=order.identifier, by_kind="staff",
        by_label="sam@example.com",
    )  # fmt: skip
    return Claim.objects.create(
        order=order, type="other", state="withdrawn", profile="default 2026-11", by_kind="customer",
        by_label=order.purchase.email, currency=order.currency,
    )  # fmt: skip


def make_contact_task(mail: OutgoingMail | None = None) -> ContactTask:
    """A confirmation that came back, and the task to reach its customer."""
    mail = mail or factories.make_purchase(paid=True, email="typo@exmaple.com").mails.get()
    now = clock.now()
    OutgoingMail.objects.filter(pk=mail.pk).update(
        work_state=WorkState.DONE, next_action_at=None, sent_at=now, bounced_at=now, trouble="bounced",
        trouble_reason="550 no such user",
    )  # fmt: skip
    mail.refresh_from_db()
    MailEvent.objects.create(
        event_id=f"event-{mail.pk}", kind="bounce", mail_key=mail.key, mail=mail, happened_at=now,
        payload={"reason": "<b>"}, work_state=WorkState.DONE, next_action_at=None, verdict="applied",
    )  # fmt: skip
    return reaching.open_task(mail)


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
