"""Staff see disputes by urgency, read what would be sent, and send it once, knowingly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from orders.states import OrderState
from payments import disputing, evidence
from payments.models import Dispute, Payment
from payments.providers.base import WarningFact
from payments.states import DisputeState, PackState
from tests import factories
from tests.admin.test_actions import REASON, buttons, press, said, url_of, version
from tests.helpers.disputes import PROVIDERS, REF, Bank, captured, disputed, fact
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bank(settings):
    settings.PAYMENT_PROVIDERS = PROVIDERS
    Bank.reset()


@pytest.fixture
def dispute(db) -> Dispute:
    _order, found = disputed(OrderState.COMPLETED)
    return found


def number_of(dispute: Dispute) -> str:
    return dispute.payment.purchase.number


def pdf_url(pack) -> str:
    return reverse("admin:payments_dispute_evidence", args=[pack.pk])


def test_the_list_shows_amount_state_and_how_long_we_have(admin, monday, dispute):
    page = admin.get(list_url(Dispute)).content.decode()
    assert "18.90 EUR" in page
    assert "in 7 d" in page
    assert "Needs our answer" in page


@pytest.mark.parametrize(("query", "found"), [("answer=due", 2), ("answer=urgent", 1), ("", 3)])
def test_the_list_is_filtered_by_what_waits_for_us(admin, monday, query, found):
    for n, (hours, state) in enumerate(
        [(100, DisputeState.NEEDS_RESPONSE), (5, DisputeState.NEEDS_RESPONSE), (5, DisputeState.LOST)]
    ):
        ref = f"dp_x{n}"
        due = monday + timedelta(hours=hours)
        Bank.facts[ref] = fact(captured(factories.make_order()), state, provider_ref=ref, respond_by=due)
        disputing.settle_dispute("stripe", ref)

    page = admin.get(list_url(Dispute, query)).content.decode()

    assert sum(f"dp_x{n}" in page for n in range(3)) == found


def test_the_list_asks_the_database_as_often_for_three_as_for_one(admin, django_assert_max_num_queries):
    for n in range(3):
        ref = f"dp_x{n}"
        Bank.facts[ref] = fact(captured(factories.make_order()), provider_ref=ref)
        disputing.settle_dispute("stripe", ref)
    with django_assert_max_num_queries(20):
        admin.get(list_url(Dispute))


def test_the_landing_page_counts_what_waits_and_alarms_when_it_is_late(admin, monday, dispute):
    page = admin.get(reverse("admin:index")).content.decode()
    assert "Disputes to answer" in page
    assert list_url(Dispute, "answer=due") in page.replace("&amp;", "&")
    queue = next(q for g in admin.get(reverse("admin:index")).context["queue_groups"] for q in g.queues
                 if q.title == "Disputes to answer")  # fmt: skip
    assert (queue.count, queue.is_late) == (1, False)

    with clock.frozen(monday + timedelta(days=6)):
        groups = admin.get(reverse("admin:index")).context["queue_groups"]
    assert next(q for g in groups for q in g.queues if q.title == "Disputes to answer").is_late


def test_buttons_follow_what_is_possible(admin, dispute):
    assert buttons(admin, dispute) == {"assemble", "release", "refresh"}
    press(admin, dispute, "assemble", **REASON)
    assert buttons(admin, dispute) == {"assemble", "submit", "release", "refresh"}
    press(admin, dispute, "submit", confirmation=number_of(dispute))
    assert buttons(admin, dispute) == {"release", "refresh"}


def test_the_page_shows_exactly_what_would_be_sent_and_never_the_code(admin, dispute):
    press(admin, dispute, "assemble", **REASON)
    page = admin.get(change_url(dispute)).content.decode()

    pack = dispute.packs.get()
    assert "== access_activity_log" in page
    assert pack.fields["customer_purchase_ip"] in page
    assert "12345678" not in page
    assert pdf_url(pack) in page


def test_submitting_needs_the_purchases_number(admin, dispute):
    press(admin, dispute, "assemble", **REASON)
    for wrong in ("", "yes", number_of(dispute)[:-1]):
        assert press(admin, dispute, "submit", confirmation=wrong).status_code == 422
    assert Bank.submitted == []

    answer = press(admin, dispute, "submit", confirmation=f" {number_of(dispute).lower()} ")

    assert "submitted" in said(answer)
    pack = dispute.packs.get()
    assert (pack.state, pack.submitted_by) == (PackState.SUBMITTED, "sam@example.com")
    assert Bank.submitted == [pack.fields]
    assert LogEntry.objects.filter(change_message__contains="submit").exists()


def test_a_second_press_on_an_old_page_sends_nothing(admin, dispute):
    press(admin, dispute, "assemble", **REASON)
    page = admin.get(url_of(dispute, "submit"))
    sent = {"version": version(page), "confirmation": number_of(dispute)}

    for _twice in range(2):
        answer = admin.post(url_of(dispute, "submit"), sent)

    assert "changed meanwhile" in said(answer)
    assert len(Bank.submitted) == 1


def test_a_pack_assembled_after_the_page_was_opened_is_not_sent_unread(admin, dispute):
    press(admin, dispute, "assemble", **REASON)
    page = admin.get(url_of(dispute, "submit"))
    evidence.assemble(dispute)

    answer = admin.post(url_of(dispute, "submit"), {"version": version(page), "confirmation": number_of(dispute)})

    assert "changed meanwhile" in said(answer)
    assert Bank.submitted == []


def test_an_unknown_outcome_is_looked_up_by_button(admin, dispute):
    press(admin, dispute, "assemble", **REASON)
    Bank.outcome = OutcomeUnknown("timeout")
    answer = press(admin, dispute, "submit", confirmation=number_of(dispute))
    assert "Not done: timeout" in said(answer)
    assert buttons(admin, dispute) == {"check", "release", "refresh"}

    Bank.facts[REF] = fact(dispute.payment, DisputeState.UNDER_REVIEW, has_our_evidence=True)
    answer = press(admin, dispute, "check", **REASON)

    assert "arrived" in said(answer)
    assert dispute.packs.get().state == PackState.SUBMITTED


def test_asking_the_provider_books_what_is_new(admin, dispute):
    Bank.facts[REF] = fact(dispute.payment, DisputeState.WON, funds_withdrawn=False)
    assert "Won" in said(press(admin, dispute, "refresh", **REASON))
    dispute.refresh_from_db()
    assert dispute.state == DisputeState.WON


def test_letting_orders_go_on(admin):
    order, dispute = disputed(OrderState.PAID)
    assert "1 order goes on" in said(press(admin, dispute, "release", **REASON))
    order.refresh_from_db()
    assert order.state == OrderState.PAID
    assert "release" not in buttons(admin, dispute)


def test_the_pdf_is_a_file_that_nobody_keeps(admin, dispute):
    pack = evidence.assemble(dispute)

    answer = admin.get(pdf_url(pack))

    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="evidence-{pack.pk}.pdf"'
    assert "no-store" in answer["Cache-Control"]
    assert LogEntry.objects.get().change_message.startswith("PDF of evidence pack")
    assert admin.get(pdf_url(pack).replace(str(pack.pk), "999")).status_code == 404


def test_who_may_not_see_packs_gets_neither_section_nor_file(dispute, sign_in):
    pack = evidence.assemble(dispute)
    user = factories.make_staff("ben@example.com", superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename="view_dispute"))
    client = sign_in(user)

    page = client.get(change_url(dispute))

    assert page.status_code == 200
    assert "access_activity_log" not in page.content.decode()
    assert buttons(client, dispute) == set()
    assert client.get(pdf_url(pack)).status_code == 403
    assert client.get(url_of(dispute, "submit")).status_code == 403


def test_support_may_look_but_not_act(support, dispute):
    pack = evidence.assemble(dispute)
    assert support.get(pdf_url(pack)).status_code == 200
    assert buttons(support, dispute) == set()
    assert support.post(url_of(dispute, "submit"), {"confirmation": number_of(dispute)}).status_code == 403
    assert Bank.submitted == []


def test_nobody_signed_in_sees_nothing(client, dispute):
    pack = evidence.assemble(dispute)
    for address in (list_url(Dispute), change_url(dispute), pdf_url(pack)):
        assert client.get(address).status_code == 302


def test_a_fraud_warning_is_cleared_on_the_payments_page(admin):
    order = factories.make_order()
    payment = captured(order)
    Bank.warnings = [WarningFact("issfr_1", "misc")]
    disputing.settle_warning("stripe", payment.charge_ref)
    payment.refresh_from_db()
    assert "clear-warning" in buttons(admin, payment)

    press(admin, payment, "clear-warning", **REASON)

    order.refresh_from_db()
    assert (Payment.objects.get().attention, order.state) == ("", OrderState.PAID)
    assert "clear-warning" not in buttons(admin, payment)


def test_a_hostile_bank_text_stays_text(admin):
    payment = captured(factories.make_order())
    Bank.facts[REF] = fact(payment, reason="<script>alert(1)</script>")
    dispute = disputing.settle_dispute("stripe", REF)
    for address in (list_url(Dispute), change_url(dispute)):
        assert "<script>alert(1)" not in admin.get(address).content.decode()
