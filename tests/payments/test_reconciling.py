"""What a lost webhook leaves behind is found and repaired; what fits nothing waits for a person."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
import requests
import stripe
from django.core.management import call_command
from django.db import connection

from payments import collecting, disputing, ledger, reconciling, refunding
from payments.collecting import begin_payment
from payments.models import Break, Dispute, FraudWarning, LedgerTransaction, Payment, ReconciliationRun, Refund
from payments.providers import paypal_disputes, stripe_disputes
from payments.providers.base import RefundFact
from payments.providers.registry import provider_named
from payments.providers.stripe import StripeProvider
from payments.states import BreakKind
from tests import factories
from tests.helpers.processes import running_bank
from tests.payments.test_collecting import begun, press
from tests.payments.test_refunding import SAM, ask, paid_at_bank
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(tmp_path, settings):
    """A bank of its own: a pass looks at everything it has."""
    with running_bank(tmp_path) as url:
        settings.STRIPE_API_BASE = settings.PAYPAL_API_BASE = settings.SENDGRID_HOST = url
        yield url


def kinds() -> set[str]:
    return set(Break.objects.filter(closed_at=None).values_list("kind", flat=True))


def test_payments_whose_webhook_never_came_are_repaired_once(bank):
    payments = [begun() for _ in range(5)]
    for payment in payments:
        press(payment, "pay")

    first, second = reconciling.reconcile("stripe"), reconciling.reconcile("stripe")

    assert (first.payments_seen, first.repaired, second.repaired) == (5, 5, 0)
    assert set(Payment.objects.values_list("state", flat=True)) == {"captured"}
    assert LedgerTransaction.objects.filter(kind="capture").count() == 5
    assert not kinds()


def test_captured_money_that_fits_nothing_is_a_break_until_explained(bank):
    payment = paid_at_bank()
    _forget(payment)

    reconciling.reconcile("stripe")
    reconciling.reconcile("stripe")
    row = Break.objects.get()
    assert (row.kind, row.owner) == (BreakKind.UNKNOWN_CAPTURE, "staff")

    reconciling.explain(row.pk, explanation="test sale by the owner", actor=SAM)
    reconciling.reconcile("stripe")
    assert not kinds()
    with pytest.raises(Refused):
        reconciling.explain(row.pk, explanation="again", actor=SAM)


def _forget(payment: Payment) -> None:
    """The shop has lost the payment's reference."""
    Payment.objects.filter(pk=payment.pk).update(provider_ref="cs_lost", state="expired", captured_at=None)


def test_a_capture_that_the_provider_denies_is_a_break(bank):
    payment = paid_at_bank()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE payments_payment SET provider_ref = 'cs_gone' WHERE id = %s", [payment.pk])

    reconciling.reconcile("stripe")

    assert BreakKind.MISSING_CAPTURE in kinds()


def test_a_refund_made_elsewhere_is_booked(bank):
    payment = paid_at_bank()
    client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
    client.v1.refunds.create({"payment_intent": payment.charge_ref, "amount": 300})

    run = reconciling.reconcile("stripe")

    assert (run.refunds_seen, run.repaired) == (1, 1)
    assert Refund.objects.get().is_external
    assert reconciling.reconcile("stripe").repaired == 0


def test_a_booked_refund_that_the_provider_lacks_is_a_break(bank):
    payment = paid_at_bank()
    refund = ask(payment, "5.00")
    Refund.objects.filter(pk=refund.pk).update(state="succeeded", succeeded_at=refund.created_at, provider_ref="re_0")

    reconciling.reconcile("stripe")

    assert kinds() == {BreakKind.MISSING_REFUND}


def test_a_dead_provider_is_said(settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    run = reconciling.reconcile("stripe")

    assert run.error
    assert run.finished_at
    assert ReconciliationRun.objects.count() == 1


@pytest.mark.parametrize("lost", [1, reconciling.MOST_IN_A_ROW])
def test_what_the_provider_does_not_answer_costs_nothing_else(bank, lost):
    captured = [_paid_by_paypal() for _ in range(lost + 1)]
    charges = [payment.charge_ref for payment in captured]
    _post(f"{bank}/paypal/captures/{charges[-1]}/dispute")
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE payments_payment SET charge_ref = %s WHERE charge_ref = %s",
            [(f"LOST{c}", c) for c in charges[:-1]],
        )

    run = reconciling.reconcile("paypal")

    assert run.error.startswith(f"{lost} could not be looked at")
    # One that fails is passed over; so many in a row end the pass until the next one.
    assert Dispute.objects.exists() is (lost < reconciling.MOST_IN_A_ROW)


