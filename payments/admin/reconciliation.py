"""Where a provider's books and ours differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from payments import reconciling
from payments.forms import ExplainForm
from payments.models import Break, ReconciliationRun
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, change_url, moment, moment_column

STARTED = moment_column("started_at", gettext_lazy("Started"))


def _explain(row: Break, data: Mapping[str, Any], actor: Actor) -> str:
    reconciling.explain(row.pk, explanation=data["reason"], actor=actor)
    return _("The difference is explained.")


EXPLAIN = StaffAction(
    "explain",
    gettext_lazy("Explain"),
    gettext_lazy("Closes the difference. The same one is not opened again."),
    ExplainForm,
    lambda row: row.closed_at is None,
    _explain,
)


class OpenFilter(admin.SimpleListFilter):
    """Open ones or explained ones."""

    title = gettext_lazy("explained")
    parameter_name = "explained"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("no", _("Not explained")), ("yes", _("Explained"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The chosen ones."""
        return queryset.filter(closed_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(Break)
class BreakAdmin(RecordAdmin):
    """Differences, open ones first."""

    list_display = ("kind", "provider_ref", "detail", "age", "owner", "explanation")
    list_filter = (OpenFilter, "kind", "provider")
    search_fields = ("provider_ref", "detail")
    staff_actions = (EXPLAIN,)

    @display(description=gettext_lazy("Age"), ordering="first_seen_at")
    def age(self, row: Break) -> str:
        """How long it has been open."""
        return timesince(row.first_seen_at, row.closed_at or clock.now())

    def version_of(self, obj: Break) -> str:
        """Whether it is explained."""
        return str(obj.closed_at)

    def headline(self, obj: Break) -> Cell:
        """What kind, and whether it is explained."""
        tone = "danger" if obj.closed_at is None else "success"
        return Cell(obj.get_kind_display(), tone=tone, hint=obj.explanation)

    def facts(self, request: HttpRequest, obj: Break) -> Sequence[Facts]:
        """What differs, since when, whose it is."""
        payment = Cell(str(obj.payment), change_url(obj.payment)) if obj.payment else Cell("—")
        rows = [
            Fact(_("Provider"), Cell(obj.provider)),
            Fact(_("Their id"), Cell(obj.provider_ref, is_code=True)),
            Fact(_("Payment"), payment),
            Fact(_("Difference"), Cell(obj.detail)),
            Fact(_("Owner"), Cell(obj.owner)),
            Fact(_("First seen"), Cell(moment(obj.first_seen_at))),
            Fact(_("Last seen"), Cell(moment(obj.last_seen_at))),
            Fact(_("Explained"), Cell(moment(obj.closed_at) or "—")),
        ]
        return [Facts(_("Difference"), rows)]


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(RecordAdmin):
    """Every pass."""

    list_display = ("provider", STARTED, "payments_seen", "refunds_seen", "repaired", "error")
    list_filter = ("provider",)

    def headline(self, obj: ReconciliationRun) -> Cell:
        """Whether it came to its end."""
        return Cell(obj.error or _("Finished"), tone="danger" if obj.error else "success")

    def facts(self, request: HttpRequest, obj: ReconciliationRun) -> Sequence[Facts]:
        """What it saw and did."""
        rows = [
            Fact(_("Provider"), Cell(obj.provider)),
            Fact(_("Looked back to"), Cell(moment(obj.since))),
            Fact(_("Started"), Cell(moment(obj.started_at))),
            Fact(_("Finished"), Cell(moment(obj.finished_at) or "—")),
            Fact(_("Payments seen"), Cell(obj.payments_seen)),
            Fact(_("Refunds seen"), Cell(obj.refunds_seen)),
            Fact(_("Repaired"), Cell(obj.repaired)),
        ]
        return [Facts(_("Pass"), rows)]
