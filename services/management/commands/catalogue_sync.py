"""``manage.py catalogue_sync``: fetch a supplier's catalogue now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from services.models import CatalogueSync, Supplier, SupplierService
from services.syncing import fetching
from services.syncing.differences import counted
from services.syncing.models import SyncOutcome


class Command(BaseCommand):
    help = (
        "Fetches a supplier's catalogue and says what is different. Offers, services and prices stay as they are: "
        "staff decide on the pages. An error, an empty or a suspiciously small answer changes nothing: exit code 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("supplier", help="slug of the supplier")
        parser.add_argument("--dry-run", action="store_true", help="ask the supplier, write nothing")
        parser.add_argument(
            "--accept-smaller",
            action="store_true",
            help="believe a catalogue that lost more than half of its services",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        supplier = Supplier.objects.filter(slug=options["supplier"]).first()
        if supplier is None:
            raise CommandError(f"no supplier {options['supplier']!r}")
        smaller = options["accept_smaller"]
        if options["dry_run"]:
            self._tell(fetching.rehearse(supplier, accepts_smaller=smaller), None)
            return
        sync = fetching.ask(supplier.pk, by="catalogue_sync", accepts_smaller=smaller)
        fetching.fetch(sync.pk)
        sync = CatalogueSync.objects.get(pk=sync.pk)
        if sync.outcome == SyncOutcome.PENDING:
            raise CommandError(sync.last_error or "a worker is fetching it at this moment: look at the staff page")
        self._tell(sync, supplier)

    def _tell(self, sync: CatalogueSync, supplier: Supplier | None) -> None:
        if sync.outcome != SyncOutcome.TAKEN:
            raise CommandError(f"{sync.get_outcome_display()}: {sync.message}", returncode=1)
        self.stdout.write(
            f"{sync.listed} services listed, {sync.added} new, {sync.changed} changed, {sync.gone} gone, "
            f"{sync.skipped} left out"
        )
        if supplier is None:
            self.stdout.write("dry run: nothing was written")
            return
        rows = SupplierService.objects.filter(supplier=supplier)
        open_ones = [f"{kind.label}: {count}" for kind, count in counted(rows).items() if count]
        self.stdout.write("to decide: " + (", ".join(open_ones) or "nothing"))
