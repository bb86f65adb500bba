"""What a supplier was paid for nothing stands in the books, once, in its own currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from orders import notifying
from orders.models import SupplierAttempt
from orders.states import AttemptOutcome, OrderState
from payments import booking, ledger
from payments.models import Account, LedgerEntry, LedgerTransaction
from services import noticing
from services.models.health import NoticeKind, StaffNotice
from tests import factories
from tests.orders.test_credit import Mailbox

pytestmark = pytest.mark.django_db


def surprise(**changes) -> SupplierAttempt:
    attempt = factories.make_order(OrderState.COMPLETED).supplier_attempts.get()
    factories.set_outcome(attempt, AttemptOutcome.ABANDONED_ABSENT, is_late_surprise=True, **changes)
    return attempt


def losses() -> list[tuple[str, Decimal, str]]:
    return list(LedgerEntry.objects.order_by("pk").values_list("account", "amount", "currency"))


def test_a_late_surprise_is_booked_once_in_the_currency_of_its_cost():
    attempt = surprise(cost=Decimal("4.195"), cost_currency="USD")
    assert [booking.book_supplier_losses() for _ in range(3)] == [1, 0, 0]

    assert losses() == [
        (Account.SUPPLIER_LOSSES, Decimal("4.2"), "USD"),
        (Account.SUPPLIER_CREDIT, Decimal("-4.2"), "USD"),
    ]
    posting = LedgerTransaction.objects.get()
    assert (posting.key, posting.payment, posting.order) == (f"supplier-loss:{attempt.pk}", None, attempt.order)
    assert list(ledger.check()) == []


def test_staff_are_told_of_each_loss_once(settings):
    settings.STAFF_EMAIL = "staff@example.com"
    settings.MAIL_TRANSPORT = "tests.orders.test_credit.Mailbox"
    Mailbox.sent, Mailbox.errors = [], []
    attempts = [surprise(cost=Decimal("4.20"), cost_currency="USD") for _ in range(2)]
    assert [booking.book_supplier_losses() for _ in range(2)] == [2, 0]

    for notice, attempt in zip(StaffNotice.objects.order_by("pk"), attempts, strict=True):
        assert (notice.kind, notice.supplier_id) == (NoticeKind.SUPPLIER_LOSS, attempt.supplier_id)
        assert attempt.reference in notice.text
        assert "4.20 USD" in notice.text
        assert notice.ended_at is not None
        notifying.deliver(notice.pk)
        notice.refresh_from_db()
        assert notice.sent_at is not None
        assert notice.text in Mailbox.sent[-1].text
    assert len(Mailbox.sent) == 2
    assert list(noticing.open_notices()) == []


def test_nothing_else_is_a_loss():
    factories.make_order(OrderState.COMPLETED)
    surprise(cost=Decimal(0))
    assert booking.book_supplier_losses() == 0


def test_a_cost_that_is_no_money_is_said_and_holds_up_nobody(caplog):
    surprise(cost_currency="CRD")
    surprise()
    assert booking.book_supplier_losses() == 1
    assert "cannot be booked" in caplog.text


def test_the_nightly_check_sees_a_loss_that_never_was():
    attempt = surprise()
    booking.book_supplier_losses()
    SupplierAttempt.objects.filter(pk=attempt.pk).update(is_late_surprise=False)
    assert [finding.rule for finding in ledger.check()] == ["supplier losses"]


@pytest.mark.parametrize("table", ["payments_ledgertransaction", "payments_ledgerentry"])
def test_the_books_are_append_only_still(table):
    """The migration that lets a posting stand without a payment rebuilds the tables on SQLite."""
    surprise()
    booking.book_supplier_losses()
    for statement in (f"UPDATE {table} SET id = id + 1", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
