"""A guest's whole checkout, and placing and settling one order: what they take."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.bench.web.asking import Ask, post

_serial = count(1)


@dataclass(frozen=True, slots=True)
class Checkout:
    """Requests, statements and milliseconds of processor time from the service's page to the payment page."""

    requests: int
    statements: int
    cpu: float


def checkout(number: int) -> Checkout:
    """Walk so many guests through the shop's own handler, in this process; the median guest."""
    from django.test.client import ClientHandler  # noqa: PLC0415

    # One for all, as a server has it: making one looks at every static file.
    handler = ClientHandler(enforce_csrf_checks=False)
    handler.load_middleware()
    walks = sorted((_walk(handler) for _ in range(number)), key=lambda walk: walk.cpu)
    return walks[len(walks) // 2]


def _walk(handler: Any) -> Checkout:
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from orders.models import Draft  # noqa: PLC0415
    from services.models import Service  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415
    from tests.helpers.checkout import details_of, shown_on  # noqa: PLC0415

    serial = next(_serial)
    service = Service.objects.get(slug="service-1")
    details = details_of(service, email=f"guest-{serial}@example.com")
    address = service.get_absolute_url()
    form = {
        "identifier": factories.imei(serial), "several": "", "currency": "EUR", "answer_network": "Network 1",
    }  # fmt: skip
    visitor = Client(headers={"host": "127.0.0.1", "x-forwarded-for": f"10.1.{serial >> 8}.{serial & 255}"})
    visitor.handler = handler
    asked = 0

    def ask(method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        nonlocal asked
        asked += 1
        response = visitor.get(path) if method == "GET" else visitor.post(path, data)
        if response.status_code not in {200, 303}:
            raise RuntimeError(f"{method} {path} was answered {response.status_code}: {response.content[:2000]!r}")
        return response

    with CaptureQueriesContext(connection) as captured:
        began = time.process_time()
        ask("GET", address)
        to_details = ask("POST", address, form)["Location"]
        ask("GET", to_details)
        to_check = ask("POST", to_details, details)["Location"]
        shown = shown_on(ask("GET", to_check))
        ask("POST", to_check, {"shown": shown, "provider": "stripe"})
        taken = time.process_time() - began
    if Draft.objects.filter(token=to_check.split("/")[2]).get().quoted_total is None:
        raise RuntimeError("the draft was not priced")
    return Checkout(asked, len(captured.captured_queries), taken * 1000)


def place_and_settle(number: int) -> float:
    """Milliseconds of processor time to place one order and to book its payment, the provider's news at hand."""
    from django.conf import settings  # noqa: PLC0415

    from orders.placing import place_purchase  # noqa: PLC0415
    from payments import collecting  # noqa: PLC0415
    from payments.models import Payment  # noqa: PLC0415
    from payments.providers.base import FactState, PaymentFact  # noqa: PLC0415
    from payments.states import PaymentState  # noqa: PLC0415
    from services.models import Service  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415
    from unlockshop.kernel import clock  # noqa: PLC0415

    service = Service.objects.get(slug="service-1")
    taken = []
    for _ in range(number):
        serial = 500_000 + next(_serial)
        draft = factories.make_draft(service, imeis=(factories.imei(serial),))
        began = time.process_time()
        purchase = place_purchase(
            draft, email=f"guest-{serial}@example.com", language="en", consent=factories.consent(), is_demo=True,
            actor=factories.CUSTOMER,
        )  # fmt: skip
        payment = Payment.objects.create(
            purchase=purchase, provider="stripe", amount=purchase.total, currency=purchase.currency,
            is_live=settings.PAYMENTS_LIVE, state=PaymentState.OPEN, provider_ref=f"cs_bench_{serial}",
            next_action_at=clock.now(),
        )  # fmt: skip
        fact = PaymentFact(
            f"cs_bench_{serial}", f"pi_bench_{serial}", FactState.CAPTURED, payment.money, purchase.number,
            is_live=settings.PAYMENTS_LIVE,
        )  # fmt: skip
        if collecting.fold(payment.pk, fact).state != PaymentState.CAPTURED:
            raise RuntimeError("the payment was not booked")
        taken.append((time.process_time() - began) * 1000)
    return sorted(taken)[number // 2]


def events() -> Ask:
    """Signed events of the payment provider, every one another."""
    import stripe  # noqa: PLC0415

    def ask() -> bytes:
        number = next(_serial)
        told = {"id": f"evt_bench_{number}", "object": "event", "type": "checkout.session.completed"}
        body = json.dumps({**told, "data": {"object": {"id": f"cs_nobody_{number}"}}})
        stamp = int(time.time())
        signature = stripe.WebhookSignature._compute_signature(f"{stamp}.{body}", "whsec_tests")
        headers = ("Content-Type: application/json", f"Stripe-Signature: t={stamp},v1={signature}")
        return post("/webhooks/stripe/", body.encode(), *headers)

    return ask
