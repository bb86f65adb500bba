"""A hidden service made from a supplier's: its name, and an order form that asks what the supplier wants to know.

Kind, category and times are staff's word; nothing is guessed from what the supplier writes about them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from django.utils.text import slugify
from django.utils.translation import gettext as _

from services.models import Category, FieldKind, Service, ServiceField, SupplierService
from unlockshop.kernel.errors import Refused

_NAME: Final = re.compile(r"[-a-zA-Z0-9_]{1,40}")
_CHOICE: Final = frozenset({"dropdown", "radio", "select"})
_KINDS: Final = {"network": FieldKind.NETWORK, "model": FieldKind.MODEL, "mobile": FieldKind.MODEL}
# A supplier's names for what the identifier field asks for already.
_IDENTIFIER_NAMES: Final = frozenset({"imei", "sn", "serial", "imei_or_serial"})


@dataclass(frozen=True, slots=True)
class DraftWish:
    """What staff say of drafts. Times in minutes."""

    kind: str
    result_kind: str
    category_id: int
    average_minutes: int
    guaranteed_minutes: int


def make_draft(row: SupplierService, wish: DraftWish) -> tuple[Service, list[str]]:
    """The hidden service, without a price, and the names of optional questions that its form cannot ask.

    Raises ``Refused`` where the supplier insists on an answer under a name that an order form cannot have.
    """
    if not Category.objects.filter(pk=wish.category_id).exists():
        raise Refused(_("there is no such category"), code="no_category")
    fields, left_out = _fields(row.form)
    name = (row.name or row.service_id)[:120]
    service = Service.objects.create(
        slug=_free_slug(name, row),
        name=name,
        kind=wish.kind,
        result_kind=wish.result_kind,
        category_id=wish.category_id,
        average_minutes=wish.average_minutes,
        guaranteed_minutes=wish.guaranteed_minutes,
        is_published=False,
    )
    for position, field in enumerate(fields):
        ServiceField.objects.create(service=service, position=position, **field)
    return service, left_out


def _free_slug(name: str, row: SupplierService) -> str:
    base = slugify(name)[:60].strip("-") or f"service-{slugify(row.service_id)[:40]}".strip("-")
    slug, n = base, 1
    while Service.objects.filter(slug=slug).exists():
        n += 1
        slug = f"{base}-{n}"
    return slug


def _fields(form: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    is_imei = not form.get("identifier") and not form.get("letters")
    kind = FieldKind.IMEI if is_imei else FieldKind.IMEI_OR_SERIAL
    label = form.get("identifier") or "IMEI"
    fields: list[dict[str, Any]] = [{"name": str(kind.value), "label": label, "kind": kind, "is_required": True}]
    names = {str(kind.value).casefold(), *_IDENTIFIER_NAMES}
    left_out: list[str] = []
    for required in form.get("requires", []):
        if required.casefold() not in names:
            _add(fields, names, left_out, {"name": required.lower(), "label": required, "required": True})
    for question in form.get("questions", []):
        if question["name"].casefold() not in names:
            label = question["description"] or question["name"]
            _add(fields, names, left_out, {**question, "label": label})
    return fields, left_out


def _add(fields: list[dict[str, Any]], names: set[str], left_out: list[str], question: dict[str, Any]) -> None:
    name = question["name"]
    if not _NAME.fullmatch(name):
        if question["required"]:
            text = _("it asks for “%(name)s”, a name that an order form cannot send") % {"name": name}
            raise Refused(text, code="unnameable")
        left_out.append(name)
        return
    names.add(name.casefold())
    options = question.get("options") or []
    is_choice = bool(options) and question.get("kind") in _CHOICE
    kind = FieldKind.CHOICE if is_choice else _KINDS.get(name.casefold(), FieldKind.TEXT)
    fields.append(
        {
            "name": name,
            "label": question["label"][:80],
            "kind": kind,
            "is_required": question["required"],
            "choices": options if is_choice else [],
        }
    )
