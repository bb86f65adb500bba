"""What a lost webhook leaves behind is found and repaired; what fits nothing waits for a person."""

from __future__ import annotations

from io import StringIO

import pytest
import stripe
from django.core.management import call_command
from django.db import connection

from payments import reconciling
from payments.models import Break, LedgerTransaction, Payment, ReconciliationRun, Refund
from payments.states import BreakKind
from tests.helpers.processes import running_bank
from tests.payments.test_collecting import begun, press
from tests.payments.test_refunding import SAM, ask, paid_at_bank
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
