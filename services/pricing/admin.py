"""Staff pages of margins and cost rates, and the list action that takes proposed prices over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from services.models import CostRate, MarginRule, Service
from services.pricing import proposing
from services.pricing.costs import Cost
from services.pricing.forms import CostRateForm, MarginRuleForm
from services.pricing.proposing import Proposal
from unlockshop.kernel.staff_bulk import BulkAction, BulkActionAdmin, Report, Seen
from unlockshop.kernel.staff_parts import Cell, Table, change_url


@admin.register(MarginRule)
class MarginRuleAdmin(ModelAdmin):
    """How prices are proposed from costs."""

    form = MarginRuleForm
    list_display = ("scope_shown", "currency", "percent", "fixed", "step", "ending")
    list_filter = ("currency", "category")
    list_select_related = ("category",)
    fields = (("category", "currency"), ("percent", "fixed"), ("step", "ending"))

    @display(description=gettext_lazy("For"), ordering="category__name")
    def scope_shown(self, rule: MarginRule) -> str:
        """The category, or all."""
        return str(rule.category) if rule.category else _("all categories")


@admin.register(CostRate)
class CostRateAdmin(ModelAdmin):
    """Rates for comparing suppliers' costs. No customer pays by them."""

    form = CostRateForm
    list_display = ("__str__", "as_of", "set_by")
    fields = (("currency", "rate"), "as_of")

    def save_model(self, request: HttpRequest, obj: CostRate, form: Any, change: bool) -> None:
        """With who set it."""
        assert request.user.is_authenticated
        obj.set_by = request.user.email[:120]
        super().save_model(request, obj, form, change)


def _take_over(seen: Seen, _data: Any, _actor: Any) -> Report:
    written, stale = proposing.take_over(seen)
    problems = [_("%(service)s: its proposal has changed meanwhile") % {"service": service} for service in stale]
    notes = [(each.service, f"price {each.now or '—'} → {each.price}") for each in written]
    return Report(len(written), problems, notes)


TAKE_PRICES = BulkAction(
    "take_prices",
    gettext_lazy("Take over proposed prices"),
    gettext_lazy(
        "These prices follow from the dearest active offer and the margin rules. Customers see them at once."
    ),
    _take_over,
)


class ProposingAdmin(BulkActionAdmin):
    """The services' list with the action that shows proposed prices and takes them over."""

    bulk_actions = (TAKE_PRICES,)

    def may_choose(self, request: HttpRequest) -> bool:
        """Who may change services and prices."""
        return super().may_choose(request) and bool(request.user.has_perm("services.change_serviceprice"))

    def bulk_versions(self, rows: Sequence[Service]) -> dict[int, str]:
        """The proposals as they are shown."""
        found = proposing.by_service(proposing.propose(row.pk for row in rows))
        return {service_id: proposing.version_of(proposals) for service_id, proposals in found.items()}

    def bulk_table(self, action: BulkAction, rows: Sequence[Service]) -> Table:
        """Cost, price now and proposed price of each."""
        headers = [_("Service"), _("Dearest cost"), _("Price now"), _("Proposed"), _("Note")]
        return Table(headers, [_cells(each) for each in proposing.propose(row.pk for row in rows)])


def _cells(proposal: Proposal) -> list[Cell]:
    notes = [proposal.problem] if proposal.problem else []
    if proposal.is_below_cost:
        notes.insert(0, _("sold below cost now"))
    if proposal.price is not None and not proposal.is_change:
        notes.append(_("nothing to change"))
    cost = "—" if proposal.cost is None else str(Cost(proposal.cost, proposal.currency).up())
    return [
        Cell(proposal.service.name, change_url(proposal.service)),
        Cell(cost),
        Cell(str(proposal.now or "—")),
        Cell(str(proposal.price or "—")),
        Cell("; ".join(notes), tone="danger" if proposal.is_below_cost else ""),
    ]
