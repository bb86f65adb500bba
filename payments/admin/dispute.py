"""Disputes: what the bank wants to know, until when, and what the shop can prove."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from payments import disputing
from payments.admin.dispute_actions import DISPUTE_ACTIONS, Situation, situation_of
from payments.evidence_pdf import render_pdf
from payments.models import Dispute, EvidencePack
from payments.states import DisputeState, PackState
from unlockshop.kernel import clock
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import (
    Cell,
    Fact,
    Facts,
    Section,
    Table,
    age,
    change_url,
    label,
    moment,
    moment_column,
    span,
)

STATE_TONES: Final[dict[str, str]] = {
    DisputeState.NEEDS_RESPONSE: "danger",
    DisputeState.UNDER_REVIEW: "info",
    DisputeState.WON: "success",
    DisputeState.LOST: "warning",
    DisputeState.WITHDRAWN: "neutral",
}
PACK_TONES: Final[dict[str, str]] = {
    PackState.ASSEMBLED: "neutral",
    PackState.SUBMITTING: "danger",
    PackState.SUBMITTED: "success",
    PackState.REFUSED: "warning",
}
OPENED = moment_column("opened_at", gettext_lazy("Opened"))


def deadline(dispute: Dispute) -> tuple[str, str]:
    """How long we have, and how much that matters; empty when nobody waits for us."""
    if dispute.state != DisputeState.NEEDS_RESPONSE:
        return "", ""
    if dispute.respond_by is None:
        return _("no deadline given"), "warning"
    left = dispute.respond_by - clock.now()
    if left.total_seconds() < 0:
        return _("overdue by %(span)s") % {"span": span(-left)}, "danger"
    return _("in %(span)s") % {"span": span(left)}, "danger" if left < disputing.URGENT else "warning"


class WaitingFilter(admin.SimpleListFilter):
    """Which of them wait for us."""

    title = gettext_lazy("our answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("due", _("Due")), ("urgent", _("Due within 48 hours"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dispute]) -> QuerySet[Dispute]:
        """The waiting ones."""
        waiting = {"due": disputing.due_disputes, "urgent": disputing.urgent_disputes}.get(self.value() or "")
        return queryset.filter(pk__in=waiting().values("pk")) if waiting else queryset


@admin.register(Dispute)
class DisputeAdmin(RecordAdmin):
    """Disputes with their evidence. Nothing here is edited; the buttons act."""

    list_display = ("provider_ref", "state_shown", "amount_shown", "answer_shown", "reason", "payment", OPENED)
    list_filter = (WaitingFilter, "state", "payment__provider", "currency")
    list_select_related = ("payment",)
    ordering = ("-opened_at",)
    search_fields = ("provider_ref", "payment__charge_ref", "payment__purchase__number", "payment__purchase__email")
    search_help_text = gettext_lazy("Dispute or payment id, purchase number, e-mail")
    staff_actions = DISPUTE_ACTIONS

    def get_urls(self) -> list[URLPattern]:
        """The ordinary addresses, and that of a pack as PDF."""
        view = self.admin_site.admin_view(self.pdf_view)
        return [path("evidence/<int:pack_id>.pdf", view, name="payments_dispute_evidence"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispute]:
        """With payment and purchase."""
        rows: QuerySet[Dispute] = super().get_queryset(request).select_related("payment__purchase")
        return rows

    @display(description=gettext_lazy("State"), ordering="state", label=STATE_TONES)
    def state_shown(self, dispute: Dispute) -> tuple[str, str]:
        """The state as a coloured label."""
        return dispute.state, dispute.get_state_display()

    @display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, dispute: Dispute) -> str:
        """Amount and currency."""
        return str(dispute.money)

    @display(description=gettext_lazy("Our answer"), ordering="respond_by")
    def answer_shown(self, dispute: Dispute) -> str | SafeString:
        """How long we have."""
        text, tone = deadline(dispute)
        return label(text, tone) if text else "—"

    def situation(self, obj: Dispute) -> Situation:
        """The dispute with its packs."""
        return situation_of(obj)

    def version_of(self, obj: Dispute) -> str:
        """Changes with the dispute, and with every pack."""
        newest = situation_of(obj).newest
        return f"{obj.revision} {newest.pk} {newest.state}" if newest else str(obj.revision)

    def headline(self, obj: Dispute) -> Cell:
        """The state, and how long we have."""
        text, _tone = deadline(obj)
        hint = _("Our answer is due %(when)s.") % {"when": text} if text else ""
        return Cell(obj.get_state_display(), tone=STATE_TONES[obj.state], hint=hint)

    def action_facts(self, obj: Dispute) -> Sequence[Fact]:
        """What is at stake, until when, and which pack would go out."""
        newest = situation_of(obj).newest
        pack = f"{moment(newest.assembled_at)}, {newest.get_state_display()}" if newest else _("none")
        text, tone = deadline(obj)
        return [
            Fact(_("Purchase"), Cell(obj.payment.purchase.number, is_code=True)),
            Fact(_("Amount"), Cell(str(obj.money))),
            Fact(_("Our answer"), Cell(text or "—", tone=tone)),
            Fact(_("Newest pack"), Cell(pack)),
        ]

    def facts(self, request: HttpRequest, obj: Dispute) -> Sequence[Facts]:
        """What the bank says, and about what."""
        purchase = obj.payment.purchase
        text, tone = deadline(obj)
        about = [
            Fact(_("Purchase"), Cell(purchase.number, change_url(purchase), is_code=True)),
            Fact(_("Payment"), Cell(str(obj.payment), change_url(obj.payment))),
            Fact(_("Customer"), Cell(purchase.email)),
            Fact(_("Amount"), Cell(str(obj.money))),
            Fact(_("Held back"), Cell(purchase.get_frozen_for_display() or "—")),
        ]
        bank = [
            Fact(_("Dispute id"), Cell(obj.provider_ref, is_code=True)),
            Fact(_("Reason"), Cell(obj.reason.replace("_", " ") or "—")),
            Fact(_("Status there"), Cell(obj.provider_status, is_code=True)),
            Fact(_("Money"), Cell(_("taken back by the bank") if obj.funds_withdrawn else _("with us"))),
            Fact(_("Opened"), Cell(f"{moment(obj.opened_at)} ({age(obj.opened_at)})")),
            Fact(_("Answer until"), Cell(moment(obj.respond_by) or "—")),
            Fact(_("Closed"), Cell(moment(obj.closed_at) or "—")),
        ]
        if text:
            bank.insert(0, Fact(_("Our answer"), Cell(text, tone=tone)))
            bank.insert(1, Fact(_("Owner"), Cell(obj.owner.capitalize())))
        return [Facts(_("About"), about), Facts(_("At the bank"), bank)]

    def sections(self, request: HttpRequest, obj: Dispute) -> Sequence[Section]:
        """The packs, and the newest as it would be sent: for those who may see them."""
        if not self._may_read_packs(request):
            return []
        packs = list(obj.packs.order_by("-pk").defer("facts"))
        found = [_packs(packs)]
        if packs:
            note = _("Exactly these texts go to the bank. Results are not among them.")
            found.append(Section(_("Newest pack"), "admin/parts/pre.html", _preview(packs[0]), note=note))
        return found

    def pdf_view(self, request: HttpRequest, pack_id: int) -> HttpResponse:
        """A pack as a file to save. It holds personal data: never cached, and noted who took it."""
        if not self._may_read_packs(request):
            raise PermissionDenied
        pack = EvidencePack.objects.select_related("dispute").filter(pk=pack_id).first()
        if pack is None:
            raise Http404
        self.log_change(request, pack.dispute, f"PDF of evidence pack {pack.pk} downloaded")
        answer = HttpResponse(render_pdf(pack), content_type="application/pdf")
        answer["Content-Disposition"] = f'attachment; filename="evidence-{pack.pk}.pdf"'
        answer["Cache-Control"] = "private, no-store"
        answer["X-Content-Type-Options"] = "nosniff"
        return answer

    def _may_read_packs(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("payments.view_evidencepack")


def _packs(packs: Sequence[EvidencePack]) -> Section:
    rows = [
        [
            Cell(moment(pack.assembled_at)),
            Cell(pack.get_state_display(), tone=PACK_TONES[pack.state]),
            Cell(f"{moment(pack.submitted_at)} {pack.submitted_by}".strip() or "—"),
            Cell(pack.failure or "—"),
            Cell(_("PDF"), reverse("admin:payments_dispute_evidence", args=[pack.pk])),
        ]
        for pack in packs
    ]
    headers = [_("Assembled"), _("State"), _("Sent"), _("What went wrong"), _("File")]
    return Section(_("Evidence"), "admin/parts/table.html", Table(headers, rows, _("No pack was assembled.")))


def _preview(pack: EvidencePack) -> str:
    return "\n\n".join(f"== {name}\n{value}" for name, value in sorted(pack.fields.items()))
