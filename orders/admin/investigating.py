"""Questions why a device was not found: on the order's page, in a list, and the staff's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders import investigating
from orders.admin import order_sections
from orders.admin.wording import order_cell
from orders.forms import FindingForm
from orders.models import Investigation, Order
from orders.states import Finding, InvestigationState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, change_url, moment, moment_column

CREATED = moment_column("created_at", gettext_lazy("Asked for"))
DUE = moment_column("due_at", gettext_lazy("Due"))
TONES: Final = {InvestigationState.OPEN: "warning", InvestigationState.ANSWERED: "success"}


def section(order: Order) -> Section | None:
    """Every investigation of the order, newest first."""
    rows = [
        [
            Cell(moment(row.created_at), change_url(row)),
            Cell(row.note),
            state_cell(row),
            Cell(moment(row.due_at)),
            Cell(str(row.get_finding_display()) if row.finding else "—"),
            Cell(row.answer),
        ]
        for row in order.investigations.all()
    ]
    if not rows:
        return None
    headers = [_("Asked for"), _("The customer says"), _("State"), _("Due"), _("Finding"), _("Answer")]
    return Section(_("Investigations"), "admin/parts/table.html", Table(headers, rows))


def state_cell(row: Investigation) -> Cell:
    """The state as a coloured label; red once staff should have answered."""
    is_late = row.state == InvestigationState.OPEN and row.due_at < clock.now()
    return Cell(str(row.get_state_display()), tone="danger" if is_late else TONES[InvestigationState(row.state)])


def _is_open(row: Investigation) -> bool:
    return row.state == InvestigationState.OPEN


def _answer(row: Investigation, data: Mapping[str, Any], actor: Actor) -> str:
    finding = Finding(data["finding"])
    investigating.answer(row.pk, finding=finding, text=data["answer"], evidence=data["evidence"], actor=actor)
    return _("%(order)s: your answer is on its way to the customer.") % {"order": row.order}


@admin.register(Investigation)
class InvestigationAdmin(RecordAdmin):
    """Why devices were not found. “Wrongly rejected” lets the customer send the order in again."""

    list_display = ("order", CREATED, DUE, "owner", "state_shown", "finding")
    list_filter = ("state", "finding")
    search_fields = ("order__number",)
    search_help_text = gettext_lazy("Order number")
    staff_actions = (
        StaffAction(
            "answer",
            gettext_lazy("Answer"),
            gettext_lazy("The customer gets your answer by mail. “Wrongly rejected” offers to send the order again."),
            FindingForm,
            _is_open,
            _answer,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Investigation]:
        """With the order."""
        rows: QuerySet[Investigation] = super().get_queryset(request).select_related("order")
        return rows.defer("order__result")

    @display(description=gettext_lazy("State"), ordering="state", label=TONES)
    def state_shown(self, row: Investigation) -> tuple[str, str]:
        """Whether it is answered."""
        return row.state, str(row.get_state_display())

    def version_of(self, obj: Investigation) -> str:
        """Whether it is answered, and the order's state."""
        return f"{obj.state} {obj.order.state} {obj.order.ended_at}"

    def headline(self, obj: Investigation) -> Cell:
        """Whether it is answered."""
        return state_cell(obj)

    def action_facts(self, obj: Investigation) -> Sequence[Fact]:
        """The device and what the supplier said."""
        return order_sections.to_compare(obj.order, None)

    def facts(self, request: HttpRequest, obj: Investigation) -> Sequence[Facts]:
        """The question and the answer."""
        question = [
            Fact(_("Order"), order_cell(obj.order)),
            Fact(_("Asked for"), Cell(moment(obj.created_at))),
            Fact(_("The customer says"), Cell(obj.note or "—")),
            Fact(_("Owner"), Cell(f"{obj.owner}, {moment(obj.due_at)}")),
        ]
        answer = [
            Fact(_("Answered"), Cell(moment(obj.answered_at) or "—")),
            Fact(_("Finding"), Cell(str(obj.get_finding_display()) if obj.finding else "—")),
            Fact(_("Answer to the customer"), Cell(obj.answer or "—")),
            Fact(_("Evidence"), Cell(obj.evidence or "—")),
        ]
        return [Facts(_("Question"), question), Facts(_("Answer"), answer)]
