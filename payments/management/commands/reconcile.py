"""``manage.py reconcile``: compare the providers' books with ours now."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from payments import reconciling


class Command(BaseCommand):
    """One pass over every configured provider; exit 1 when a pass failed or a difference is open."""

    help = "Find payments, refunds and disputes whose webhook never came, and money that fits nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--hours`` sets how far back to look."""
        parser.add_argument("--hours", type=int, default=72, help="how far back to look (default 72)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the passes."""
        failed = False
        for name in settings.PAYMENT_PROVIDERS:
            run = reconciling.reconcile(name, look_back=timedelta(hours=options["hours"]))
            self.stdout.write(
                f"{name}: {run.payments_seen} payments and {run.refunds_seen} refunds seen, {run.repaired} repaired"
                + (f"; failed: {run.error}" if run.error else "")
            )
            failed = failed or bool(run.error)
        waiting = reconciling.open_breaks()
        self.stdout.write(f"{waiting} differences nobody has explained")
        if failed or waiting:
            sys.exit(1)
