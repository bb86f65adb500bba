"""``manage.py ledger_check``: prove the books and print the balances."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from payments import ledger
from payments.models import LedgerTransaction


class Command(BaseCommand):
    """Print every account's balance and everything that is wrong; exit 1 when anything is."""

    help = "Prove that the ledger balances and agrees with payments and refunds."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the check."""
        self.stdout.write(f"{LedgerTransaction.objects.count()} postings")
        for account, currency, total in ledger.balances():
            self.stdout.write(f"  {account:<22} {total:>16} {currency}")
        findings = list(ledger.check())
        for finding in findings:
            self.stdout.write(self.style.ERROR(f"WRONG {finding.rule}: {finding.detail}"))
        self.stdout.write("the books are in order" if not findings else f"{len(findings)} findings")
        if findings:
            sys.exit(1)
