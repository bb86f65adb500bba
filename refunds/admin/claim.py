"""Claims: the queue by due date, and one page with everything that a decision rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from refunds import queues, reviewing
from refunds.admin import reading_on, review, sections
from refunds.admin.actions import CLAIM_ACTIONS
from refunds.admin.video import sections_of_videos
from refunds.judging import Ruling
from refunds.models import Claim
from refunds.states import WAITING, ClaimState
from unlockshop.kernel import clock
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import (
    Cell,
    Fact,
    Facts,
    Section,
    change_url,
    label,
    moment,
    moment_column,
    span,
)

S = ClaimState
STATE_TONES: Final[dict[str, str]] = {
    S.WAITING_STAFF: "danger",
    S.WAITING_CUSTOMER: "neutral",
    S.WAITING_SUPPLIER: "info",
    S.APPROVED: "warning",
    S.SETTLED: "success",
    S.DENIED: "neutral",
    S.LAPSED: "neutral",
    S.WITHDRAWN: "neutral",
}
OPENED = moment_column("opened_at", gettext_lazy("Opened"))


class QueueFilter(admin.SimpleListFilter):
    """What waits for us."""

    title = gettext_lazy("waits for")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("staff", _("Our decision")), ("overdue", _("Our decision, overdue")), ("money", _("Its money")),
                ("trouble", _("Its money, in trouble")), ("second", _("A second person"))]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Claim]) -> QuerySet[Claim]:
        """Those claims."""
        waiting = queues.named(self.value() or "")
        return queryset if waiting is None else queryset.filter(pk__in=waiting.order_by().values("pk"))


@admin.register(Claim)
class ClaimAdmin(RecordAdmin):
    """Claims, the first due first. Nothing here is edited; the buttons act."""

    list_display = ("order_shown", "type_shown", "state_shown", "due_shown", "engine_shown", "amount_shown", OPENED)
    list_filter = (QueueFilter, "state", "type", "engine_decision")
    list_select_related = ("order",)
    search_fields = ("order__number", "order__purchase__email", "order__identifier", "engine_code", "code")
    search_help_text = gettext_lazy("Order number, e-mail, device, reason code")
    staff_actions = CLAIM_ACTIONS
    list_before_template = "admin/parts/claim_ages.html"
    change_form_template = "admin/claim.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        """With order, purchase and refund; the first due first."""
        rows: QuerySet[Claim] = super().get_queryset(request).select_related("order__purchase", "refund")
        return rows.defer("order__result")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """The first due first, then what waits for nobody, the newest first."""
        return list(queues.ORDERING)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list below its counts by kind and age."""
        counts = {"claim_ages": queues.by_age(), "claim_age_titles": queues.AGE_TITLES}
        page: HttpResponse = super().changelist_view(request, counts | (extra_context or {}))
        return page

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With the ways to the claims before and after it in the queue."""
        obj = kwargs.get("obj")
        if obj is not None:
            context["reading_on"] = reading_on.around(request, obj)
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("Order"))
    def order_shown(self, claim: Claim) -> str:
        """The order's number."""
        return claim.order.number

    @display(description=gettext_lazy("Claim"), ordering="type")
    def type_shown(self, claim: Claim) -> str:
        """What is claimed."""
        return claim.get_type_display()

    @display(description=gettext_lazy("State"), ordering="state", label=STATE_TONES)
    def state_shown(self, claim: Claim) -> tuple[str, str]:
        """The state as a coloured label."""
        return claim.state, claim.get_state_display()

    @display(description=gettext_lazy("Due"), ordering="due_at")
    def due_shown(self, claim: Claim) -> str | SafeString:
        """How long whoever must act has."""
        text, tone = deadline(claim)
        return label(text, tone) if text else "—"

    @display(description=gettext_lazy("By the rules"), ordering="engine_decision")
    def engine_shown(self, claim: Claim) -> str:
        """What the rules answered, and by which code."""
        return claim.engine_code or "—"

    @display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, claim: Claim) -> str:
        """What goes back, once that is decided."""
        return str(claim.money) if claim.state in {S.APPROVED, S.SETTLED} else "—"

    def version_of(self, obj: Claim) -> str:
        """Changes with every line of the trail, so that of two people one decides."""
        return f"{obj.state} {obj.events.count()}"

    def headline(self, obj: Claim) -> Cell:
        """The state, and who must act by when."""
        text, _tone = deadline(obj)
        hint = _("Due %(when)s.") % {"when": text} if text else ""
        return Cell(obj.get_state_display(), tone=STATE_TONES[obj.state], hint=obj.trouble or hint)

    def action_facts(self, obj: Claim) -> Sequence[Fact]:
        """What a decision needs in sight: what is asked, and what the rules say."""
        ruling = reviewing.judged(obj)
        return [
            Fact(_("Order"), Cell(obj.order.number, is_code=True)),
            Fact(_("Claim"), Cell(obj.get_type_display())),
            Fact(_("Price"), Cell(str(obj.order.money))),
            Fact(_("By the rules"), rules_cell(ruling)),
            Fact(_("Clauses"), Cell(" ".join(ruling.clause_ids) or "—", is_code=True)),
            *review.second_facts(obj),
        ]

    def action_sections(self, request: HttpRequest, obj: Claim, action: StaffAction) -> Sequence[Section]:
        """The player beside the tick-list."""
        return sections_of_videos(request, obj) if action.name == "review" else ()

    def facts(self, request: HttpRequest, obj: Claim) -> Sequence[Facts]:
        """The claim, the order and the decision."""
        order, purchase = obj.order, obj.order.purchase
        about = [
            Fact(_("Claim"), Cell(obj.get_type_display())),
            Fact(_("Opened"), Cell(f"{moment(obj.opened_at)}, {obj.by_label}")),
            Fact(_("Asked again"), Cell(obj.repeats)),
            Fact(_("Judged by"), Cell(obj.profile, is_code=True)),
            Fact(_("Evidence asked for"), Cell(moment(obj.evidence_requested_at) or "—")),
            Fact(_("Evidence until"), Cell(moment(obj.evidence_due_at) or "—")),
            Fact(_("Supplier asked"), Cell(moment(obj.supplier_asked_at) or "—")),
            Fact(_("Supplier's answer"), Cell(obj.get_supplier_answer_display() or "—")),
        ]
        ordered = [
            Fact(_("Order"), Cell(order.number, change_url(order), is_code=True)),
            Fact(_("State"), Cell(order.get_state_display())),
            Fact(_("Service"), Cell(order.service_name)),
            Fact(_("Device"), Cell(order.identifier, is_code=True)),
            Fact(_("Price"), Cell(str(order.money))),
            Fact(_("Paid"), Cell(moment(order.paid_at))),
            Fact(_("Ended"), Cell(moment(order.ended_at) or "—")),
            Fact(_("Customer"), Cell(purchase.email)),
            Fact(_("Purchase"), Cell(purchase.number, change_url(purchase), is_code=True)),
        ]
        refund = Cell(str(obj.refund.money), change_url(obj.refund)) if obj.refund else Cell("—")
        decided = [
            Fact(_("Code"), Cell(obj.code or "—", is_code=bool(obj.code))),
            Fact(_("Decided"), Cell(f"{moment(obj.decided_at)} {obj.decided_by}".strip() or "—")),
            Fact(_("Reason"), Cell(obj.decision_reason or "—")),
            Fact(_("By the rules then"), Cell(" ".join((obj.engine_decision, obj.engine_code)) or "—", is_code=True)),
            Fact(_("Their clauses"), Cell(obj.engine_clauses or "—", is_code=True)),
            Fact(_("Decided by clauses"), Cell(obj.clauses or "—", is_code=True)),
            *review.second_facts(obj),
            Fact(_("Against the rules"), Cell(_("yes"), tone="warning") if obj.is_overrule else Cell(_("no"))),
            Fact(_("Amount"), Cell(str(obj.money) if obj.decided_at else "—")),
            Fact(_("Money out by"), Cell(moment(obj.pay_by) or "—")),
            Fact(_("Refund"), refund),
            Fact(_("Trouble"), Cell(obj.trouble, tone="danger") if obj.trouble else Cell("—")),
        ]
        return [Facts(_("Claim"), about), Facts(_("Order"), ordered), Facts(_("Decision"), decided)]

    def sections(self, request: HttpRequest, obj: Claim) -> Sequence[Section]:
        """What the rules say now, what is known, what the customer wrote, the trail, and the videos."""
        videos = [*review.reviews_section(obj), *sections_of_videos(request, obj)]
        rules, *others = sections.of_claim(obj, reviewing.judged(obj), rules_cell)
        return [rules, *videos, *others]


def deadline(claim: Claim) -> tuple[str, str]:
    """How long whoever must act has, and how much that matters; empty when nobody must."""
    due = claim.pay_by if claim.state == S.APPROVED else claim.due_at
    if due is None or claim.state not in WAITING | {S.APPROVED}:
        return "", ""
    left = due - clock.now()
    if left.total_seconds() < 0:
        return _("overdue by %(span)s") % {"span": span(-left)}, "danger"
    return _("in %(span)s") % {"span": span(left)}, "warning" if claim.state == S.WAITING_STAFF else "neutral"


def rules_cell(ruling: Ruling) -> Cell:
    """The answer of the rules as a coloured label with its code."""
    answer = ruling.answer
    tone = "success" if answer.decision.is_grant else "danger" if answer.decision == "not_eligible" else "info"
    return Cell(f"{answer.decision}: {answer.code}", tone=tone)
