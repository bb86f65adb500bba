"""The books: append-only, double-entry, each fact once.

Money comes in to a provider's clearing account against ``customer_prepayments``; delivering an order turns its share
into ``sales``; what is given back leaves from wherever the money stood. docs/ledger.md has the chart of accounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from django.db import transaction
from django.db.models import Count

from orders.models import Order, SupplierAttempt
from payments.models import Account, Dispute, LedgerEntry, LedgerTransaction, Payment, Refund
from payments.states import PaymentState, RefundState
from unlockshop.kernel import clock
from unlockshop.kernel.exact_sum import ExactSum
from unlockshop.kernel.money import Money, step_of


class Unbalanced(ValueError):
    """The lines of a posting do not sum to zero in every currency."""


def post(
    key: str, kind: str, *, payment: Payment | None, lines: Sequence[tuple[Account, Money]], order: Order | None = None
) -> LedgerTransaction:
    """Book one fact. Raises ``Unbalanced``; a second posting under the same key is an ``IntegrityError``.

    After an ``IntegrityError`` the caller's transaction cannot go on.
    """
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _account, money in lines:
        sums[money.currency] += money.amount
    if not lines or any(sums.values()):
        raise Unbalanced(f"{key}: {dict(sums)}")
    with transaction.atomic(savepoint=False):
        posting = LedgerTransaction.objects.create(key=key, kind=kind, payment=payment, order=order, at=clock.now())
        LedgerEntry.objects.bulk_create(
            LedgerEntry(transaction=posting, account=account, amount=money.amount, currency=money.currency)
            for account, money in lines
        )
    return posting


def supplier_loss_key(attempt: SupplierAttempt) -> str:
    """The business key under which an attempt that bought for nothing is booked."""
    return f"supplier-loss:{attempt.pk}"


def supplier_loss(attempt: SupplierAttempt) -> Money:
    """Its cost, in whole minor units and never less. Raises ``MoneyError`` for what is no currency of the books."""
    cost = attempt.cost.quantize(step_of(attempt.cost_currency), rounding=ROUND_UP)
    return Money(cost, attempt.cost_currency)


def is_booked(key: str) -> bool:
    """Whether the fact with this key is in the books."""
    return LedgerTransaction.objects.filter(key=key).exists()


def reverse(original: str, key: str, kind: str) -> LedgerTransaction:
    """Book the opposite of an earlier posting."""
    posting = LedgerTransaction.objects.select_related("payment", "order").get(key=original)
    lines = [
        (Account(entry.account), -Money(entry.amount, entry.currency)) for entry in posting.entries.order_by("pk")
    ]
    return post(key, kind, payment=posting.payment, lines=lines, order=posting.order)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the books that should not be."""

    rule: str
    detail: str


def balances() -> list[tuple[str, str, Decimal]]:
    """Account, currency and balance, for every account that has entries."""
    rows = LedgerEntry.objects.values("account", "currency").annotate(total=ExactSum("amount"))
    return [(row["account"], row["currency"], row["total"]) for row in rows.order_by("account", "currency")]


def check() -> Iterator[Finding]:
    """Prove the books; yields what is wrong. Reads everything: for the nightly run and the command."""
    yield from _unbalanced()
    yield from _captures()
    yield from _refunds()
    yield from _disputes()
    yield from _supplier_losses()


def _unbalanced() -> Iterator[Finding]:
    sums = LedgerEntry.objects.values("transaction__key", "currency").annotate(total=ExactSum("amount"))
    for row in sums.exclude(total=0):
        yield Finding("balanced", f"{row['transaction__key']} is off by {row['total']} {row['currency']}")
    for posting in LedgerTransaction.objects.annotate(lines=Count("entries")).filter(lines__lt=2):
        yield Finding("two lines", f"{posting.key} has {posting.lines}")


def _captures() -> Iterator[Finding]:
    """Every captured payment is booked with its amount, and nothing else is booked as captured."""
    booked = {
        row["key"]: row["total"]
        for row in LedgerTransaction.objects.filter(kind="capture", entries__amount__gt=0)
        .values("key")
        .annotate(total=ExactSum("entries__amount"))
    }
    for payment in Payment.objects.filter(state=PaymentState.CAPTURED).iterator():
        total = booked.pop(f"capture:{payment.pk}", None)
        if total != payment.amount:
            yield Finding("captures", f"{payment}: captured {payment.money}, booked {total}")
    for key in booked:
        yield Finding("captures", f"{key} is booked, but nothing was captured")


def _refunds() -> Iterator[Finding]:
    """Every succeeded refund is booked; together they never exceed the payment."""
    keys = set(LedgerTransaction.objects.filter(kind="refund").values_list("key", flat=True))
    for refund in Refund.objects.filter(state=RefundState.SUCCEEDED).iterator():
        if f"refund:{refund.pk}" not in keys:
            yield Finding("refunds", f"{refund.pk} succeeded, but is not booked")
    given = Refund.objects.filter(state=RefundState.SUCCEEDED).values("payment", "payment__amount")
    for row in given.annotate(total=ExactSum("amount")):
        if row["total"] > row["payment__amount"]:
            yield Finding(
                "refunds", f"payment {row['payment']}: {row['total']} given back of {row['payment__amount']}"
            )


def _disputes() -> Iterator[Finding]:
    """What a bank took back, and only that, stands on the accounts of disputes."""
    withheld = LedgerEntry.objects.filter(account__in=[Account.DISPUTED, Account.DISPUTE_LOSSES])
    for dispute in Dispute.objects.iterator():
        lines = withheld.filter(transaction__key__startswith=f"dispute:{dispute.pk}:", currency=dispute.currency)
        booked = lines.aggregate(total=ExactSum("amount"))["total"] or Decimal(0)
        expected = dispute.amount if dispute.funds_withdrawn else Decimal(0)
        if booked != expected:
            yield Finding("disputes", f"{dispute}: {expected} {dispute.currency} taken back, booked {booked}")


def _supplier_losses() -> Iterator[Finding]:
    """Nothing is booked as lost to a supplier but what was bought there for nothing, at its cost."""
    losses = LedgerEntry.objects.filter(account=Account.SUPPLIER_LOSSES, transaction__kind="supplier_loss")
    booked = {
        key: (amount, currency)
        for key, amount, currency in losses.values_list("transaction__key", "amount", "currency")
    }
    for attempt in SupplierAttempt.objects.filter(is_late_surprise=True).iterator():
        found = booked.pop(supplier_loss_key(attempt), None)
        if found is not None and Money(*found) != supplier_loss(attempt):
            yield Finding("supplier losses", f"{attempt}: lost {supplier_loss(attempt)}, booked {found}")
    for key in booked:
        yield Finding("supplier losses", f"{key} is booked, but nothing was lost")
