"""What was measured of suppliers' lists, one followed-up order a row."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders.models import ListingProbe
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, change_url, moment, moment_column

SINCE = moment_column("since", gettext_lazy("Accepted"))


@admin.register(ListingProbe)
class ListingProbeAdmin(RecordAdmin):
    """How long suppliers take to list an order."""

    list_display = ("attempt", "supplier", SINCE, "verdict_shown", "lag_shown", "looks", "is_watch")
    list_filter = ("verdict", "supplier", "is_watch")
    search_fields = ("attempt__reference",)
    search_help_text = gettext_lazy("Our reference")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ListingProbe]:
        """With attempt and supplier."""
        rows: QuerySet[ListingProbe] = super().get_queryset(request).select_related("attempt", "supplier")
        return rows.defer("supplier__api_key")

    @display(description=gettext_lazy("Verdict"), ordering="verdict")
    def verdict_shown(self, probe: ListingProbe) -> str:
        """What it came to."""
        return str(probe.get_verdict_display())

    @display(description=gettext_lazy("Listed after"), ordering="lag_at_most")
    def lag_shown(self, probe: ListingProbe) -> str:
        """Between the last look in vain and the one that found it."""
        if probe.lag_at_most is None:
            return "—"
        return _("%(least)d to %(most)d s") % {"least": probe.lag_at_least, "most": probe.lag_at_most}

    def facts(self, request: HttpRequest, obj: ListingProbe) -> list[Facts]:
        """The attempt, and how it went."""
        rows = [
            Fact(_("Attempt"), Cell(obj.attempt.reference, change_url(obj.attempt), is_code=True)),
            Fact(_("Supplier"), Cell(obj.supplier.name, change_url(obj.supplier))),
            Fact(_("Accepted"), Cell(moment(obj.since))),
            Fact(_("Verdict"), Cell(str(obj.get_verdict_display()))),
            Fact(_("Listed after"), Cell(self.lag_shown(obj))),
            Fact(_("Looks"), Cell(obj.looks)),
            Fact(_("Next look"), Cell(moment(obj.next_action_at) or "—")),
        ]
        return [Facts(_("Follow-up"), rows)]
