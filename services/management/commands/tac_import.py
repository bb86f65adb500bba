"""``manage.py tac_import``: a CSV file of TACs, so that IMEIs get a name."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from services import tac_file

TOLD: Final = 20


class Command(BaseCommand):
    help = (
        "Imports a CSV file with the columns tac, brand and model. Bad lines are reported and left out. The same file "
        "again changes nothing; an import that was cut off is run again. Staff's and learned names stay above it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="", metavar="NAME", help="where the file comes from (its name)")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        told = 0

        def tell_bad(number: int, fault: str) -> None:
            nonlocal told
            told += 1
            if told <= TOLD:
                self.stderr.write(f"line {number}: {fault}")

        try:
            with path.open("rb") as file:
                counts = tac_file.load(file, origin=options["source"] or path.name, tell_bad=tell_bad)
        except (OSError, tac_file.TacFileError) as error:
            raise CommandError(f"nothing was imported: {error}") from error
        if told > TOLD:
            self.stderr.write(f"{told - TOLD} more bad lines are not shown")
        if options["json"]:
            self.stdout.write(json.dumps(counts.as_dict()))
            return
        for name, count in counts.as_dict().items():
            self.stdout.write(f"{name}: {count}")
