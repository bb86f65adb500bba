"""Suppliers' services with what is different from what staff have seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from services.models import Offer, SupplierService
from services.syncing import choosing
from services.syncing.admin.choices import CHOICES
from services.syncing.differences import (
    Difference,
    cost_text,
    differences,
    form_lines,
    to_decide,
    told,
    with_difference,
)
from services.syncing.forbidden import Forbidden, forbidden
from unlockshop.kernel.staff_bulk import BulkAction, BulkActionAdmin
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import (
    Cell,
    Fact,
    Facts,
    Section,
    Table,
    change_url,
    label,
    moment,
    two_lines,
)

TONES = {
    Difference.NEW: "info",
    Difference.GONE: "danger",
    Difference.COST_UP: "warning",
    Difference.COST_DOWN: "success",
    Difference.CHANGED: "warning",
}


class DifferenceFilter(admin.SimpleListFilter):
    """What is different."""

    title = gettext_lazy("to decide")
    parameter_name = "difference"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [("any", _("Anything")), *Difference.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SupplierService]) -> QuerySet[SupplierService]:
        """The chosen ones."""
        value = self.value()
        if value in Difference.values:
            return with_difference(queryset, value)
        return to_decide(queryset) if value == "any" else queryset


class UseFilter(admin.SimpleListFilter):
    """Whether an offer of ours uses it."""

    title = gettext_lazy("used by us")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [("yes", _("By an active offer")), ("no", _("By none"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SupplierService]) -> QuerySet[SupplierService]:
        """The chosen ones."""
        if self.value() not in {"yes", "no"}:
            return queryset
        offers = Offer.objects.filter(
            supplier_id=OuterRef("supplier_id"), supplier_service_id=OuterRef("service_id"), is_active=True
        )
        uses = Exists(offers)
        return queryset.filter(uses if self.value() == "yes" else ~uses)


class WithOffers(ChangeList):
    """The list's page with the offers of its rows, in one query."""

    def get_results(self, request: HttpRequest) -> None:
        """The page's rows."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        attach_offers(self.result_list)


def attach_offers(rows: Sequence[SupplierService]) -> None:
    """Give each row its ``offers``, with their services. One query."""
    offers = Offer.objects.filter(
        supplier_id__in={row.supplier_id for row in rows}, supplier_service_id__in={row.service_id for row in rows}
    ).select_related("service")
    by_service: dict[tuple[int, str], list[Offer]] = {}
    for offer in offers:
        by_service.setdefault((offer.supplier_id, offer.supplier_service_id), []).append(offer)
    for row in rows:
        row.offers = by_service.get((row.supplier_id, row.service_id), [])  # type: ignore[attr-defined]


@admin.register(SupplierService)
class SupplierServiceAdmin(BulkActionAdmin, RecordAdmin):
    """Suppliers' services, with what is different from what staff have seen."""

    bulk_actions = CHOICES
    list_display = ("service_shown", "supplier", "difference_shown", "cost_shown", "time", "used_shown")
    list_filter = (DifferenceFilter, UseFilter, "supplier", "is_ignored", "kind")
    search_fields = ("name", "group", "service_id")
    search_help_text = gettext_lazy("Name, group or the supplier's id")
    list_per_page = 100
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupplierService]:
        """With the supplier, without the long texts."""
        rows: QuerySet[SupplierService] = super().get_queryset(request)
        return rows.select_related("supplier").defer("info", "supplier__api_key")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The one with offers."""
        return WithOffers

    @display(description=gettext_lazy("Service"), ordering="name")
    def service_shown(self, row: SupplierService) -> SafeString:
        """Name; id and group below."""
        kind = forbidden(row.name, row.group)
        below = f"#{row.service_id} · {row.group}"
        shown = two_lines(row.name or "—", below)
        return shown + label(_("not sold here"), "danger") if kind else shown

    @display(description=gettext_lazy("Difference"))
    def difference_shown(self, row: SupplierService) -> SafeString | str:
        """What there is to decide, coloured."""
        found = differences(row)
        if row.is_ignored:
            return label(_("Ignored"), "neutral")
        return format_html_join(" ", "{}", ((label(str(each.label), TONES[each]),) for each in found)) or "—"

    @display(description=gettext_lazy("Cost"), ordering="cost")
    def cost_shown(self, row: SupplierService) -> SafeString | str:
        """Now; before that, if it differs."""
        now, before = cost_text(row.cost, row.cost_currency), cost_text(row.known_cost, row.known_currency)
        return two_lines(now, _("before: %(cost)s") % {"cost": before}) if now != before else now

    @display(description=gettext_lazy("Used by us"))
    def used_shown(self, row: SupplierService) -> SafeString | str:
        """Services behind which it stands, with the cost written there."""
        offers: list[Offer] = getattr(row, "offers", [])
        return format_html_join("", "{}", ((_offer_shown(offer),) for offer in offers)) or "—"

    def bulk_version(self, obj: SupplierService) -> str:
        """Everything that a decision may rest on."""
        return choosing.version_of(obj)

    def bulk_table(self, action: BulkAction, rows: Sequence[SupplierService]) -> Table:
        """Each row with its differences, and why it will be refused, if that is certain."""
        attach_offers(rows)
        headers = [_("Service"), _("Supplier"), _("Difference"), _("Cost before"), _("Cost now"), _("Used by us")]
        return Table(headers, [_cells(row) for row in rows])

    def headline(self, obj: SupplierService) -> Cell:
        """What there is to decide."""
        kind = forbidden(obj.name, obj.group)
        if kind is not None:
            text = _("Not sold here: it %(deed)s.") % {"deed": Forbidden(kind).label}
            return Cell(_("Refused"), tone="danger", hint=text)
        found = differences(obj)
        names = ", ".join(str(each.label) for each in found)
        return Cell(names or _("Nothing to decide"), tone=TONES[found[0]] if found else "neutral")

    def facts(self, request: HttpRequest, obj: SupplierService) -> Sequence[Facts]:
        """What the supplier tells, and since when."""
        attach_offers([obj])
        told_now = [
            Fact(_("Supplier"), Cell(obj.supplier.name, change_url(obj.supplier))),
            Fact(_("Its id there"), Cell(obj.service_id, is_code=True)),
            Fact(_("Name"), Cell(obj.name or "—")),
            Fact(_("Group"), Cell(obj.group or "—")),
            Fact(_("Cost"), Cell(cost_text(obj.cost, obj.cost_currency))),
            Fact(_("Time, in its words"), Cell(obj.time or "—")),
            Fact(_("Asks for"), Cell("\n".join(form_lines(obj.form)) or "—")),
        ]
        seen = [
            Fact(_("First seen"), Cell(moment(obj.first_seen_at))),
            Fact(_("Last seen"), Cell(moment(obj.last_seen_at))),
            Fact(_("Gone since"), Cell(moment(obj.gone_since) or "—")),
            Fact(_("Looked at"), Cell(moment(obj.known_at) or _("never"))),
            *(Fact(_("Used by"), Cell(_used(offer), change_url(offer.service))) for offer in obj.offers),  # type: ignore[attr-defined]
        ]
        return [Facts(_("What the supplier tells"), told_now), Facts(_("Here"), seen)]

    def sections(self, request: HttpRequest, obj: SupplierService) -> Sequence[Section]:
        """Differences, the supplier's description, decisions."""
        changes = Table(
            [_("What"), _("Before"), _("Now")], [[Cell(text) for text in row] for row in told(obj)], _("None.")
        )
        choices = Table(
            [_("When"), _("Who"), _("What"), _("More")],
            [
                [Cell(moment(each.at)), Cell(each.actor_label), Cell(each.get_choice_display()), Cell(each.detail)]
                for each in obj.choices.all()[:50]
            ],
            _("None yet."),
        )
        return [
            Section(_("Different from what was last looked at"), "admin/parts/table.html", changes),
            Section(_("Description, in the supplier's words"), "admin/parts/pre.html", obj.info or "—"),
            Section(_("Decisions"), "admin/parts/table.html", choices),
        ]


def _cells(row: SupplierService) -> list[Cell]:
    kind = forbidden(row.name, row.group)
    text = _("not sold here") if kind else ", ".join(str(each.label) for each in differences(row)) or "—"
    used = "\n".join(_used(offer) for offer in row.offers)  # type: ignore[attr-defined]
    return [
        Cell(str(row), change_url(row)),
        Cell(row.supplier.name),
        Cell(text, tone="danger" if kind else ""),
        Cell(cost_text(row.known_cost, row.known_currency)),
        Cell(cost_text(row.cost, row.cost_currency)),
        Cell(used or "—"),
    ]


def _used(offer: Offer) -> str:
    state = "" if offer.is_active else f" ({_('off')})"
    return f"{offer.service.name}: {cost_text(offer.cost, offer.cost_currency)}{state}"


def _offer_shown(offer: Offer) -> SafeString:
    state = "" if offer.is_active else f" ({_('off')})"
    return two_lines(offer.service.name, f"{cost_text(offer.cost, offer.cost_currency)}{state}")
