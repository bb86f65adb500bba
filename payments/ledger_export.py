"""The books as a table: one row per line of a posting, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from django.db.models import QuerySet

from payments.models import LedgerEntry
from unlockshop.kernel.csv_lines import Value, csv_lines
from unlockshop.kernel.money import Money

HEADER: Final = (
    "booked_at", "posting", "kind", "account", "amount", "currency",
    "provider", "provider_ref", "charge_ref", "purchase", "order",
)  # fmt: skip
CHUNK: Final = 1000


def lines_of(entries: QuerySet[LedgerEntry]) -> Iterator[bytes]:
    """CSV of the entries: times in UTC, amounts in units of their currency, debits positive, credits negative."""
    found = entries.order_by("transaction__at", "transaction_id", "pk").select_related(
        "transaction__payment__purchase", "transaction__order"
    )
    only = found.only(
        "account", "amount", "currency", "transaction__at", "transaction__key", "transaction__kind",
        "transaction__payment__provider", "transaction__payment__provider_ref", "transaction__payment__charge_ref",
        "transaction__payment__purchase__number", "transaction__order__number",
    )  # fmt: skip
    return csv_lines(HEADER, (_row(entry) for entry in only.iterator(chunk_size=CHUNK)))


def _row(entry: LedgerEntry) -> tuple[Value, ...]:
    posting = entry.transaction
    payment = posting.payment
    return (
        posting.at.astimezone(UTC).isoformat(timespec="seconds"),
        posting.key,
        posting.kind,
        entry.account,
        Money(entry.amount, entry.currency).amount,
        entry.currency,
        payment.provider if payment else "",
        payment.provider_ref if payment else "",
        payment.charge_ref if payment else "",
        payment.purchase.number if payment else "",
        posting.order.number if posting.order else "",
    )
