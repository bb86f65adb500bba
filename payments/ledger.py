"""The books: append-only, double-entry, each fact once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from payments.models import Account, LedgerEntry, LedgerTransaction, Payment
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money


class Unbalanced(ValueError):
    """The lines of a posting do not sum to zero in every currency."""


def post(key: str, kind: str, *, payment: Payment, lines: Sequence[tuple[Account, Money]]) -> LedgerTransaction:
    """Book one fact. Raises ``Unbalanced``; a second posting under the same key is an ``IntegrityError``."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _account, money in lines:
        sums[money.currency] += money.amount
    if not lines or any(sums.values()):
        raise Unbalanced(f"{key}: {dict(sums)}")
    with transaction.atomic():
        posting = LedgerTransaction.objects.create(key=key, kind=kind, payment=payment, at=clock.now())
        LedgerEntry.objects.bulk_create(
            LedgerEntry(transaction=posting, account=account, amount=money.amount, currency=money.currency)
            for account, money in lines
        )
    return posting
