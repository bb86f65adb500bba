"""The order list and the order page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from zlib import crc32

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders.admin import order_sections
from orders.admin.actions import ORDER_ACTIONS, Situation, situation_of
from orders.admin.cancelling import section as cancel_requests
from orders.admin.correcting import section as corrections
from orders.admin.filters import NeedFilter, SupplierFilter, TimeFilter
from orders.admin.investigating import section as investigations
from orders.admin.search import HELP, find_orders
from orders.admin.wording import STATE_TONES, due_label, explanation, identifier_of, next_step
from orders.models import Order
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, breaking, label, moment, two_lines


@admin.register(Order)
class OrderAdmin(RecordAdmin):
    """Orders: found by anything a customer quotes, moved only through the lifecycle."""

    list_display = (
        "number_shown",
        "identifier_shown",
        "state_shown",
        "email_shown",
        "next_shown",
        "due_shown",
    )
    list_display_links = ("number_shown",)
    list_filter = ("state", "hold_reason", NeedFilter, TimeFilter, "service_kind", SupplierFilter)
    list_select_related = ("purchase",)
    list_fullwidth = True
    search_fields = ("number",)
    search_help_text = HELP
    staff_actions: Sequence[StaffAction] = ORDER_ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Without the encrypted result: lists never open it."""
        rows: QuerySet[Order] = super().get_queryset(request).select_related("purchase").defer("result")
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """By number, identifier, e-mail, payment id or supplier's order id."""
        return find_orders(queryset, search_term), False

    @display(description=gettext_lazy("Number, placed"), ordering="created_at")
    def number_shown(self, order: Order) -> str:
        """The public number, and when it was placed."""
        return two_lines(order.number, moment(order.created_at))

    @display(description=gettext_lazy("Identifier, service"), ordering="identifier")
    def identifier_shown(self, order: Order) -> str:
        """An IMEI in groups, and what is done with the device."""
        return two_lines(identifier_of(order), order.service_name)

    @display(description=gettext_lazy("State"), ordering="state", label=STATE_TONES)
    def state_shown(self, order: Order) -> tuple[str, str]:
        """The state as a coloured label."""
        return order.state, order.get_state_display()

    @display(description=gettext_lazy("E-mail"), ordering="purchase__email")
    def email_shown(self, order: Order) -> str:
        """The customer's address."""
        return breaking(order.purchase.email)

    @display(description=gettext_lazy("Next"), ordering="next_action_at")
    def next_shown(self, order: Order) -> str:
        """Who acts next, until when; as a label only where it is a person's turn or late."""
        text, tone = next_step(order)
        return label(text, tone) if tone else text

    @display(description=gettext_lazy("Due"), ordering="result_due_at")
    def due_shown(self, order: Order) -> str:
        """By when the customer was told to have the result; as a label where that is late."""
        text, tone = due_label(order)
        return label(text, tone) if tone else text

    def situation(self, obj: Order) -> Situation:
        """The order with its live attempt."""
        return situation_of(obj)

    def version_of(self, obj: Order) -> str:
        """The state, the moment of its last change, and the device: the customer may correct it before it leaves."""
        answers = crc32(json.dumps(obj.answers, sort_keys=True).encode())
        return f"{obj.state} {obj.state_changed_at.isoformat()} {obj.identifier} {answers:x}"

    def headline(self, obj: Order) -> Cell:
        """The state, and what goes on."""
        now = situation_of(obj)
        return Cell(
            obj.get_state_display(), tone=STATE_TONES[obj.state], hint=explanation(obj, is_unclear=now.is_unclear)
        )

    def action_facts(self, obj: Order) -> Sequence[Fact]:
        """The device, and what to look for at the supplier."""
        return order_sections.to_compare(obj, situation_of(obj).live)

    def facts(self, request: HttpRequest, obj: Order) -> Sequence[Facts]:
        """What was ordered, how it stands, what was promised."""
        return order_sections.facts(obj)

    def sections(self, request: HttpRequest, obj: Order) -> Sequence[Section]:
        """Result, timeline, attempts, payments, mails, related orders: what this person may see."""
        user = request.user
        found = [
            order_sections.result(obj),
            cancel_requests(obj) if user.has_perm("orders.view_cancelrequest") else None,
            corrections(obj) if user.has_perm("orders.view_correctionrequest") else None,
            investigations(obj) if user.has_perm("orders.view_investigation") else None,
            order_sections.timeline(obj),
            order_sections.attempts(obj) if user.has_perm("orders.view_supplierattempt") else None,
            order_sections.payments(obj.purchase) if user.has_perm("payments.view_payment") else None,
            order_sections.mails(obj.purchase, obj) if user.has_perm("orders.view_outgoingmail") else None,
            order_sections.same_device(obj),
            order_sections.same_customer(obj),
        ]
        return [section for section in found if section is not None]
