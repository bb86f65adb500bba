"""What disputes do to the books.

Money that the bank takes back while it decides is on ``DISPUTED``, and on ``DISPUTE_LOSSES`` once the dispute is
lost. Every booking moves the books from what they say of a dispute to what the provider says now, so a repeated or
skipped step books nothing twice and leaves nothing out.
"""

from __future__ import annotations

from decimal import Decimal

from payments import ledger
from payments.models import CLEARING, Account, Dispute, LedgerEntry, LedgerTransaction
from payments.states import DisputeState
from unlockshop.kernel.exact_sum import ExactSum
from unlockshop.kernel.money import Money


def book(dispute: Dispute, *, fee: Money | None) -> None:
    """Bring the books to where the dispute is. The caller holds the dispute's lock and an open transaction."""
    clearing = CLEARING[dispute.payment.provider]
    out = dispute.amount if dispute.funds_withdrawn else Decimal(0)
    lost = out if dispute.state == DisputeState.LOST else Decimal(0)
    currency = dispute.currency
    at_bank, losses = (_booked(dispute, account, currency) for account in (Account.DISPUTED, Account.DISPUTE_LOSSES))
    _move(dispute, ("withdrawn", "reinstated"), Account.DISPUTED, clearing, Money(out - at_bank - losses, currency))
    _move(dispute, ("lost", "loss-undone"), Account.DISPUTE_LOSSES, Account.DISPUTED, Money(lost - losses, currency))
    if fee is not None:
        known = Money(_booked(dispute, Account.PROVIDER_FEES, fee.currency), fee.currency)
        _move(dispute, ("fee", "fee-returned"), Account.PROVIDER_FEES, clearing, fee - known)


def _booked(dispute: Dispute, account: Account, currency: str) -> Decimal:
    lines = LedgerEntry.objects.filter(
        transaction__key__startswith=_key(dispute), account=account, currency=currency
    ).aggregate(total=ExactSum("amount"))
    total: Decimal | None = lines["total"]
    return total or Decimal(0)


def _move(dispute: Dispute, kinds: tuple[str, str], debit: Account, credit: Account, money: Money) -> None:
    """Book ``money`` from ``credit`` to ``debit`` as the first kind, a negative amount as the second."""
    if money.amount == 0:
        return
    kind = kinds[0] if money.amount > 0 else kinds[1]
    earlier = LedgerTransaction.objects.filter(key__startswith=f"{_key(dispute)}{kind}:").count()
    ledger.post(
        f"{_key(dispute)}{kind}:{earlier + 1}",
        f"dispute-{kind}",
        payment=dispute.payment,
        lines=[(debit, money), (credit, -money)],
    )


def _key(dispute: Dispute) -> str:
    return f"dispute:{dispute.pk}:"
