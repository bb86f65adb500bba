"""Money in, with its postings and what the provider told us about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders.admin.search import find_purchases
from orders.admin.wording import WORK_TONES
from orders.models import Purchase
from payments import refunding
from payments.admin.dispute_actions import CLEAR_WARNING
from payments.admin.refund import REFUND_TONES
from payments.forms import RefundForm
from payments.models import Dispute, FraudWarning, LedgerTransaction, Payment, Refund, WebhookDelivery
from payments.refunding import Grounds
from payments.states import PaymentState
from payments.wording import rule_label
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.money import Money
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, change_url, moment, moment_column

TABLE: Final = "admin/parts/table.html"
PAYMENT_TONES: Final[dict[str, str]] = {
    PaymentState.CREATED: "neutral",
    PaymentState.OPEN: "info",
    PaymentState.PENDING: "info",
    PaymentState.CAPTURED: "success",
    PaymentState.FAILED: "neutral",
    PaymentState.EXPIRED: "neutral",
    PaymentState.PARKED: "danger",
}
CREATED = moment_column("created_at", gettext_lazy("Created"))


class AttentionFilter(admin.SimpleListFilter):
    """Whether staff must look at it."""

    title = gettext_lazy("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("any", _("Needs attention"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        """The flagged ones."""
        return queryset.exclude(attention="") if self.value() == "any" else queryset


def _refund(payment: Payment, data: Mapping[str, Any], actor: Actor) -> str:
    grounds = Grounds(rule=data["rule"], reason=data["reason"], override=data["override"])
    order = data["order"]
    refund = refunding.request_refund(
        payment.pk,
        money=Money(data["amount"], payment.currency),
        grounds=grounds,
        actor=actor,
        order_id=order.pk if order else None,
    )
    return _("%(money)s are on their way back.") % {"money": refund.money}


REFUND = StaffAction(
    "refund",
    gettext_lazy("Refund"),
    gettext_lazy("Gives money back to where it came from. The provider is asked by a worker, once."),
    RefundForm,
    lambda payment: refunding.refundable(payment).amount > 0,
    _refund,
    is_danger=True,
)


@admin.register(Payment)
class PaymentAdmin(RecordAdmin):
    """Money in, as the provider confirmed it."""

    staff_actions = (REFUND, CLEAR_WARNING)
    list_display = (
        "purchase",
        "provider",
        "amount_shown",
        "state_shown",
        "attention_shown",
        "reference",
        CREATED,
    )
    list_filter = (AttentionFilter, "state", "provider", "currency", "is_live")
    list_select_related = ("purchase",)
    search_fields = ("provider_ref",)
    search_help_text = gettext_lazy("Payment or charge id, purchase or order number, IMEI, e-mail")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Payment], search_term: str
    ) -> tuple[QuerySet[Payment], bool]:
        """By the provider's ids, or by the purchases that the term may mean."""
        term = search_term.strip()
        if not term:
            return queryset, False
        purchases = find_purchases(Purchase.objects.order_by(), term).values("pk")
        return queryset.filter(Q(provider_ref=term) | Q(charge_ref=term) | Q(purchase__in=purchases)), False

    @display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, payment: Payment) -> str:
        """Amount and currency."""
        return str(payment.money)

    @display(description=gettext_lazy("State"), ordering="state", label=PAYMENT_TONES)
    def state_shown(self, payment: Payment) -> tuple[str, str]:
        """The state as a coloured label."""
        return payment.state, payment.get_state_display()

    @display(description=gettext_lazy("Attention"), ordering="attention", label={"danger": "danger"})
    def attention_shown(self, payment: Payment) -> Any:
        """Why staff must look."""
        return ("danger", payment.attention) if payment.attention else ""

    @display(description=gettext_lazy("Charge or payment id"))
    def reference(self, payment: Payment) -> str:
        """The id that the provider shows."""
        return payment.charge_ref or payment.provider_ref or "—"

    def version_of(self, obj: Payment) -> str:
        """What is left to refund: two people cannot give the same money back."""
        return f"{obj.state} {refunding.refundable(obj)}"

    def action_facts(self, obj: Payment) -> Sequence[Fact]:
        """Whose money it is, and how much of it there is."""
        return [
            Fact(_("Purchase"), Cell(obj.purchase.number, is_code=True)),
            Fact(_("Customer"), Cell(obj.purchase.email)),
            Fact(_("Amount"), Cell(str(obj.money))),
            Fact(_("Can still be refunded"), Cell(str(refunding.refundable(obj)))),
        ]

    def headline(self, obj: Payment) -> Cell:
        """The state; what staff must look at."""
        hint = obj.get_attention_display() if obj.attention else ""
        return Cell(obj.get_state_display(), tone=PAYMENT_TONES[obj.state], hint=hint)

    def facts(self, request: HttpRequest, obj: Payment) -> Sequence[Facts]:
        """How much, for what, under which ids."""
        money = [
            Fact(_("Purchase"), Cell(obj.purchase.number, change_url(obj.purchase), is_code=True)),
            Fact(_("Customer"), Cell(obj.purchase.email)),
            Fact(_("Amount"), Cell(str(obj.money))),
            Fact(_("Created"), Cell(moment(obj.created_at))),
            Fact(_("Captured"), Cell(moment(obj.captured_at) or "—")),
            Fact(_("Provider's fee"), Cell(str(obj.fee_money or "—"))),
            Fact(_("Can still be refunded"), Cell(str(refunding.refundable(obj)))),
        ]
        if obj.declined_at:
            money.append(Fact(_("Last declined"), Cell(moment(obj.declined_at))))
        provider = [
            Fact(_("Provider"), Cell(obj.provider)),
            Fact(_("Payment id"), Cell(obj.provider_ref or "—", is_code=True)),
            Fact(_("Charge id"), Cell(obj.charge_ref or "—", is_code=True)),
            Fact(_("Mode"), Cell(_("live") if obj.is_live else _("test"))),
            Fact(_("Asked again"), Cell(moment(obj.next_action_at) or "—")),
        ]
        if obj.note:
            money.append(Fact(_("Note"), Cell(obj.note)))
        return [Facts(_("Money"), money), Facts(_("At the provider"), provider)]

    def sections(self, request: HttpRequest, obj: Payment) -> Sequence[Section]:
        """Refunds, disputes, postings and webhook deliveries: what this person may see."""
        found = []
        if request.user.has_perm("payments.view_refund"):
            found.append(_refunds(obj.refunds.select_related("order")))
        if request.user.has_perm("payments.view_dispute"):
            found.append(_disputes(obj.disputes.order_by("-pk")))
        if request.user.has_perm("payments.view_ledgertransaction"):
            found.append(_postings(obj.postings.prefetch_related("entries")))
        if request.user.has_perm("payments.view_webhookdelivery"):
            found.append(_deliveries(obj.deliveries.all()))
        if request.user.has_perm("payments.view_dispute") and obj.warnings.exists():
            found.append(_warnings(obj.warnings.all()))
        return found