def test_the_commands_print_and_exit_by_what_they_find(bank):
    payment = paid_at_bank()
    out = StringIO()
    call_command("ledger_check", stdout=out)
    call_command("reconcile", stdout=out)
    assert "the books are in order" in out.getvalue()
    assert "1 payments" in out.getvalue()

    _forget(payment)
    for command in ("ledger_check", "reconcile"):
        with pytest.raises(SystemExit) as ended:
            call_command(command, stdout=StringIO())
        assert ended.value.code == 1


def test_a_dispute_whose_webhooks_never_came_is_booked(bank):
    payment = paid_at_bank()
    _post(f"{payment.url}/dispute")

    first, second = reconciling.reconcile("stripe"), reconciling.reconcile("stripe")

    dispute = Dispute.objects.get()
    assert (dispute.state, first.repaired, second.repaired) == ("needs_response", 1, 0)
    _post(f"{bank}/disputes/{dispute.provider_ref}/for-customer")
    # Opened long ago: it is no longer in the list, but still open here.
    assert reconciling.reconcile("stripe", look_back=timedelta(hours=-1)).repaired == 1
    assert Dispute.objects.get().state == "lost"
    assert list(ledger.check()) == []


def test_paypals_disputes_are_found_on_every_page_of_the_list(bank, monkeypatch):
    monkeypatch.setattr(paypal_disputes, "LIST_PAGE", 2)
    since = clock.now() - timedelta(minutes=1)
    charges = [_paid_by_paypal() for _ in range(5)]
    for payment in charges:
        _post(f"{bank}/paypal/captures/{payment.charge_ref}/dispute")

    assert len(set(provider_named("paypal").disputes_since(since))) == 5
    assert reconciling.reconcile("paypal").repaired == 5
    assert set(Dispute.objects.values_list("payment", flat=True)) == {payment.pk for payment in charges}


def test_a_dispute_about_money_that_is_not_ours_breaks_nothing(bank):
    payment = paid_at_bank()
    _post(f"{payment.url}/dispute")
    _forget(payment)

    run = reconciling.reconcile("stripe")

    assert not run.error
    assert not Dispute.objects.exists()


def test_a_warning_whose_webhook_never_came_stops_the_order_once(bank):
    payment = paid_at_bank()
    _post(f"{payment.url}/warning")

    first, second = reconciling.reconcile("stripe"), reconciling.reconcile("stripe")

    payment.refresh_from_db()
    assert (payment.attention, first.repaired, second.repaired) == ("fraud", 1, 0)
    assert payment.purchase.frozen_for == "fraud_warning"
    disputing.clear_warning(payment.pk, reason="We know this customer.", actor=SAM)
    assert not reconciling.reconcile("stripe").repaired
    payment.refresh_from_db()
    assert payment.attention == ""


def test_warnings_are_found_on_every_page_and_none_of_money_that_is_not_ours(bank, monkeypatch):
    payments = [paid_at_bank() for _ in range(3)]
    for payment in payments:
        _post(f"{payment.url}/warning")
    _forget(payments[0])
    monkeypatch.setattr(stripe_disputes, "LIST_PAGE", 2)

    run = reconciling.reconcile("stripe")

    assert (run.error, run.repaired) == ("", 2)
    assert set(FraudWarning.objects.values_list("payment", flat=True)) == {payments[1].pk, payments[2].pk}


class Slow(StripeProvider):
    """A provider during whose answer the shop goes on."""

    def refunds_of(self, charge_ref: str) -> list[RefundFact]:
        facts = super().refunds_of(charge_ref)
        for refund in Refund.objects.filter(state="requested"):
            refunding.execute(refund.pk)
        return facts


def test_a_refund_that_is_booked_while_the_provider_answers_is_no_difference(bank, settings):
    payment = paid_at_bank()
    ask(payment, "5.00")
    settings.PAYMENT_PROVIDERS = {"stripe": f"{__name__}.Slow"}

    reconciling.reconcile("stripe")

    assert Refund.objects.get().state == "succeeded"
    assert not kinds()


def _post(address: str) -> None:
    requests.post(address, allow_redirects=False, timeout=5)


def _paid_by_paypal() -> Payment:
    payment = begin_payment(factories.make_purchase(), provider_name="paypal")
    _post(f"{payment.url.partition('?')[0]}/{payment.provider_ref}/approve")
    return collecting.settle(payment.pk)
