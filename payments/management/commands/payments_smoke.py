"""``manage.py payments_smoke``: rehearse a payment at a provider's own sandbox with the test keys of the settings."""

from __future__ import annotations

import sys
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from payments.rehearsing import Rehearsal, Step, Verdict
from payments.sandbox import NotPossible, without_keys
from unlockshop.kernel.money import Money, MoneyError

LONGEST_WAIT = 23 * 60
NOT_STARTED = 2


class Command(BaseCommand):
    """One line a step. Exit 0 when all was seen, 1 when something differed, 2 when it did not begin."""

    help = (
        "Walk create, pay link, capture and refund against the provider's sandbox with your test keys, and say what "
        "was seen. You pay the link in a browser. Writes nothing into the shop's database and refuses live keys."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to rehearse, and how long to wait for the person who pays."""
        parser.add_argument("--provider", required=True, choices=("stripe", "paypal"))
        parser.add_argument("--amount", default="5.00", help="what to pay and to give back (default 5.00)")
        parser.add_argument("--currency", default=settings.DEFAULT_CURRENCY)
        parser.add_argument("--wait", type=float, default=10, metavar="MINUTES", help="for the payment (default 10)")
        parser.add_argument("--every", type=float, default=3, metavar="SECONDS", help="between two looks (default 3)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the rehearsal."""
        wait, every = options["wait"], options["every"]
        if not 0 < wait <= LONGEST_WAIT or not 0 < every <= 60:
            self._refuse(f"--wait takes up to {LONGEST_WAIT} minutes, --every up to 60 seconds")
        try:
            money = Money(Decimal(options["amount"]), options["currency"].upper())
            rehearsal = Rehearsal(options["provider"], money, tell=self._step, show_link=self._link)
        except (InvalidOperation, MoneyError) as error:
            self._refuse(f"--amount and --currency are no money: {error}")
        except NotPossible as error:
            self._refuse(str(error))
        self.stdout.write(f"Rehearsing {money} at {options['provider']}, reference {rehearsal.reference}")
        went_well = self._run(rehearsal, timedelta(minutes=wait), timedelta(seconds=every))
        left = rehearsal.captured - rehearsal.refunded
        self.stdout.write(
            f"{'All seen' if went_well else 'SOMETHING DIFFERED'}: "
            f"{rehearsal.captured} captured, {rehearsal.refunded} refunded, {left} left at the provider"
        )
        if not went_well:
            sys.exit(1)

    def _run(self, rehearsal: Rehearsal, wait: timedelta, every: timedelta) -> bool:
        """No traceback for the owner: it would show settings, and help nobody at a prompt."""
        try:
            return rehearsal.run(wait=wait, every=every)
        except KeyboardInterrupt:
            self.stdout.write("Interrupted")
        except Exception as error:
            self.stdout.write(without_keys(f"Unexpected {type(error).__name__}: {error}"))
        return False

    def _step(self, step: Step) -> None:
        style = {Verdict.OK: self.style.SUCCESS, Verdict.NOTE: self.style.WARNING, Verdict.DIFFERS: self.style.ERROR}
        word = style[step.verdict](f"{step.verdict.value:<7}")
        self.stdout.write(f"{word} {step.name:<16} {step.milliseconds:>7} ms  {step.seen}")
        self.stdout.flush()

    def _link(self, url: str) -> None:
        self.stdout.write(f"\nPay here, in a browser:\n    {url}\n\n")
        self.stdout.flush()

    def _refuse(self, reason: str) -> NoReturn:
        self.stderr.write(without_keys(f"Not started: {reason}"))
        sys.exit(NOT_STARTED)
