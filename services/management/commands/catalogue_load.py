"""``manage.py catalogue_load``: a catalogue file into the database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from services import catalogue_file, catalogue_loading
from services.models import Supplier

DEFAULT_FILE = Path(catalogue_file.__file__).parent / "data" / "catalogue.yaml"


class Command(BaseCommand):
    help = "Loads a catalogue file: creates and updates services, never deletes. All or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE)
        parser.add_argument("--publish", action="store_true", help="show the services to visitors")
        parser.add_argument(
            "--supplier", metavar="SLUG", help="offer every service at this supplier, numbered from 1001"
        )
        parser.add_argument(
            "--ask-first",
            metavar="SLUG=SERVICE,SERVICE",
            action="append",
            default=[],
            help="offer these services at one more supplier with the same numbering, who is asked first",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        supplier = _supplier(options["supplier"]) if options["supplier"] else None
        asked_first: dict[str, Supplier] = {}
        for text in options["ask_first"]:
            slug, _, services = text.partition("=")
            asked_first |= dict.fromkeys(filter(None, services.split(",")), _supplier(slug))
        try:
            catalogue = catalogue_file.read(options["file"])
            report = catalogue_loading.load(
                catalogue, publish=options["publish"], supplier=supplier, asked_first=asked_first
            )
        except catalogue_file.CatalogueFileError as error:
            raise CommandError(f"nothing was loaded: {error}") from error
        for word, counts in (("created", report.created), ("updated", report.updated)):
            if counts:
                self.stdout.write(f"{word}: " + ", ".join(f"{n} × {name}" for name, n in counts.items()))
        if not report.has_changed:
            self.stdout.write(f"{len(catalogue.services)} services, nothing to change")
        for name in report.only_in_database:
            self.stdout.write(f"only in the database, left alone: {name}")


def _supplier(slug: str) -> Supplier:
    supplier = Supplier.objects.filter(slug=slug).first()
    if supplier is None:
        raise CommandError(f"there is no supplier {slug!r}; see supplier_set")
    return supplier
