"""Attempts at suppliers with what was said, and the event log over all orders."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders.admin.order_sections import EXCHANGES_SHOWN, event_sentence
from orders.admin.search import find_orders
from orders.admin.wording import OUTCOME_TONES, order_cell, outcome_cell
from orders.models import Order, OrderEvent, SupplierAttempt
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, change_url, moment, moment_column, unbroken

STARTED = moment_column("created_at", gettext_lazy("Started"))
AT = moment_column("at", gettext_lazy("When"))


@admin.register(SupplierAttempt)
class SupplierAttemptAdmin(RecordAdmin):
    """Every try to buy an order at a supplier."""

    list_display = ("reference", "supplier", "outcome_shown", "supplier_order_id", "message_shown", STARTED)
    list_filter = ("outcome", "supplier", "reason_code", "is_late_surprise")
    search_fields = ("reference", "supplier_order_id", "order__identifier")
    search_help_text = gettext_lazy("Our reference, the supplier's order id, IMEI")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupplierAttempt]:
        """With order and supplier, without what is encrypted in them."""
        rows: QuerySet[SupplierAttempt] = (
            super()
            .get_queryset(request)
            .select_related("supplier", "order")
            .defer("order__result", "supplier__api_key")
        )
        return rows

    @display(description=gettext_lazy("Outcome"), ordering="outcome", label=OUTCOME_TONES)
    def outcome_shown(self, attempt: SupplierAttempt) -> tuple[str, str]:
        """The outcome as a coloured label."""
        return attempt.outcome, attempt.get_outcome_display()

    @display(description=gettext_lazy("Message"))
    def message_shown(self, attempt: SupplierAttempt) -> str:
        """The beginning of what the supplier said."""
        return attempt.message[:80]

    def headline(self, obj: SupplierAttempt) -> Cell:
        """The outcome."""
        return outcome_cell(obj)

    def facts(self, request: HttpRequest, obj: SupplierAttempt) -> Sequence[Facts]:
        """What was sent where, and what came of it."""
        sent = [
            Fact(_("Order"), order_cell(obj.order)),
            Fact(_("Supplier"), Cell(obj.supplier.name, change_url(obj.supplier))),
            Fact(_("Supplier's service"), Cell(obj.supplier_service_id, is_code=True)),
            Fact(_("Cost"), Cell(f"{obj.cost} {obj.cost_currency}")),
            Fact(_("Started"), Cell(moment(obj.created_at))),
        ]
        outcome = [
            Fact(_("Supplier's order id"), Cell(obj.supplier_order_id or "—", is_code=True)),
            Fact(_("Settled"), Cell(moment(obj.settled_at) or "—")),
            Fact(_("Reason code"), Cell(obj.reason_code or "—")),
            Fact(_("Message"), Cell(obj.message or "—")),
            Fact(_("Looked for in vain"), Cell(obj.lookups_absent)),
        ]
        if obj.is_late_surprise:
            outcome.append(Fact(_("Late surprise"), Cell(_("accepted after it was given up"), tone="danger")))
        return [Facts(_("Sent"), sent), Facts(_("What came of it"), outcome)]

    def sections(self, request: HttpRequest, obj: SupplierAttempt) -> Sequence[Section]:
        """The raw exchanges."""
        said = list(obj.exchanges.order_by("-pk")[:EXCHANGES_SHOWN])
        return [Section(_("Exchanges"), "admin/parts/exchanges.html", said, note=_("Newest first, secrets masked."))]


@admin.register(OrderEvent)
class OrderEventAdmin(RecordAdmin):
    """Everything that happened to orders, newest first; who did what."""

    list_display = (AT, "order_shown", "sentence_shown", "actor_kind", "actor_label", "ip")
    list_filter = ("actor_kind", "kind")
    list_select_related = ("order",)
    list_fullwidth = True
    ordering = ("-pk",)
    search_fields = ("actor_label",)
    search_help_text = gettext_lazy("Order number, IMEI, e-mail of customer or staff")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEvent]:
        """Without the orders' encrypted results."""
        rows: QuerySet[OrderEvent] = super().get_queryset(request).select_related("order").defer("order__result")
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OrderEvent], search_term: str
    ) -> tuple[QuerySet[OrderEvent], bool]:
        """Events of the orders that the term may mean, or by that person."""
        term = search_term.strip()
        if not term:
            return queryset, False
        orders = find_orders(Order.objects.order_by(), term).values("pk")
        return queryset.filter(Q(order__in=orders) | Q(actor_label__iexact=term)), False

    @display(description=gettext_lazy("Order"), ordering="order__number")
    def order_shown(self, event: OrderEvent) -> str:
        """The order's number."""
        return unbroken(event.order.number)

    @display(description=gettext_lazy("What happened"))
    def sentence_shown(self, event: OrderEvent) -> str:
        """The sentence for staff."""
        return event_sentence(event)

    def facts(self, request: HttpRequest, obj: OrderEvent) -> Sequence[Facts]:
        """What, who, from where."""
        rows = [
            Fact(_("Order"), order_cell(obj.order)),
            Fact(_("What happened"), Cell(event_sentence(obj))),
            Fact(_("Who"), Cell(f"{obj.actor_kind}: {obj.actor_label}")),
            Fact(_("From"), Cell(obj.ip or "—", is_code=True)),
            Fact(_("When"), Cell(moment(obj.at))),
            Fact(_("Kind"), Cell(obj.kind, is_code=True)),
        ]
        return [Facts(_("Event"), rows)]
