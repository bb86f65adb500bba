"""What is alleged and established about orders and devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from refunds.models import Fact
from refunds.states import FactStanding
from unlockshop.kernel import staff_parts
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import Cell, Facts, change_url, moment, moment_column, unbroken

STANDING_TONES: Final[dict[str, str]] = {FactStanding.ALLEGED: "warning", FactStanding.ESTABLISHED: "info"}
RECORDED = moment_column("recorded_at", gettext_lazy("Recorded"))


@admin.register(Fact)
class FactAdmin(RecordAdmin):
    """Facts with their evidence. They are recorded and taken back on the page of a claim."""

    list_display = ("name_shown", "standing_shown", "device_shown", "order", "by_label", RECORDED, "holds")
    list_filter = ("standing", "name")
    list_select_related = ("order",)
    search_fields = ("identifier", "order__number", "evidence", "by_label")
    search_help_text = gettext_lazy("Device, order number, evidence, who recorded it")

    @display(description=gettext_lazy("Fact"), ordering="name")
    def name_shown(self, fact: Fact) -> str:
        """What is said."""
        return fact.get_name_display()

    @display(description=gettext_lazy("How firm"), ordering="standing", label=STANDING_TONES)
    def standing_shown(self, fact: Fact) -> tuple[str, str]:
        """Alleged or established."""
        return fact.standing, fact.get_standing_display()

    @display(description=gettext_lazy("Device"), ordering="identifier")
    def device_shown(self, fact: Fact) -> str:
        """The device's number in one line."""
        return unbroken(fact.identifier)

    @display(description=gettext_lazy("Holds"), boolean=True)
    def holds(self, fact: Fact) -> bool:
        """Whether it was not taken back."""
        return fact.withdrawn_at is None

    def facts(self, request: HttpRequest, obj: Fact) -> Sequence[Facts]:
        """Everything about it."""
        order = Cell(obj.order.number, change_url(obj.order), is_code=True) if obj.order else Cell(_("every order"))
        rows = [
            staff_parts.Fact(_("Fact"), Cell(obj.get_name_display())),
            staff_parts.Fact(_("How firm"), Cell(obj.get_standing_display(), tone=STANDING_TONES[obj.standing])),
            staff_parts.Fact(_("Device"), Cell(obj.identifier, is_code=True)),
            staff_parts.Fact(_("Order"), order),
            staff_parts.Fact(_("Evidence"), Cell(obj.evidence or "—")),
            staff_parts.Fact(_("Came to be"), Cell(moment(obj.happened_at) or "—")),
            staff_parts.Fact(_("Recorded"), Cell(f"{moment(obj.recorded_at)}, {obj.by_label}")),
        ]
        if obj.withdrawn_at:
            said = f"{moment(obj.withdrawn_at)}, {obj.withdrawn_by}: {obj.withdrawn_reason}"
            rows.append(staff_parts.Fact(_("Taken back"), Cell(said, tone="danger")))
        return [Facts(_("Fact"), rows)]
