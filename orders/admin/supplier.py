"""The supplier's staff page with what only this app knows: how it is doing, and buttons for that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders.admin import supplier_health
from services import balances, breaking
from services.admin import SUPPLIER_ACTIONS, SupplierAdmin
from services.models import Supplier
from services.models.health import BreakerState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import StaffAction, StaffActionForm, reason_field


class CloseBreakerForm(StaffActionForm):
    """Asks why."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("For example: “entered the new key”."))


class AskBalanceForm(StaffActionForm):
    """Asks nothing."""


def _is_open(supplier: Supplier) -> bool:
    health = breaking.of(supplier)
    return health is not None and health.breaker != BreakerState.CLOSED


def _close(supplier: Supplier, _data: Mapping[str, Any], _actor: Actor) -> str:
    breaking.close(supplier.pk)
    return _("Orders are sent to %(supplier)s again, within seconds.") % {"supplier": supplier}


def _ask(supplier: Supplier, _data: Mapping[str, Any], _actor: Actor) -> str:
    balances.ask_soon(supplier.pk)
    return _("%(supplier)s is being asked. Load this page again in a few seconds.") % {"supplier": supplier}


HEALTH_ACTIONS = (
    StaffAction(
        "close-breaker",
        gettext_lazy("Send orders again now"),
        gettext_lazy("Closes the breaker. All that waits is sent at once; if the trouble goes on, it opens again."),
        CloseBreakerForm,
        _is_open,
        _close,
    ),
    StaffAction(
        "ask-balance",
        gettext_lazy("Ask for the balance now"),
        gettext_lazy("A worker asks the supplier for our credit."),
        AskBalanceForm,
        lambda supplier: supplier.is_active,
        _ask,
    ),
)


class TroubleFilter(SimpleListFilter):
    """Suppliers that need a look."""

    title = gettext_lazy("health")
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choice."""
        return [("trouble", _("In trouble"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Supplier]) -> QuerySet[Supplier]:
        """Active ones that get no orders or give no answers."""
        return queryset.filter(breaking.in_trouble(), is_active=True) if self.value() == "trouble" else queryset


admin.site.unregister(Supplier)


@admin.register(Supplier)
class SupplierHealthAdmin(SupplierAdmin):
    """The page of ``services.admin``, with health."""

    change_form_template = "admin/supplier_change_form.html"
    staff_actions = (*HEALTH_ACTIONS, *SUPPLIER_ACTIONS)
    list_display = ("name", "health_shown", "balance_shown", "pause_shown", "offers_shown", "active_shown")
    list_filter = (TroubleFilter, *SupplierAdmin.list_filter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Supplier]:
        """With health and balance."""
        rows: QuerySet[Supplier] = super().get_queryset(request).select_related("health", "balance")
        return rows

    def version_of(self, obj: Supplier) -> str:
        """The pause and the breaker as they stand."""
        health = breaking.of(obj)
        return f"{obj.paused_until}/{health.breaker if health else ''}/{health.since if health else ''}"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form, below how the supplier is doing."""
        obj = kwargs.get("obj")
        if obj is not None:
            context.update(health_facts=supplier_health.facts(obj), health_sections=supplier_health.sections(obj))
        return super().render_change_form(request, context, *args, **kwargs)

    @display(
        description=gettext_lazy("New orders"),
        ordering="health__breaker",
        label={"success": "success", "warning": "warning", "danger": "danger"},
    )
    def health_shown(self, supplier: Supplier) -> tuple[str, str]:
        """Whether orders go there, and why not."""
        cell = supplier_health.state_cell(supplier)
        return cell.tone, cell.text

    @display(description=gettext_lazy("Balance"), ordering="balance__credit")
    def balance_shown(self, supplier: Supplier) -> str:
        """Our credit as last told."""
        return supplier_health.balance_text(balances.of(supplier))
