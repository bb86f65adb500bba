"""The webhook address: authentic events are stored once and acknowledged; everything else leaves nothing behind."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
import stripe

from payments import inbox
from payments.models import LedgerTransaction, WebhookDelivery
from payments.states import DeliveryVerdict
from tests import factories
from tests.payments.test_collecting import begun, press
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
SECRET = "whsec_tests"


def event(event_type="checkout.session.completed", ref="cs_test_1", event_id="evt_1", **extra) -> str:
    data = {"object": {"id": ref}}
    return json.dumps({"id": event_id, "object": "event", "type": event_type, "data": data, **extra})


def sign(body: str, *, secret: str = SECRET, at: float | None = None) -> str:
    stamp = int(at if at is not None else time.time())
    signature = stripe.WebhookSignature._compute_signature(f"{stamp}.{body}", secret)
    return f"t={stamp},v1={signature}"


def deliver(client, body: str | bytes, signature: str | None = None):
    headers = {"Stripe-Signature": signature} if signature is not None else {}
    return client.post("/webhooks/stripe/", body, content_type="application/json", headers=headers)


def test_an_authentic_event_is_stored_and_acknowledged(client):
    body = event()

    response = deliver(client, body, sign(body))

    stored = WebhookDelivery.objects.get()
    assert response.status_code == 200
    assert (stored.event_id, stored.work_state) == ("evt_1", WorkState.QUEUED)


def test_a_repeated_event_is_acknowledged_and_stored_once(client):
    body = event()

    statuses = [deliver(client, body, sign(body)).status_code for _ in range(5)]

    assert statuses == [200] * 5
    assert WebhookDelivery.objects.get().deliveries == 5


def test_an_event_of_no_concern_is_ignored(client):
    body = event("customer.created")

    assert deliver(client, body, sign(body)).status_code == 200
    assert WebhookDelivery.objects.get().verdict == DeliveryVerdict.IGNORED


BODY = event()
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        pytest.param(BODY, None, id="no signature"),
        pytest.param(BODY, "", id="empty signature"),
        pytest.param(BODY, "t=abc,v1=zz", id="garbage signature"),
        pytest.param(BODY, "v1=00", id="no timestamp"),
        pytest.param(BODY, sign(BODY, secret="whsec_other"), id="wrong secret"),
        pytest.param(BODY.replace("cs_test_1", "cs_test_2"), sign(BODY), id="altered"),
        pytest.param(BODY, sign(BODY, at=time.time() - 3600), id="stale"),
        pytest.param(BODY, "301 s old", id="just stale"),
        pytest.param(BODY, sign(BODY, at=time.time() + 86400), id="from the future"),
        pytest.param("no json", sign("no json"), id="not json"),
        pytest.param("[]", sign("[]"), id="not an object"),
        pytest.param('{"id": "evt"}', sign('{"id": "evt"}'), id="not an event"),
        pytest.param(DEEP, sign(DEEP), id="deep json"),
        pytest.param(b"\xff\xfe", "t=1,v1=00", id="not utf-8"),
        *(
            pytest.param(body, sign(body), id=name)
            for name, body in {
                "endless id": event(event_id="e" * 300),
                "no id": event(event_id=""),
                "nul in the id": event(event_id="evt\x00"),
                "half a character in the id": event(event_id="evt\ud800"),
                "null for an id": event(event_id=None),
                "control character in the type": event("t\n"),
                "a list for the session": event(ref=["cs_1"]),
                "endless session": event(ref="c" * 300),
                "not a number": event(amount=float("nan")),
            }.items()
        ),
    ],
)
def test_what_is_not_authentic_is_refused_and_leaves_nothing(client, body, signature):
    if signature == "301 s old":
        signature = sign(body, at=time.time() - 301)
    response = deliver(client, body, signature)

    assert response.status_code == 400
    assert not WebhookDelivery.objects.exists()


def test_deep_json_costs_next_to_nothing(client):
    signature = sign(DEEP)
    spent = []
    for _ in range(5):
        began = time.thread_time()
        assert deliver(client, DEEP, signature).status_code == 400
        spent.append(time.thread_time() - began)

    assert min(spent) < 0.1


@pytest.mark.parametrize("age", [0, 280])
def test_a_delivery_on_its_way_for_less_than_five_minutes_is_taken(client, age):
    assert deliver(client, BODY, sign(BODY, at=time.time() - age)).status_code == 200


@pytest.mark.parametrize(
    ("is_live_shop", "told", "doubt"),
    [
        (True, {"livemode": False}, "an event of test mode"),
        (True, {}, "an event of test mode"),
        (False, {"livemode": True}, "an event of live mode"),
        (False, {"livemode": False, "account": "acct_other"}, "an event of the account acct_other"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_an_event_of_another_mode_or_account_is_parked_and_moves_no_money(client, settings, is_live_shop, told, doubt):
    payment = begun()
    press(payment, "pay")
    settings.PAYMENTS_LIVE = is_live_shop
    body = event(ref=payment.provider_ref, **told)

    assert [deliver(client, body, sign(body)).status_code for _ in range(2)] == [200, 200]

    parked = WebhookDelivery.objects.get()
    inbox.process(parked.pk)
    parked.refresh_from_db()
    assert (parked.work_state, parked.verdict) == (WorkState.NEEDS_STAFF, DeliveryVerdict.PARKED)
    assert parked.last_error == doubt
    assert payment.purchase.orders.get().state == "awaiting_payment"
    assert not LedgerTransaction.objects.exists()


def test_staff_may_have_a_parked_event_looked_at_after_all(client, bank, settings):
    payment = begun()
    press(payment, "pay")
    body = event(ref=payment.provider_ref, account="acct_other")
    deliver(client, body, sign(body))

    assert inbox.process_again(WebhookDelivery.objects.get())
    inbox.process(WebhookDelivery.objects.get().pk)

    assert payment.purchase.orders.get().state == "paid", "the provider was asked, and says it is ours"


def test_two_signatures_during_a_secret_rotation_are_accepted(client):
    signature = sign(BODY)
    stamp = signature.split(",")[0]

    assert deliver(client, BODY, f"{stamp},v1={'0' * 64},{signature.split(',')[1]}").status_code == 200


@pytest.mark.parametrize("size", [256 * 1024 + 1, 10 * 1024 * 1024])
def test_too_large_is_refused_before_it_is_read(client, size):
    body = "[" * size
    assert deliver(client, body, sign(body)).status_code == 413


def test_other_methods_and_providers_are_refused(client):
    assert client.get("/webhooks/stripe/").status_code == 405
    assert client.post("/webhooks/nobody/", "{}", content_type="application/json").status_code == 404


@pytest.mark.parametrize("note", ['"a\\u0000b"', '"\\ud800"', "1e999", '{"\\udfff": [-1e999]}'])
def test_what_no_database_takes_is_stored_in_other_words(client, note):
    body = event(note="NOTE").replace('"NOTE"', note)

    assert deliver(client, body, sign(body)).status_code == 200


def test_without_a_secret_nothing_is_authentic(client, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""

    assert deliver(client, BODY, sign(BODY, secret="")).status_code == 400


def stored(ref: str) -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        provider="stripe",
        event_id=f"evt_{ref}",
        event_type="checkout.session.completed",
        subject="payment",
        subject_ref=ref,
        payload={},
    )


def test_processing_settles_the_payment(bank):
    payment = begun()
    press(payment, "pay")
    delivery = stored(payment.provider_ref)

    for _ in range(3):
        inbox.process(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.verdict, delivery.payment) == (DeliveryVerdict.APPLIED, payment)
    assert payment.purchase.orders.get().state == "paid"


def test_a_lying_event_pays_nothing(bank):
    payment = begun()
    delivery = stored(payment.provider_ref)

    inbox.process(delivery.pk)

    assert payment.purchase.orders.get().state == "awaiting_payment"


def test_an_early_event_waits_for_our_commit(bank):
    delivery = stored("cs_later")
    inbox.process(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.work_state == WorkState.QUEUED

    payment = begun()
    press(payment, "pay")
    type(delivery).objects.filter(pk=delivery.pk).update(subject_ref=payment.provider_ref)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        inbox.process(delivery.pk)

    assert payment.purchase.orders.get().state == "paid"


def test_an_event_that_fits_nothing_reaches_staff_after_three_days(bank):
    delivery = stored("cs_nobody")

    with clock.frozen(clock.now() + timedelta(hours=73)):
        inbox.process(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.work_state, delivery.verdict) == (WorkState.NEEDS_STAFF, DeliveryVerdict.UNKNOWN_REFERENCE)


def test_a_dead_provider_leaves_the_event_due_again(settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    purchase = factories.make_purchase()
    purchase.payments.create(
        provider="stripe", provider_ref="cs_1", amount=1, currency="EUR", state="open", next_action_at=clock.now()
    )
    delivery = stored("cs_1")

    inbox.process(delivery.pk)

    delivery.refresh_from_db()
    assert delivery.work_state == WorkState.QUEUED
    assert delivery.next_action_at > clock.now()
