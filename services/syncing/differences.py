"""What is different between a supplier's catalogue and what staff have seen of it: as filters, and for one row."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from services.models import SupplierService


class Difference(models.TextChoices):
    """What there may be to decide about a supplier's service."""

    NEW = "new", gettext_lazy("New")
    GONE = "gone", gettext_lazy("Gone")
    COST_UP = "cost_up", gettext_lazy("Cost up")
    COST_DOWN = "cost_down", gettext_lazy("Cost down")
    CHANGED = "changed", gettext_lazy("Name or fields changed")


_WATCHED: Final = Q(is_ignored=False)
_LISTED: Final = _WATCHED & Q(gone_since__isnull=True, known_at__isnull=False)
_SAME_CURRENCY: Final = Q(cost_currency=F("known_currency"))
_RULES: Final[Mapping[Difference, Q]] = MappingProxyType(
    {
        Difference.NEW: _WATCHED & Q(gone_since__isnull=True, known_at__isnull=True),
        Difference.GONE: _WATCHED & Q(gone_since__isnull=False, gone_known=False),
        # Another currency is looked at like a rise; so is a cost where none could be read before.
        Difference.COST_UP: _LISTED
        & Q(cost__isnull=False)
        & (Q(cost__gt=F("known_cost")) & _SAME_CURRENCY | Q(known_cost__isnull=True) | ~_SAME_CURRENCY),
        Difference.COST_DOWN: _LISTED & Q(cost__lt=F("known_cost")) & _SAME_CURRENCY,
        Difference.CHANGED: _LISTED
        & (~Q(name=F("known_name")) | Q(form_changed=True) | Q(cost__isnull=True, known_cost__isnull=False)),
    }
)


def with_difference(rows: QuerySet[SupplierService], difference: str) -> QuerySet[SupplierService]:
    """Those of ``rows`` with one kind of difference."""
    return rows.filter(_RULES[Difference(difference)])


def to_decide(rows: QuerySet[SupplierService]) -> QuerySet[SupplierService]:
    """Those of ``rows`` with any difference."""
    any_of = Q()
    for rule in _RULES.values():
        any_of |= rule
    return rows.filter(any_of)


def counted(rows: QuerySet[SupplierService]) -> dict[Difference, int]:
    """How many of ``rows`` have each kind of difference. One query."""
    counts = {each.value: models.Count("pk", filter=rule) for each, rule in _RULES.items()}
    return {Difference(name): count for name, count in rows.order_by().aggregate(**counts).items()}


def differences(row: SupplierService) -> list[Difference]:
    """What there is to decide about one row: the same rules, without a query."""
    if row.is_ignored:
        return []
    if row.gone_since is not None:
        return [] if row.gone_known else [Difference.GONE]
    if row.known_at is None:
        return [Difference.NEW]
    found = []
    is_same_currency = row.cost_currency == row.known_currency
    if row.cost is not None and (not is_same_currency or row.known_cost is None or row.cost > row.known_cost):
        found.append(Difference.COST_UP)
    if row.cost is not None and row.known_cost is not None and is_same_currency and row.cost < row.known_cost:
        found.append(Difference.COST_DOWN)
    if row.name != row.known_name or row.form_changed or (row.cost is None and row.known_cost is not None):
        found.append(Difference.CHANGED)
    return found


def told(row: SupplierService) -> list[tuple[str, str, str]]:
    """What is different in one row as (what, before, now), for people."""
    found = []
    if row.name != row.known_name:
        found.append((_("Name"), row.known_name, row.name))
    before, now = cost_text(row.known_cost, row.known_currency), cost_text(row.cost, row.cost_currency)
    if before != now:
        found.append((_("Cost"), before, now))
    if row.form_changed:
        old, new = form_lines(row.known_form), form_lines(row.form)
        lost, gained = [line for line in old if line not in new], [line for line in new if line not in old]
        found.append((_("Fields"), "\n".join(lost) or "—", "\n".join(gained) or "—"))
    return found


def cost_text(cost: Decimal | None, currency: str) -> str:
    """A cost with its currency, both perhaps unknown."""
    return "—" if cost is None else f"{_trimmed(cost)} {currency or '?'}"


def form_lines(form: Mapping[str, object]) -> list[str]:
    """What a supplier asks for, one line each. ``form`` is a row's column."""
    lines = []
    if form.get("identifier"):
        lines.append(_("device: %(label)s") % {"label": form["identifier"]})
    if form.get("letters"):
        lines.append(_("the device's number may have letters"))
    if form.get("kind"):
        lines.append(_("kind: %(kind)s") % {"kind": form["kind"]})
    requires, questions = form.get("requires"), form.get("questions")
    lines += [str(name) for name in requires] if isinstance(requires, list) else []
    for question in questions if isinstance(questions, list) else []:
        options = f" [{', '.join(question['options'])}]" if question["options"] else ""
        needed = _("required") if question["required"] else _("optional")
        lines.append(f"{question['name']} ({question['kind']}, {needed}){options}")
    return lines


def _trimmed(cost: Decimal) -> str:
    """At least two digits after the point, no zeros beyond."""
    text = f"{cost.normalize():f}"
    whole, _point, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"
