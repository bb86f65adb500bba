"""Fetches of catalogues: the button on the supplier's page, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from services.models import CatalogueSync, Supplier, SupplierService
from services.syncing import fetching
from services.syncing.forms import FetchForm
from services.syncing.models import SyncOutcome
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import (
    Cell,
    Fact,
    Facts,
    change_url,
    label,
    list_url,
    moment,
    moment_column,
)
from unlockshop.kernel.work import WorkState

STARTED = moment_column("created_at", gettext_lazy("Asked"))


@admin.register(CatalogueSync)
class CatalogueSyncAdmin(RecordAdmin):
    """Every fetch of a catalogue, and what came of it."""

    list_display = ("supplier", STARTED, "outcome_shown", "listed", "added", "changed", "gone", "asked_by")
    list_filter = ("supplier", "outcome")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CatalogueSync]:
        """With the supplier, without its key."""
        rows: QuerySet[CatalogueSync] = super().get_queryset(request)
        return rows.select_related("supplier").defer("supplier__api_key")

    @display(description=gettext_lazy("Outcome"), ordering="outcome")
    def outcome_shown(self, sync: CatalogueSync) -> SafeString:
        """As a coloured label."""
        cell = outcome_cell(sync)
        return label(str(cell.text), cell.tone)

    def headline(self, obj: CatalogueSync) -> Cell:
        """What came of it, and why."""
        return outcome_cell(obj)

    def facts(self, request: HttpRequest, obj: CatalogueSync) -> Sequence[Facts]:
        """Who asked, what was counted."""
        rows_url = list_url(SupplierService, f"supplier__id__exact={obj.supplier_id}&difference=any")
        asked = [
            Fact(_("Supplier"), Cell(obj.supplier.name, change_url(obj.supplier))),
            Fact(_("Asked by"), Cell(obj.asked_by)),
            Fact(_("Asked"), Cell(moment(obj.created_at))),
            Fact(_("Finished"), Cell(moment(obj.finished_at) or "—")),
            Fact(_("To decide now"), Cell(_("the supplier's services with a difference"), rows_url)),
        ]
        counts = [
            Fact(_("Services listed"), Cell(obj.listed)),
            Fact(_("Left out"), Cell(obj.skipped, hint=_("without a usable id, or named twice"))),
            Fact(_("New"), Cell(obj.added)),
            Fact(_("Changed"), Cell(obj.changed)),
            Fact(_("Gone"), Cell(obj.gone)),
        ]
        return [Facts(_("Fetch"), asked), Facts(_("What it found"), counts)]


def outcome_cell(sync: CatalogueSync) -> Cell:
    """The outcome of a fetch as a label, with its reason."""
    if sync.work_state == WorkState.NEEDS_STAFF:
        return Cell(_("Broke off, nothing changed"), tone="danger", hint=sync.last_error)
    tones = {SyncOutcome.TAKEN: "success", SyncOutcome.PENDING: "info"}
    return Cell(sync.get_outcome_display(), tone=tones.get(SyncOutcome(sync.outcome), "danger"), hint=sync.message)


def _fetch(supplier: Supplier, data: Mapping[str, Any], actor: Actor) -> str:
    fetching.ask(supplier.pk, by=actor.label, accepts_smaller=data["accepts_smaller"])
    return _("The catalogue of %(supplier)s is being fetched: see below, and load the page again.") % {
        "supplier": supplier
    }


FETCH = StaffAction(
    "fetch-catalogue",
    gettext_lazy("Fetch the catalogue"),
    gettext_lazy("Asks the supplier what it sells. Nothing is published, priced or switched off by it."),
    FetchForm,
    lambda _supplier: True,
    _fetch,
)


def fetched(supplier: Supplier) -> SafeString | str:
    """How the latest fetch of a supplier's catalogue stands, with links to what is to decide and to the fetch."""
    sync = CatalogueSync.objects.filter(supplier=supplier).first()
    if sync is None:
        return _("never fetched")
    cell = outcome_cell(sync)
    rows_url = list_url(SupplierService, f"supplier__id__exact={supplier.pk}&difference=any")
    return format_html(
        '<span class="staff">{} {} {}<a href="{}">{}</a><a href="{}">{}</a></span>',
        label(str(cell.text), cell.tone),
        moment(sync.finished_at or sync.created_at),
        cell.hint,
        change_url(sync),
        _("This fetch"),
        rows_url,
        _("What is to decide"),
    )
