"""``manage.py supplier_set``: create or change a supplier."""

from __future__ import annotations

import os
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from services.models import Supplier

KEY_VARIABLE = "SUPPLIER_API_KEY"
_NUMBERS = ("settle_seconds", "poll_seconds")
_FLAGS = ("finds_by_reference", "absent_is_proof", "is_active")


class Command(BaseCommand):
    help = f"Creates or changes a supplier. The API key comes from {KEY_VARIABLE}, so that no shell history has it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name")
        parser.add_argument("--adapter", choices=sorted(settings.SUPPLIER_ADAPTERS))
        parser.add_argument("--url", help="full address of the API endpoint")
        parser.add_argument("--username")
        for name in _NUMBERS:
            parser.add_argument(f"--{name.replace('_', '-')}", type=int)
        for name in _FLAGS:
            parser.add_argument(f"--{name.replace('_', '-')}", action=BooleanOptionalAction, default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        columns = ("name", "adapter", "url", "username", *_NUMBERS, *_FLAGS)
        given = {name: options[name] for name in columns if options[name] is not None}
        if os.environ.get(KEY_VARIABLE):
            given["api_key"] = os.environ[KEY_VARIABLE]
        supplier = Supplier.objects.filter(slug=options["slug"]).first()
        is_new = supplier is None
        if supplier is None:
            missing = [f"--{name}" for name in ("name", "adapter", "url") if name not in given]
            if missing:
                raise CommandError(f"a new supplier needs {', '.join(missing)}")
            supplier = Supplier(slug=options["slug"])
        changed = [name for name, value in given.items() if is_new or getattr(supplier, name) != value]
        for name in changed:
            setattr(supplier, name, given[name])
        try:
            supplier.full_clean()
        except ValidationError as error:
            problems = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            raise CommandError(problems) from error
        if is_new:
            supplier.save()
        elif changed:
            supplier.save(update_fields=changed)
        done = "created" if is_new else f"changed: {', '.join(changed)}" if changed else "nothing to change"
        self.stdout.write(f"supplier {supplier.slug}: {done}")
