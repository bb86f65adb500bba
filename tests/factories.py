"""Rows for tests. Orders reach a state through the lifecycle, never by assignment."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import User
from orders import lifecycle, paying, repeating
from orders.models import Draft, Order, Purchase, SupplierAttempt
from orders.placing import Consent, place_purchase, quote
from orders.states import AttemptOutcome, HoldReason, OrderState
from services.models import Category, Offer, Service, ServiceField, ServicePrice, Supplier
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, Actor, ActorKind

ADA = "ada@example.com"
BEN = "ben@example.com"
IMEI = "354178036859789"
CUSTOMER = Actor(ActorKind.CUSTOMER, label=ADA, ip="192.0.2.7")
_serial = count(1)


def imei(serial: int) -> str:
    """A valid IMEI; another one for every serial."""
    body = f"35693803{serial:06d}"
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(body)]
    total = sum(d // 10 + d % 10 for d in doubled)
    return body + str(-total % 10)


def make_supplier(**changes: Any) -> Supplier:
    n = next(_serial)
    values = {
        "slug": f"supplier-{n}", "name": f"Supplier {n}", "adapter": "dhru", "url": "http://127.0.0.1:9/api/index.php",
        "username": "shop", "api_key": "KEY-CANARY", "settle_seconds": 20, "poll_seconds": 5,
    }  # fmt: skip
    return Supplier.objects.create(**{**values, **changes})


def make_service(
    *,
    supplier: Supplier | None = None,
    price: str = "18.90",
    fields: tuple[tuple[str, str], ...] = (("imei", "imei"),),
    **changes: Any,
) -> Service:
    """A published service with one price in EUR, its form fields as (name, kind), and an offer."""
    n = next(_serial)
    category, _ = Category.objects.get_or_create(slug="unlock", defaults={"name": "Network unlock", "position": 1})
    values = {
        "slug": f"service-{n}", "name": f"Service {n}", "kind": "unlock", "category": category, "brand": "Apple",
        "operator": "AT&T", "country": "US", "networks": ["AT&T"], "models_note": "iPhone 6s and newer",
        "eligibility": "Not reported lost or stolen.", "result_kind": "code", "average_minutes": 30 * 60,
        "guaranteed_minutes": 72 * 60, "is_published": True,
    }  # fmt: skip
    service = Service.objects.create(**{**values, **changes})
    ServicePrice.objects.create(service=service, currency="EUR", amount=Decimal(price))
    for position, (name, kind) in enumerate(fields):
        ServiceField.objects.create(service=service, name=name, label=name.upper(), kind=kind, position=position)
    Offer.objects.create(
        service=service, supplier=supplier or make_supplier(), supplier_service_id=str(1000 + n),
        cost=Decimal("10.00"), cost_currency="EUR",
    )  # fmt: skip
    return service


def make_draft(
    service: Service | None = None, *, imeis: tuple[str, ...] = (IMEI,), currency: str = "EUR", **answers: str
) -> Draft:
    service = service or make_service()
    devices = [{"value": value, "kind": "imei", "warning": "", "raw": value} for value in imeis]
    draft = Draft(service=service, devices=devices, answers=answers, currency=currency)
    draft.quoted_total = quote(draft, service).amount
    draft.save()
    return draft


def consent(**changes: Any) -> Consent:
    values: dict[str, Any] = {
        "terms_version": "2026-11", "checklist": ["It is my device."], "start_now": True, "ip": "192.0.2.7",
        "user_agent": "tests",
    }  # fmt: skip
    profile = changes.get("refund_profile", "").partition(" ")[0]
    values["is_guaranteed"] = profile in {"", "default", "doctorsim"}
    return Consent(**{**values, **changes})


def make_purchase(
    service: Service | None = None,
    *,
    imeis: tuple[str, ...] = (IMEI,),
    email: str = ADA,
    paid: bool = False,
    currency: str = "EUR",
    again: bool = False,
) -> Purchase:
    """A placed purchase with one order per IMEI; ``paid`` pays it, ``again`` repeats what is under way."""
    draft = make_draft(service, imeis=imeis, currency=currency)
    repeating.want_again(draft, imeis if again else ())
    purchase = place_purchase(draft, email=email, language="en", consent=consent(), is_demo=True, actor=CUSTOMER)
    if paid:
        paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=clock.now())
        purchase.refresh_from_db()
    return purchase


def make_order(state: OrderState = OrderState.PAID, *, service: Service | None = None, **kwargs: Any) -> Order:
    """An order brought to ``state`` through lifecycle functions."""
    purchase = make_purchase(service, paid=state not in {OrderState.AWAITING_PAYMENT, OrderState.EXPIRED}, **kwargs)
    order = purchase.orders.get()
    bring_to(order, state)
    order.refresh_from_db()
    return order


def bring_to(order: Order, state: OrderState) -> None:
    """Walk a paid (or unpaid) order to ``state``."""
    s = OrderState
    if state in {s.AWAITING_PAYMENT, s.PAID}:
        return
    if state == s.EXPIRED:
        lifecycle.expire(order.pk, actor=SYSTEM)
    elif state == s.CANCELLED:
        lifecycle.cancel(order.pk, reason="asked for", actor=SYSTEM)
    elif state == s.ON_HOLD:
        lifecycle.hold(order.pk, reason=HoldReason.STAFF, message="look", actor=SYSTEM)
    else:
        attempt = make_attempt(order)
        lifecycle.start_submitting(order.pk, attempt=attempt, actor=SYSTEM)
        if state == s.SUBMITTING:
            return
        if state == s.UNCERTAIN:
            set_outcome(attempt, AttemptOutcome.UNKNOWN)
            lifecycle.mark_uncertain(order.pk, attempt=attempt, look_at=clock.now(), message="timeout", actor=SYSTEM)
            return
        set_outcome(attempt, AttemptOutcome.ACCEPTED, supplier_order_id=f"S{attempt.pk}")
        lifecycle.submitted(order.pk, attempt=attempt, next_poll_at=clock.now(), actor=SYSTEM)
        name = attempt.supplier.name
        if state == s.COMPLETED:
            lifecycle.complete(order.pk, result="CODE: 12345678", supplier_name=name, actor=SYSTEM)
        elif state == s.UNAVAILABLE:
            lifecycle.mark_unavailable(order.pk, note="not eligible", supplier_name=name, actor=SYSTEM)
        elif state == s.NOT_FOUND:
            lifecycle.mark_not_found(order.pk, note="no record", supplier_name=name, actor=SYSTEM)


def make_attempt(order: Order, **changes: Any) -> SupplierAttempt:
    offer = order.service.offers.select_related("supplier").get()
    n = order.supplier_attempts.count() + 1
    values = {
        "order": order, "n": n, "supplier": offer.supplier, "supplier_service_id": offer.supplier_service_id,
        "cost": offer.cost, "cost_currency": offer.cost_currency, "reference": f"{order.number}-{n}",
        "send_before": clock.now() + timedelta(seconds=15), "lease_until": clock.now() + timedelta(seconds=90),
    }  # fmt: skip
    return SupplierAttempt.objects.create(**{**values, **changes})


def set_outcome(attempt: SupplierAttempt, outcome: AttemptOutcome, **changes: Any) -> None:
    for name, value in {"outcome": outcome, **changes}.items():
        setattr(attempt, name, value)
    attempt.save()


def make_staff(email: str = "sam@example.com", *, superuser: bool = True) -> User:
    return User.objects.create_user(email, "correct horse battery", is_staff=True, is_superuser=superuser)
