"""Evidence: everything the shop can prove, never the code; sent once, by staff, and never twice blindly."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from itertools import count

import pytest
import requests
from django.db import IntegrityError, transaction

from orders import results
from orders.models import OrderEvent, OutgoingMail, Purchase
from orders.states import OrderState
from payments import collecting, disputing, evidence, evidence_facts
from payments.collecting import begin_payment
from payments.evidence_pdf import render_pdf
from payments.models import Dispute, EvidencePack
from payments.states import DisputeState, PackState
from refunds import terms
from tests import factories
from tests.helpers.contracts import contract, problems
from tests.helpers.disputes import PROVIDERS, REF, Bank, disputed, fact
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

pytestmark = pytest.mark.django_db
SAM = actors.staff(1, "sam@example.com")
CODE = "12345678"


@pytest.fixture(autouse=True)
def _bank(settings, request):
    if "bank" not in request.fixturenames:
        settings.PAYMENT_PROVIDERS = PROVIDERS
    Bank.reset()


def delivered_and_disputed(**kwargs) -> Dispute:
    """A completed order whose result mail went out and whose result was opened; then it is disputed."""
    order, dispute = disputed(OrderState.COMPLETED, **kwargs)
    results.open_result(order.pk, actor=factories.CUSTOMER)
    OutgoingMail.objects.filter(kind="completed").update(
        sent_at=clock.now(), provider_id="sg-77", subject="Your result", text=f"CODE: {CODE}"
    )
    return dispute


def text_of(pdf: bytes) -> str:
    pypdf = pytest.importorskip("pypdf", reason="NOT RUN: pypdf is not installed")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_a_pack_holds_order_consent_payment_delivery_and_the_accepted_rules(monday):
    dispute = delivered_and_disputed()
    purchase = dispute.payment.purchase
    order = purchase.orders.get()

    facts = evidence_facts.collect(dispute)

    stamp = "2026-11-23 12:00:00 UTC"
    assert facts["orders"] == [
        {
            "number": order.number, "service": order.service_name, "device": f"IMEI {factories.IMEI}",
            "price": "18.90 EUR", "placed": stamp, "work begun": stamp, "state": "Completed",
            "result delivered": stamp, "result opened": [f"{stamp} from IP 192.0.2.7"],
        }
    ]  # fmt: skip
    assert facts["consent"] == {
        "terms version": "2026-11", "accepted": stamp, "from IP address": "192.0.2.7", "with browser": "tests",
        "asked for an immediate start": stamp, "confirmed": ["It is my device."],
    }  # fmt: skip
    assert facts["payment"]["payment"] == dispute.payment.charge_ref
    assert {"kind": "Result", "order": order.number, "to": factories.ADA, "subject": "Your result", "sent": stamp,
            "provider's id": "sg-77"} in facts["mails"]  # fmt: skip
    assert [clause["clause"] for clause in facts["terms"]] == [
        "what-you-tell-us", "delivery-times", "cancelling", "when-it-cannot-be-done", "refunds",
    ]  # fmt: skip
    assert (
        f"{stamp} | customer, IP 192.0.2.7 | order {order.number} | The customer opened the result."
        in (facts["access_log"])
    )


def test_the_fields_are_the_providers_and_say_the_same(monday):
    dispute = delivered_and_disputed()

    fields = evidence.assemble(dispute).fields

    assert fields.keys() == {
        "product_description", "service_date", "customer_email_address", "customer_purchase_ip",
        "access_activity_log", "refund_policy_disclosure", "uncategorized_text",
    }  # fmt: skip
    assert (fields["service_date"], fields["customer_purchase_ip"]) == ("2026-11-23", "192.0.2.7")
    assert "When it cannot be done [when-it-cannot-be-done]" in fields["refund_policy_disclosure"]
    assert "accepted: 2026-11-23 12:00:00 UTC" in fields["uncategorized_text"]
    assert problems({"evidence": fields, "submit": True}, "DisputeUpdateParams") == []
    assert problems({"evidence": {"customer_ip": "192.0.2.7"}}, "DisputeUpdateParams") != []


def test_neither_pack_nor_pdf_gives_the_result_or_a_secret_link_away():
    dispute = delivered_and_disputed()
    purchase = dispute.payment.purchase
    pack = evidence.assemble(dispute)
    written = json.dumps([pack.facts, pack.fields]) + text_of(render_pdf(pack))

    for secret in (CODE, purchase.secret, purchase.orders.get().secret, purchase.draft_token):
        assert secret not in written


def test_words_of_suppliers_and_staff_stay_inside():
    dispute = delivered_and_disputed()
    order = dispute.payment.purchase.orders.get()
    n = count(100)
    for kind in ("supplier.conflict", "order.not_sent", "order.held", "attempt.late_surprise"):
        OrderEvent.objects.create(
            order=order, seq=next(n), kind=kind, actor_kind="supplier", data={"message": f"CANARY {CODE}"}
        )

    pack = evidence.assemble(dispute)

    assert "CANARY" not in json.dumps([pack.facts, pack.fields])


def test_a_huge_purchase_stays_within_every_limit_and_keeps_what_the_customer_did():
    dispute = delivered_and_disputed()
    order = dispute.payment.purchase.orders.get()
    first = OrderEvent.objects.filter(order=order).count() + 1
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order=order, seq=first + n, kind="mail.sent", actor_kind="system", data={"mail": "x" * 60, "to": "a@b.c"}
        )
        for n in range(900)
    )
    Purchase.objects.update(checklist=["I read it. " * 40] * 100, user_agent="Mozilla " * 30)
    dispute.payment.refresh_from_db()

    fields = evidence.assemble(Dispute.objects.get()).fields

    assert max(map(len, fields.values())) <= evidence_facts.MAX_FIELD
    assert sum(map(len, fields.values())) <= evidence_facts.MAX_TOTAL
    assert "The customer opened the result." in fields["access_activity_log"]
    assert fields["access_activity_log"].endswith("more lines are left out here)")
    assert fields["uncategorized_text"].endswith("(shortened)")


def test_a_pack_is_frozen():
    dispute = delivered_and_disputed()
    pack = evidence.assemble(dispute)
    Purchase.objects.update(email="new@example.com")

    later = evidence.assemble(Dispute.objects.get())

    pack.refresh_from_db()
    assert pack.fields["customer_email_address"] == factories.ADA
    assert later.fields["customer_email_address"] == "new@example.com"


def test_the_texts_of_an_unknown_terms_version_are_none():
    assert terms.text_of("1999-01") == []
    assert [clause for clause, _title, _text in terms.text_of("2026-11")][-1] == "refunds"
    assert {clause for clause, *_rest in terms.text_of("2026-11")} < terms.REFUND_RULES
    assert {clause for clause, *_rest in terms.text_of(terms.current().version)} == terms.REFUND_RULES


# PDF


def test_the_pdf_reads_and_is_the_same_every_time():
    pack = evidence.assemble(delivered_and_disputed())

    pdf = render_pdf(pack)

    assert pdf.startswith(b"%PDF-")
    text = text_of(pdf)
    assert text == text_of(render_pdf(EvidencePack.objects.get(pk=pack.pk)))
    for part in (REF, factories.IMEI, "It is my device.", "sg-77", "How refunds are paid", "result opened"):
        assert part in text


def test_letters_of_many_languages_print_and_a_lacking_one_is_named():
    dispute = delivered_and_disputed()
    Purchase.objects.update(user_agent="Ünlöck Łódź Αθήνα Київ 中\x07\u202e")
    text = text_of(render_pdf(evidence.assemble(Dispute.objects.get(pk=dispute.pk))))

    assert "Ünlöck Łódź Αθήνα Київ [U+4E2D]" in text
    assert "are printed as their Unicode numbers" in text


# Sending


def test_staff_send_a_pack_once():
    dispute = delivered_and_disputed()
    pack = evidence.assemble(dispute)
    other = evidence.assemble(dispute)

    sent = evidence.submit(pack.pk, actor=SAM)

    assert (sent.state, sent.submitted_by) == (PackState.SUBMITTED, "sam@example.com")
    assert Dispute.objects.get().state == DisputeState.UNDER_REVIEW
    assert Bank.submitted == [pack.fields]
    for each in (pack, other):
        with pytest.raises(Refused) as refused:
            evidence.submit(each.pk, actor=SAM)
        assert refused.value.code == "answered"
    assert len(Bank.submitted) == 1


def test_the_database_refuses_a_second_answer():
    dispute = delivered_and_disputed()
    evidence.submit(evidence.assemble(dispute).pk, actor=SAM)
    other = evidence.assemble(dispute)

    with pytest.raises(IntegrityError), transaction.atomic():
        EvidencePack.objects.filter(pk=other.pk).update(
            state=PackState.SUBMITTING, submitted_at=clock.now(), submitted_by="sam"
        )


@pytest.mark.parametrize("actor", [SYSTEM, factories.CUSTOMER, actors.provider("stripe")])
def test_nobody_but_staff_sends(actor):
    pack = evidence.assemble(delivered_and_disputed())

    with pytest.raises(Refused) as refused:
        evidence.submit(pack.pk, actor=actor)
    assert refused.value.code == "staff_only"
    assert Bank.submitted == []


def test_a_closed_dispute_is_not_answered():
    dispute = delivered_and_disputed()
    pack = evidence.assemble(dispute)
    Bank.facts[REF] = fact(dispute.payment, DisputeState.LOST)
    disputing.settle_dispute("stripe", REF)

    with pytest.raises(Refused):
        evidence.submit(pack.pk, actor=SAM)


def test_what_was_provably_not_sent_can_be_sent_again():
    pack = evidence.assemble(delivered_and_disputed())
    Bank.outcome = Retryable("connection refused")
    with pytest.raises(Retryable):
        evidence.submit(pack.pk, actor=SAM)
    pack.refresh_from_db()
    assert (pack.state, pack.submitted_at, pack.failure) == (PackState.ASSEMBLED, None, "connection refused")

    Bank.outcome = None
    assert evidence.submit(pack.pk, actor=SAM).state == PackState.SUBMITTED


def test_a_refused_pack_makes_room_for_a_new_one():
    dispute = delivered_and_disputed()
    pack = evidence.assemble(dispute)
    Bank.outcome = Refused("too long", code="parameter_invalid")
    with pytest.raises(Refused):
        evidence.submit(pack.pk, actor=SAM)
    Bank.outcome = None
    with pytest.raises(Refused) as refused:
        evidence.submit(pack.pk, actor=SAM)
    assert refused.value.code == "not_fresh"

    assert evidence.submit(evidence.assemble(dispute).pk, actor=SAM).state == PackState.SUBMITTED


def unknown(dispute: Dispute) -> EvidencePack:
    pack = evidence.assemble(dispute)
    Bank.outcome = OutcomeUnknown("timeout")
    with pytest.raises(OutcomeUnknown):
        evidence.submit(pack.pk, actor=SAM)
    pack.refresh_from_db()
    assert (pack.state, pack.failure) == (PackState.SUBMITTING, "timeout")
    Bank.outcome = None
    return pack


def test_an_unknown_outcome_is_not_sent_again_but_looked_up(monday):
    dispute = delivered_and_disputed()
    pack = unknown(dispute)
    with pytest.raises(Refused) as refused:
        evidence.submit(evidence.assemble(dispute).pk, actor=SAM)
    assert refused.value.code == "answered"

    Bank.facts[REF] = fact(
        dispute.payment, DisputeState.UNDER_REVIEW, has_our_evidence=True, respond_by=None, status="under_review"
    )

    assert evidence.check_submission(pack.pk).state == PackState.SUBMITTED
    assert len(Bank.submitted) == 1


def test_one_that_never_arrived_may_be_sent_again_after_a_while(monday):
    pack = unknown(delivered_and_disputed())
    with pytest.raises(Refused) as refused:
        evidence.check_submission(pack.pk)
    assert refused.value.code == "too_early"

    with clock.frozen(monday + timedelta(minutes=16)):
        assert evidence.check_submission(pack.pk).state == PackState.ASSEMBLED
        assert evidence.submit(pack.pk, actor=SAM).state == PackState.SUBMITTED


def test_an_event_of_the_provider_settles_an_unknown_outcome():
    dispute = delivered_and_disputed()
    pack = unknown(dispute)
    Bank.facts[REF] = fact(dispute.payment, DisputeState.UNDER_REVIEW, has_our_evidence=True)

    disputing.settle_dispute("stripe", REF)

    pack.refresh_from_db()
    assert pack.state == PackState.SUBMITTED


# Through the real Stripe library, from the demo bank


@pytest.mark.parametrize(("verdict", "end"), [("for-shop", DisputeState.WON), ("for-customer", DisputeState.LOST)])
def test_a_dispute_from_the_payment_page_to_the_banks_decision(bank, verdict, end):
    payment = begin_payment(factories.make_purchase(), provider_name="stripe")
    requests.post(f"{payment.url}/pay", allow_redirects=False, timeout=5)
    collecting.settle(payment.pk)
    requests.post(f"{payment.url}/dispute", allow_redirects=False, timeout=5)
    told = requests.get(
        f"{bank}/v1/disputes", auth=("sk_test_tests", ""), timeout=5
    ).json()["data"][0]  # fmt: skip

    dispute = disputing.settle_dispute("stripe", told["id"])
    assert (dispute.payment_id, dispute.state, dispute.funds_withdrawn) == (
        payment.pk, DisputeState.NEEDS_RESPONSE, True,
    )  # fmt: skip
    assert int(dispute.respond_by.timestamp()) == told["evidence_details"]["due_by"]

    pack = evidence.submit(evidence.assemble(dispute).pk, actor=SAM)
    dispute.refresh_from_db()
    assert (pack.state, dispute.state) == (PackState.SUBMITTED, DisputeState.UNDER_REVIEW)

    requests.post(f"{bank}/disputes/{told['id']}/{verdict}", allow_redirects=False, timeout=5)
    assert disputing.settle_dispute("stripe", told["id"]).state == end


def test_a_fraud_warning_comes_through_the_library(bank):
    payment = begin_payment(factories.make_purchase(), provider_name="stripe")
    requests.post(f"{payment.url}/pay", allow_redirects=False, timeout=5)
    payment = collecting.settle(payment.pk)
    requests.post(f"{payment.url}/warning", allow_redirects=False, timeout=5)

    flagged = disputing.settle_warning("stripe", payment.charge_ref)

    assert (flagged.attention, flagged.warnings.get().reason) == ("fraud", "made_with_stolen_card")


def test_every_status_that_stripe_lists_has_a_state():
    from payments.providers import stripe_disputes  # noqa: PLC0415

    schema = contract("stripe-2026-10.json")["components"]["schemas"]["obj_dispute_Dispute"]
    assert set(schema["properties"]["status"]["enum"]) <= stripe_disputes.STATES.keys()


def test_the_official_example_is_read_and_an_unknown_status_is_not():
    from payments.providers import stripe_disputes  # noqa: PLC0415

    example = contract("stripe-fixtures.json")["resources"]["dispute"]
    found = stripe_disputes.fetch_dispute(lambda _ask: example, "dp_1")
    assert (found.state, found.funds_withdrawn, found.fee) == (DisputeState.NEEDS_RESPONSE, False, None)
    with pytest.raises(OutcomeUnknown):
        stripe_disputes.fetch_dispute(lambda _ask: {**example, "status": "odd"}, "dp_1")
