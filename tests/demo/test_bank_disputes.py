"""Disputes at the demo bank: driven by the real stripe library, answered once, decided by its operator."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
import requests
import stripe

from tests.helpers.contracts import contract, problems
from tests.helpers.processes import running_bank

DISPUTE = "obj_dispute_Dispute"


@pytest.fixture(scope="module")
def bank_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_bank(tmp_path_factory.mktemp("bank")) as url:
        yield url


@pytest.fixture(scope="module")
def client(bank_url: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_tests", base_addresses={"api": bank_url}, max_network_retries=0)


@pytest.fixture
def session(bank_url, client):
    """A session that was paid."""
    made = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "eur", "unit_amount": 1890, "product_data": {"name": "Unlock"}},
                }
            ],
            "success_url": "http://127.0.0.1:8000/done",
        }
    )
    press(bank_url, f"/pay/{made.id}/pay")
    return client.v1.checkout.sessions.retrieve(made.id)


def press(bank_url: str, path: str) -> requests.Response:
    return requests.post(f"{bank_url}{path}", allow_redirects=False, timeout=5)


@pytest.fixture
def dispute(bank_url, client, session):
    press(bank_url, f"/pay/{session.id}/dispute")
    return client.v1.disputes.list({"payment_intent": session.payment_intent}).data[0]


def events(client, ident: str) -> list[str]:
    """Types of the events about an object, oldest first."""
    found = client.v1.events.list({"limit": 100}).data
    return [event.type for event in reversed(found) if event.data.object["id"] == ident]


def test_the_button_is_on_the_page_of_a_paid_session_only(bank_url, client, session):
    assert f"/pay/{session.id}/dispute" in requests.get(f"{bank_url}/pay/{session.id}", timeout=5).text
    answer = press(bank_url, f"/pay/{session.id}/dispute")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/disputes")
    assert press(bank_url, "/pay/cs_test_nothing/dispute").status_code == 404


def test_an_opened_dispute_takes_amount_and_fee_and_is_told(client, session, dispute):
    assert (dispute.amount, dispute.currency, dispute.status) == (1890, "eur", "needs_response")
    assert dispute.evidence_details.due_by > time.time() + 86400
    movement = dispute.balance_transactions[0]
    assert (movement.amount, movement.fee, movement.net) == (-1890, 2000, -3890)
    assert client.v1.balance_transactions.retrieve(movement.id).net == -3890
    assert client.v1.charges.retrieve(dispute.charge).disputed
    assert events(client, dispute.id) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def test_it_has_the_shape_that_stripe_publishes(bank_url, client, dispute):
    for button in ("", "for-shop"):
        if button:
            press(bank_url, f"/disputes/{dispute.id}/{button}")
        assert problems(client.v1.disputes.retrieve(dispute.id).to_dict(), DISPUTE) == []
    fixture = contract("stripe-fixtures.json")["resources"]["dispute"]
    assert problems(fixture, DISPUTE) == []
    assert problems({**fixture, "status": "odd"}, DISPUTE) != []


def test_a_second_dispute_and_a_refund_of_disputed_money_are_refused(bank_url, client, session, dispute):
    assert press(bank_url, f"/pay/{session.id}/dispute").status_code == 409
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": session.payment_intent})
    assert refused.value.code == "charge_disputed"


def test_what_was_refunded_is_not_disputed(bank_url, client, session):
    client.v1.refunds.create({"payment_intent": session.payment_intent, "amount": 890})
    press(bank_url, f"/pay/{session.id}/dispute")
    assert client.v1.disputes.list({"payment_intent": session.payment_intent}).data[0].amount == 1000


def test_evidence_is_staged_then_submitted_once(client, dispute):
    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"product_description": "An unlock"}, "submit": False, "metadata": {"pack": "1"}}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)

    final = client.v1.disputes.update(dispute.id, {"evidence": {"service_date": "2026-11-22"}})

    assert final.status == "under_review"
    assert (final.evidence.product_description, final.evidence.service_date) == ("An unlock", "2026-11-22")
    assert (final.evidence_details.submission_count, final.evidence_details.submission_method) == (1, "manual")
    with pytest.raises(stripe.InvalidRequestError, match="cannot be changed"):
        client.v1.disputes.update(dispute.id, {"evidence": {"service_date": "2026-11-23"}})
    assert events(client, dispute.id)[2:] == ["charge.dispute.updated", "charge.dispute.updated"]


def test_the_same_key_submits_once(client, dispute):
    params = {"evidence": {"product_description": "An unlock"}}
    for _repeat in range(2):
        answer = client.v1.disputes.update(dispute.id, params, {"idempotency_key": f"evidence-{dispute.id}"})
        assert answer.evidence_details.submission_count == 1
    with pytest.raises(stripe.IdempotencyError):
        client.v1.disputes.update(
            dispute.id, {"evidence": {"service_date": "x"}}, {"idempotency_key": f"evidence-{dispute.id}"}
        )


@pytest.mark.parametrize(
    ("evidence", "param"),
    [
        ({"customer_ip": "192.0.2.1"}, "evidence[customer_ip]"),
        ({"access_activity_log": "x" * 20_001}, "evidence[access_activity_log]"),
        ({"receipt": "file_1"}, "evidence[receipt]"),
        ({"product_description": ""}, "evidence[product_description]"),
    ],
)
def test_bad_evidence_is_refused_and_named(client, dispute, evidence, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.disputes.update(dispute.id, {"evidence": evidence})
    assert refused.value.param == param
    assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"


@pytest.mark.parametrize(
    ("button", "end"),
    [
        ("for-shop", ("won", -2000, ["charge.dispute.funds_reinstated", "charge.dispute.closed"])),
        ("for-customer", ("lost", -3890, ["charge.dispute.closed"])),
    ],
)
def test_the_bank_decides_once(bank_url, client, dispute, button, end):
    assert f"/disputes/{dispute.id}/{button}" in requests.get(f"{bank_url}/disputes", timeout=5).text

    for _again in range(2):
        press(bank_url, f"/disputes/{dispute.id}/{button}")
    press(bank_url, f"/disputes/{dispute.id}/for-customer")

    decided = client.v1.disputes.retrieve(dispute.id)
    net = sum(each.net for each in decided.balance_transactions)
    assert (decided.status, net, events(client, dispute.id)[2:]) == end
    assert f"/disputes/{dispute.id}/" not in requests.get(f"{bank_url}/disputes", timeout=5).text
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(dispute.id)


def test_giving_in_loses_it(client, dispute):
    assert client.v1.disputes.close(dispute.id).status == "lost"


def test_a_fraud_warning_moves_no_money(bank_url, client, session):
    press(bank_url, f"/pay/{session.id}/warning")

    warning = client.v1.radar.early_fraud_warnings.list({"payment_intent": session.payment_intent}).data[0]
    assert client.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable
    assert events(client, warning.id) == ["radar.early_fraud_warning.created"]
    assert warning.id in requests.get(f"{bank_url}/disputes", timeout=5).text


def test_evidence_on_the_page_is_text(bank_url, client, dispute):
    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "<script>alert(1)</script>"}})
    page = requests.get(f"{bank_url}/disputes", timeout=5)
    assert "&lt;script&gt;" in page.text
    assert not re.search(r"<script", page.text)


def test_unknown_disputes_are_404(bank_url, client):
    assert press(bank_url, "/disputes/dp_nothing/for-shop").status_code == 404
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.disputes.retrieve("dp_nothing")
    assert missing.value.http_status == 404


@pytest.mark.parametrize(("button", "ends"), [("delayed-success", "paid"), ("delayed-failure", "unpaid")])
def test_the_list_of_payments_ends_a_wait_and_then_offers_what_is_left(bank_url, client, button, ends):
    made = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "client_reference_id": f"P-{button}",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "eur", "unit_amount": 1890, "product_data": {"name": "Unlock"}},
                }
            ],
            "success_url": "http://127.0.0.1:8000/done",
        }
    )
    press(bank_url, f"/pay/{made.id}/{button}")
    page = requests.get(f"{bank_url}/payments", timeout=5).text
    assert f"P-{button}</a>" in page
    assert f"/pay/{made.id}/end-wait" in page
    assert f"/pay/{made.id}/dispute" not in page

    assert press(bank_url, f"/pay/{made.id}/end-wait").headers["Location"] == "/payments"

    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == ends
    page = requests.get(f"{bank_url}/payments", timeout=5).text
    assert (f"/pay/{made.id}/dispute" in page) == (ends == "paid")
    told = [event.type for event in client.v1.events.list({"limit": 100}).data if event.data.object["id"] == made.id]
    press(bank_url, f"/pay/{made.id}/end-wait")
    again = [event.type for event in client.v1.events.list({"limit": 100}).data if event.data.object["id"] == made.id]
    assert again == told
