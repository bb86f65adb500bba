"""Requests to suppliers to drop an order: on the order's page, in a list, and what staff do about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders import cancelling, replacing
from orders.admin.wording import order_cell
from orders.forms import AnswerForm, WrittenForm
from orders.models import CancelRequest, Order
from orders.states import CANCELS_FOR_STAFF, CancelState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, change_url, moment, moment_column

CREATED = moment_column("created_at", gettext_lazy("Asked for"))
TONES: Final = {
    CancelState.TO_ASK: "info",
    CancelState.ASKED: "info",
    CancelState.UNCLEAR: "warning",
    CancelState.BY_HAND: "warning",
    CancelState.AGREED: "success",
}


def section(order: Order) -> Section | None:
    """Every request about an order, newest first."""
    rows = [
        [
            Cell(moment(row.created_at), change_url(row)),
            Cell(row.by_label),
            Cell(row.reason),
            state_cell(row),
            Cell(row.written_note),
            Cell(row.answer),
        ]
        for row in order.cancel_requests.all()
    ]
    if not rows:
        return None
    headers = [_("Asked for"), _("By"), _("Reason"), _("State"), _("Written"), _("Answer")]
    return Section(_("Requests to cancel at the supplier"), "admin/parts/table.html", Table(headers, rows))


def state_cell(row: CancelRequest) -> Cell:
    """The state as a coloured label."""
    return Cell(str(row.get_state_display()), tone=TONES.get(CancelState(row.state), "neutral"))


def _is_for_staff(row: CancelRequest) -> bool:
    return row.state in CANCELS_FOR_STAFF


def _may_answer(row: CancelRequest) -> bool:
    """The last answer counts, as long as the supplier has the order; on a cancelled one, the first."""
    is_there = row.order.state in cancelling.AT_SUPPLIER
    return row.state != CancelState.TO_ASK and (is_there or row.state in CANCELS_FOR_STAFF)


def _written(row: CancelRequest, data: Mapping[str, Any], actor: Actor) -> str:
    cancelling.write_down(row.pk, note=data["note"], actor=actor)
    return _("Noted. Record the supplier's answer here when it comes.")


def _answered(row: CancelRequest, data: Mapping[str, Any], actor: Actor) -> str:
    became = cancelling.settle(row.pk, CancelState(data["answer"]), message=data["evidence"], actor=actor)
    if became == CancelState.AGREED and replacing.is_replaced(Order.objects.get(pk=row.order_id)):
        return _("%(order)s is replaced by an order with the right data.") % {"order": row.order}
    if became == CancelState.AGREED:
        return _("%(order)s is cancelled. Its money is owed back.") % {"order": row.order}
    return _("Noted: %(answer)s.") % {"answer": became.label}


CANCEL_ACTIONS: Final = (
    StaffAction(
        "written",
        gettext_lazy("I wrote to the supplier"),
        gettext_lazy("Keeps when and how the supplier was asked."),
        WrittenForm,
        _is_for_staff,
        _written,
    ),
    StaffAction(
        "answered",
        gettext_lazy("The supplier answered"),
        gettext_lazy("“Agreed” cancels the order for good: the customer gets a mail, and the money is owed back."),
        AnswerForm,
        _may_answer,
        _answered,
        is_danger=True,
    ),
)


@admin.register(CancelRequest)
class CancelRequestAdmin(RecordAdmin):
    """Requests to suppliers to drop orders."""

    list_display = ("order", "supplier_shown", CREATED, "by_label", "state_shown")
    list_filter = ("state", "attempt__supplier")
    search_fields = ("order__number", "attempt__reference", "attempt__supplier_order_id")
    search_help_text = gettext_lazy("Order number, our reference, the supplier's order id")
    staff_actions = CANCEL_ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[CancelRequest]:
        """With order and supplier."""
        rows: QuerySet[CancelRequest] = super().get_queryset(request).select_related("order", "attempt__supplier")
        return rows.defer("order__result", "attempt__supplier__api_key")

    @display(description=gettext_lazy("Supplier"))
    def supplier_shown(self, row: CancelRequest) -> str:
        """Who has the order."""
        return str(row.attempt.supplier)

    @display(description=gettext_lazy("State"), ordering="state", label=TONES)
    def state_shown(self, row: CancelRequest) -> tuple[str, str]:
        """How far it has come."""
        return row.state, str(row.get_state_display())

    def version_of(self, obj: CancelRequest) -> str:
        """How far it has come, and the order's state."""
        return f"{obj.state} {obj.answered_at} {obj.order.state}"

    def headline(self, obj: CancelRequest) -> Cell:
        """How far it has come."""
        return state_cell(obj)

    def action_facts(self, obj: CancelRequest) -> Sequence[Fact]:
        """What to tell the supplier."""
        return _identity(obj)

    def facts(self, request: HttpRequest, obj: CancelRequest) -> Sequence[Facts]:
        """Who asked and why; what was asked of whom; what came of it."""
        trail = [
            Fact(_("Asked for"), Cell(f"{moment(obj.created_at)}, {obj.by_label}")),
            Fact(_("Reason"), Cell(obj.reason)),
            Fact(_("Asked by the shop"), Cell(moment(obj.asked_at) or "—")),
            Fact(_("Written to the supplier"), Cell(moment(obj.written_at) or "—")),
            Fact(_("When and how"), Cell(obj.written_note or "—")),
            Fact(_("Answered"), Cell(moment(obj.answered_at) or "—")),
            Fact(_("Answer"), Cell(obj.answer or "—")),
            Fact(_("Last error"), Cell(obj.last_error or "—")),
        ]
        return [Facts(_("The order there"), _identity(obj)), Facts(_("Trail"), trail)]


def _identity(row: CancelRequest) -> list[Fact]:
    return [
        Fact(_("Order"), order_cell(row.order)),
        Fact(_("Supplier"), Cell(row.attempt.supplier.name)),
        Fact(_("Supplier's order id"), Cell(row.attempt.supplier_order_id or "—", is_code=True)),
        Fact(_("Our reference"), Cell(row.attempt.reference, is_code=True)),
    ]
