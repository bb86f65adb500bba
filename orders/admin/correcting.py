"""Requests to correct orders that suppliers have: on the order's page, and in a list with who must act by when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders.admin.wording import order_cell
from orders.models import CorrectionRequest, Order
from orders.right_data import changes
from orders.states import CorrectionState
from unlockshop.kernel import clock
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, change_url, moment, moment_column

CREATED = moment_column("created_at", gettext_lazy("Asked for"))
DUE = moment_column("due_at", gettext_lazy("Due"))
TONES: Final = {CorrectionState.ASKED: "warning", CorrectionState.REPLACED: "success"}


def section(order: Order) -> Section | None:
    """Every request to correct the order, newest first, and the request that it replaces another by."""
    mine = Q(order=order) | Q(replacement=order)
    rows = CorrectionRequest.objects.filter(mine).select_related("order", "replacement", "cancel_request")
    cells = [
        [
            Cell(moment(row.created_at), change_url(row)),
            Cell(changes(row.order, row)["changes"]),
            state_cell(row),
            Cell(_("Supplier's side"), change_url(row.cancel_request)),
            order_cell(row.order),
            order_cell(row.replacement) if row.replacement else Cell("—"),
        ]
        for row in rows.defer("order__result", "replacement__result")
    ]
    if not cells:
        return None
    headers = [_("Asked for"), _("Right data"), _("State"), _("Acts"), _("Former order"), _("Replacement")]
    return Section(_("Corrections"), "admin/parts/table.html", Table(headers, cells))


def state_cell(row: CorrectionRequest) -> Cell:
    """The state as a coloured label; red once staff should have acted."""
    is_late = row.state == CorrectionState.ASKED and row.due_at < clock.now()
    tone = "danger" if is_late else TONES.get(CorrectionState(row.state), "neutral")
    return Cell(str(row.get_state_display()), tone=tone)


@admin.register(CorrectionRequest)
class CorrectionRequestAdmin(RecordAdmin):
    """Corrections of orders that had left. Staff act on the request to the supplier that each rests on."""

    list_display = ("order", CREATED, DUE, "owner", "state_shown", "replacement")
    list_filter = ("state",)
    search_fields = ("order__number", "replacement__number", "identifier")
    search_help_text = gettext_lazy("Order number, right device")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CorrectionRequest]:
        """With both orders and the request to the supplier."""
        rows: QuerySet[CorrectionRequest] = super().get_queryset(request)
        rows = rows.select_related("order", "replacement", "cancel_request")
        return rows.defer("order__result", "replacement__result")

    @display(description=gettext_lazy("State"), ordering="state", label=TONES)
    def state_shown(self, row: CorrectionRequest) -> tuple[str, str]:
        """How far it has come."""
        return row.state, str(row.get_state_display())

    def headline(self, obj: CorrectionRequest) -> Cell:
        """How far it has come."""
        return state_cell(obj)

    def facts(self, request: HttpRequest, obj: CorrectionRequest) -> Sequence[Facts]:
        """What is to be corrected, where staff act on it, and what came of it."""
        supplier = Cell(str(obj.cancel_request.get_state_display()), change_url(obj.cancel_request))
        wanted = [
            Fact(_("Order"), order_cell(obj.order)),
            Fact(_("Right data"), Cell(changes(obj.order, obj)["changes"])),
            Fact(_("Rests on"), Cell(obj.rule)),
            Fact(_("If the supplier refuses"), Cell(obj.refusal or "—")),
        ]
        trail = [
            Fact(_("Asked for"), Cell(moment(obj.created_at))),
            Fact(_("Owner"), Cell(f"{obj.owner}, {moment(obj.due_at)}")),
            Fact(_("Request to the supplier"), supplier),
            Fact(_("Closed"), Cell(moment(obj.answered_at) or "—")),
            Fact(_("Replacement"), order_cell(obj.replacement) if obj.replacement else Cell("—")),
        ]
        return [Facts(_("Wanted"), wanted), Facts(_("Trail"), trail)]