def _refunds(refunds: QuerySet[Refund]) -> Section:
    rows = [
        [
            Cell(str(refund.money), change_url(refund)),
            Cell(refund.order.number if refund.order else "—", is_code=True),
            Cell(rule_label(refund.rule)),
            Cell(refund.get_state_display(), tone=REFUND_TONES[refund.state]),
            Cell(refund.actor_label),
            Cell(moment(refund.created_at)),
        ]
        for refund in refunds
    ]
    head = [_("Amount"), _("Order"), _("Rule"), _("State"), _("By"), _("Asked for")]
    return Section(_("Refunds"), TABLE, Table(head, rows, _("Nothing was given back.")))


def _disputes(disputes: QuerySet[Dispute]) -> Section:
    rows = [
        [
            Cell(dispute.provider_ref, change_url(dispute)),
            Cell(str(dispute.money)),
            Cell(dispute.get_state_display()),
            Cell(moment(dispute.opened_at)),
        ]
        for dispute in disputes
    ]
    head = [_("Dispute"), _("Amount"), _("State"), _("Opened")]
    return Section(_("Disputes"), TABLE, Table(head, rows, _("None.")))


def _warnings(warnings: QuerySet[FraudWarning]) -> Section:
    rows = [
        [Cell(each.provider_ref, is_code=True), Cell(each.reason), Cell(moment(each.seen_at))] for each in warnings
    ]
    return Section(_("Fraud warnings"), TABLE, Table([_("Id"), _("Reason"), _("Seen")], rows))


def _postings(postings: QuerySet[LedgerTransaction]) -> Section:
    rows = [
        [
            Cell(posting.key, change_url(posting), is_code=True),
            Cell(entry.get_account_display()),
            Cell(str(Money(entry.amount, entry.currency))),
            Cell(moment(posting.at)),
        ]
        for posting in postings
        for entry in posting.entries.all()
    ]
    headers = [_("Posting"), _("Account"), _("Amount"), _("Booked")]
    return Section(_("Ledger"), TABLE, Table(headers, rows, _("Nothing was booked.")))


def _deliveries(deliveries: QuerySet[WebhookDelivery]) -> Section:
    rows = [
        [
            Cell(delivery.event_type, change_url(delivery)),
            Cell(delivery.event_id, is_code=True),
            Cell(delivery.get_work_state_display(), tone=WORK_TONES[delivery.work_state]),
            Cell(moment(delivery.received_at)),
        ]
        for delivery in deliveries.defer("payload")
    ]
    headers = [_("Event"), _("Id"), _("State"), _("Received")]
    return Section(_("Webhook deliveries"), TABLE, Table(headers, rows, _("None arrived.")))
