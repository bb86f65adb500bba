"""The books can be read and taken away as a table, by whom it is granted; nobody can change a line of them."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments import ledger
from payments.models import Account, LedgerEntry, LedgerTransaction, Payment
from tests import factories
from tests.admin.conftest import make_shop
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db
EXPORT = "/admin/payments/ledgertransaction/export/"
HEADER = [
    "booked_at", "posting", "kind", "account", "amount", "currency",
    "provider", "provider_ref", "charge_ref", "purchase", "order",
]  # fmt: skip


def export(client: Client, **query: str) -> list[dict[str, str]]:
    response = client.post(EXPORT, query_params=query)
    assert response.status_code == 200, response.status_code
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]
    return list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8"), newline="")))


def post(key: str, at: str, amount: str, currency: str, *, payment: Payment, to: Account = Account.SALES) -> None:
    money = Money(Decimal(amount), currency)
    with clock.frozen(datetime.fromisoformat(at).replace(tzinfo=UTC)):
        ledger.post(key, "test", payment=payment, lines=[(Account.STRIPE_CLEARING, money), (to, -money)])


@pytest.fixture
def books(db: None) -> Payment:
    """Three postings besides the capture of ``make_shop``: two days, three currencies."""
    payment = make_shop().payment
    post("a", "2026-01-31T23:59:59.5", "1234567.89", "EUR", payment=payment)
    post("b", "2026-02-01T00:00:00", "5000", "JPY", payment=payment, to=Account.REFUNDS)
    post("c", "2026-02-01T10:00:00", "0.125", "KWD", payment=payment)
    return payment


def test_every_line_is_there_exact_and_in_order(admin: Client, books: Payment) -> None:
    rows = export(admin)

    assert list(rows[0]) == HEADER
    told = [(row["posting"], row["account"], row["amount"], row["currency"]) for row in rows]
    assert told == [
        ("a", "stripe_clearing", "1234567.89", "EUR"), ("a", "sales", "-1234567.89", "EUR"),
        ("b", "stripe_clearing", "5000", "JPY"), ("b", "refunds", "-5000", "JPY"),
        ("c", "stripe_clearing", "0.125", "KWD"), ("c", "sales", "-0.125", "KWD"),
        (f"capture:{books.pk}", "stripe_clearing", "18.90", "EUR"),
        (f"capture:{books.pk}", "customer_prepayments", "-18.90", "EUR"),
    ]  # fmt: skip
    assert rows[0]["booked_at"] == "2026-01-31T23:59:59+00:00"
    assert (rows[0]["charge_ref"], rows[0]["purchase"]) == (books.charge_ref, books.purchase.number)
    for currency in ("EUR", "JPY", "KWD"):
        assert sum(Decimal(row["amount"]) for row in rows if row["currency"] == currency) == 0


@pytest.mark.parametrize(
    ("query", "postings"),
    [
        ({"from": "2026-02-01", "until": "2026-02-01"}, ["b", "b", "c", "c"]),
        ({"until": "2026-01-31"}, ["a", "a"]),
        ({"currency": "JPY"}, ["b", "b"]),
        ({"account": "refunds"}, ["b"]),
        ({"account": "sales", "currency": "KWD"}, ["c"]),
        ({"kind": "test", "from": "2026-02-01"}, ["b", "b", "c", "c"]),
        ({"q": "capture:"}, []),
        ({"from": "2027-01-01", "until": "2026-01-01"}, []),
    ],
)
def test_the_table_is_what_the_list_shows(
    admin: Client, books: Payment, query: dict[str, str], postings: list[str]
) -> None:
    listed = {row.key for row in admin.get(list_url(LedgerTransaction), query).context["cl"].result_list}
    rows = [row["posting"] for row in export(admin, **query) if not row["posting"].startswith("capture:")]

    assert rows == postings
    assert {key for key in listed if not key.startswith("capture:")} == set(postings)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"}, {"until": "2026-02-30"}, {"until": "9999-12-31"}, {"from": "0001-01-01"},
        {"currency": "XXX"}, {"account": "nothing"}, {"currency": "EUR' OR 1=1"},
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_exports_nothing(admin: Client, books: Payment, query: dict[str, str]) -> None:
    for answer in (admin.post(EXPORT, query_params=query), admin.get(list_url(LedgerTransaction), query)):
        assert (answer.status_code, answer["Location"].endswith("?e=1")) == (302, True)
    assert admin.post(EXPORT, query_params={"payment__key": "a"}).status_code == 400
    assert not LogEntry.objects.exists()


HOSTILE = [
    "=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", '=HYPERLINK("http://x","y")',
    'a",=1', "a\r\n=1,2", "'=1", "ünï\u202e©", "",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_formula(admin: Client, books: Payment, text: str) -> None:
    Payment.objects.update(provider_ref=text, charge_ref=text)

    response = admin.post(EXPORT)
    raw = b"".join(response.streaming_content).decode("utf-8")
    rows = list(csv.reader(StringIO(raw, newline="")))

    assert {len(row) for row in rows} == {len(HEADER)}
    for row in rows[1:]:
        for name, cell in zip(HEADER, row, strict=True):
            if name == "amount":
                Decimal(cell)
            else:
                assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
        assert row[7] in {text, f"'{text}"}


def test_it_is_noted_who_exported_what(admin: Client, books: Payment) -> None:
    export(admin, currency="EUR", account="sales")

    noted = LogEntry.objects.get()
    assert (noted.user.email, noted.content_type.model) == ("sam@example.com", "ledgertransaction")
    assert noted.change_message == "Exported 1 lines: currency=EUR&account=sales"


def test_it_needs_its_own_right_and_a_pressed_button(sign_in: Any, support: Client, books: Payment) -> None:
    assert "Export as CSV" not in support.get(list_url(LedgerTransaction)).content.decode()
    assert support.post(EXPORT).status_code == 403

    only_export = factories.make_staff("only@example.com", superuser=False)
    only_export.user_permissions.add(Permission.objects.get(codename="export_ledgertransaction"))
    assert sign_in(only_export).post(EXPORT).status_code == 403, "who may not see it may not take it away"

    only_export.user_permissions.add(Permission.objects.get(codename="view_ledgertransaction"))
    client = sign_in(only_export)
    assert "Export as CSV" in client.get(list_url(LedgerTransaction)).content.decode()
    assert client.get(EXPORT).status_code == 405
    assert len(export(client)) == 8

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(only_export)
    assert strict.post(EXPORT).status_code == 403
    stranger = Client().post(EXPORT)
    assert (stranger.status_code, "/login/" in stranger["Location"]) == (302, True)
    assert LogEntry.objects.count() == 1


def test_many_lines_cost_no_query_each(admin: Client, books: Payment) -> None:
    counts = []
    for batch in range(2):
        for n in range(5 + 40 * batch):
            post(f"many:{batch}:{n}", "2026-03-01T00:00:00", "1.00", "EUR", payment=books)
        with CaptureQueriesContext(connection) as asked:
            export(admin)
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", [LedgerTransaction, LedgerEntry])
def test_nobody_changes_the_books(admin: Client, books: Payment, model: Any) -> None:
    """M11: not by the staff pages, not by the ORM, not by SQL."""
    row = model.objects.first()
    before = list(model.objects.order_by("pk").values())
    if model is LedgerTransaction:
        delete = reverse("admin:payments_ledgertransaction_delete", args=[row.pk])
        for answer in (
            admin.get(list_url(model) + "add/"),
            admin.post(list_url(model) + "add/", {"key": "x", "kind": "x"}),
            admin.post(change_url(row), {"key": "x"}),
            admin.post(delete, {"post": "yes"}),
        ):
            assert answer.status_code == 403
        admin.post(list_url(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    table = model._meta.db_table
    attempts: dict[str, Any] = {
        "update": lambda: model.objects.filter(pk=row.pk).update(id=row.pk),
        "delete": lambda: model.objects.filter(pk=row.pk).delete(),
        "save": lambda: row.save(force_update=True),
        "UPDATE": lambda: connection.cursor().execute(f"UPDATE {table} SET id = id"),
        "DELETE": lambda: connection.cursor().execute(f"DELETE FROM {table}"),
    }
    for attempt in attempts.values():
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    assert list(model.objects.order_by("pk").values()) == before
