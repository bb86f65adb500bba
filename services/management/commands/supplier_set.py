"""``manage.py supplier_set``: create or change a supplier."""

from __future__ import annotations

import os
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from services import proving
from services.models import Capability, Supplier
from services.supplier_rules import check_supplier
from services.suppliers.http_address import receiver
from unlockshop.kernel.actors import Actor, ActorKind

KEY_VARIABLE = "SUPPLIER_API_KEY"
_NUMBERS = ("settle_seconds", "poll_seconds", "calls_at_once", "calls_per_minute")
_FLAGS = ("sends_reference", "is_measured", "needs_approval", "is_active")
_BY = Actor(ActorKind.STAFF, label="supplier_set")


class Command(BaseCommand):
    help = f"Creates or changes a supplier. The API key comes from {KEY_VARIABLE}, so that no shell history has it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name")
        parser.add_argument("--adapter", choices=sorted(settings.SUPPLIER_ADAPTERS))
        parser.add_argument("--url", help="full address of the API endpoint")
        parser.add_argument("--username")
        parser.add_argument("--dialect", help="variant of the protocol, as supplier_probe found it; '' for the usual")
        for name in _NUMBERS:
            parser.add_argument(f"--{name.replace('_', '-')}", type=int)
        for name in _FLAGS:
            parser.add_argument(f"--{name.replace('_', '-')}", action=BooleanOptionalAction, default=None)
        for name in Capability.values:
            text = "set without measurement; needs --reason"
            parser.add_argument(f"--{name.replace('_', '-')}", action=BooleanOptionalAction, default=None, help=text)
        parser.add_argument("--reason", default="", help="why a capability is switched on or off; it is kept")

    def handle(self, *args: Any, **options: Any) -> None:
        columns = ("name", "adapter", "url", "username", "dialect", *_NUMBERS, *_FLAGS)
        given = {name: options[name] for name in columns if options[name] is not None}
        wanted = _wanted(options)
        if os.environ.get(KEY_VARIABLE):
            given["api_key"] = os.environ[KEY_VARIABLE]
        supplier = Supplier.objects.filter(slug=options["slug"]).first()
        is_new = supplier is None
        if supplier is None:
            missing = [f"--{name}" for name in ("name", "adapter", "url") if name not in given]
            if missing:
                raise CommandError(f"a new supplier needs {', '.join(missing)}")
            supplier = Supplier(slug=options["slug"])
        stored = supplier.url
        changed = [name for name, value in given.items() if is_new or getattr(supplier, name) != value]
        for name in changed:
            setattr(supplier, name, given[name])
        try:
            supplier.full_clean()
            check_supplier(supplier)
        except ValidationError as error:
            problems = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            raise CommandError(problems) from error
        if stored and "api_key" not in given and receiver(stored) != receiver(supplier.url):
            raise CommandError(f"url: it leads to another host; give the key for it in {KEY_VARIABLE}")
        with transaction.atomic():
            supplier.save(update_fields=None if is_new else changed)
            changed += _switch(supplier, wanted, options["reason"])
        done = "created" if is_new else f"changed: {', '.join(changed)}" if changed else "nothing to change"
        self.stdout.write(f"supplier {supplier.slug}: {done}")


def _wanted(options: dict[str, Any]) -> dict[Capability, bool]:
    """The capabilities to switch. Raises ``CommandError`` without a reason."""
    wanted = {each: bool(options[each]) for each in Capability if options[each] is not None}
    if wanted and not options["reason"].strip():
        raise CommandError("a capability is switched only with --reason")
    return wanted


def _switch(supplier: Supplier, wanted: dict[Capability, bool], reason: str) -> list[str]:
    """Switch what is not as wanted, in the caller's transaction; the names of what was switched."""
    changed = [each for each, is_on in wanted.items() if getattr(supplier, each) != is_on]
    for capability in changed:
        switch = proving.override if wanted[capability] else proving.switch_off
        switch(supplier.pk, capability, reason=reason, actor=_BY)
    return [each.value for each in changed]
