"""Money given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from payments import refunding, reopening
from payments.forms import PaidByHandForm, RefundAgainForm, RetryRefundForm, SetAsideForm
from payments.models import Refund
from payments.states import RefundState
from payments.wording import rule_label
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, change_url, moment, moment_column, unbroken
from unlockshop.kernel.work import WorkState

REFUND_TONES: Final[dict[str, str]] = {
    RefundState.REQUESTED: "info",
    RefundState.SENDING: "info",
    RefundState.PENDING: "info",
    RefundState.UNCERTAIN: "warning",
    RefundState.SUCCEEDED: "success",
    RefundState.FAILED: "danger",
}
ASKED = moment_column("created_at", gettext_lazy("Asked for"))


def _send_again(refund: Refund, _data: Mapping[str, Any], _actor: Actor) -> str:
    if not refunding.send_again(refund):
        raise Refused(_("the refund does not wait for staff any more"), code="not_waiting")
    return _("The provider is asked again, with the same key.")


SEND_AGAIN = StaffAction(
    "send-again",
    gettext_lazy("Ask the provider again"),
    gettext_lazy("Looks for the refund at the provider first where its key may be forgotten. Never refunds twice."),
    RetryRefundForm,
    lambda refund: (
        refund.work_state == WorkState.NEEDS_STAFF and refund.state not in {RefundState.FAILED, RefundState.SUCCEEDED}
    ),
    _send_again,
)


def _refund_again(refund: Refund, data: Mapping[str, Any], actor: Actor) -> str:
    made = reopening.refund_again(refund, override=data["reason"], actor=actor)
    return _("%(money)s are on their way back once more.") % {"money": made.money}


def _paid_by_hand(refund: Refund, data: Mapping[str, Any], actor: Actor) -> str:
    made = reopening.paid_by_hand(refund, PaidByHandForm.sent(data), actor=actor)
    return _("Booked: %(money)s were sent back in another way.") % {"money": made.money}


def _set_aside(refund: Refund, data: Mapping[str, Any], _actor: Actor) -> str:
    reopening.set_aside(refund, reason=data["reason"])
    return _("It waits no longer.")


REFUND_AGAIN = StaffAction(
    "refund-again",
    gettext_lazy("Refund again"),
    gettext_lazy("Makes a new refund of the same amount on the same rule, to where the money came from."),
    RefundAgainForm,
    reopening.waits,
    _refund_again,
    is_danger=True,
)
PAID_BY_HAND = StaffAction(
    "paid-by-hand",
    gettext_lazy("Paid in another way"),
    gettext_lazy("You have sent the money past the provider. It is booked, and the customer is told."),
    PaidByHandForm,
    reopening.waits,
    _paid_by_hand,
    is_danger=True,
)
SET_ASIDE = StaffAction(
    "set-aside",
    gettext_lazy("Set aside"),
    gettext_lazy("Nothing is owed any more. Nothing is sent or booked."),
    SetAsideForm,
    reopening.waits,
    _set_aside,
)


class WaitingFilter(admin.SimpleListFilter):
    """Whether a person must see to it."""

    title = gettext_lazy("waits for staff")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choice."""
        return [("yes", _("Failed or stuck"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refund]) -> QuerySet[Refund]:
        """The waiting ones."""
        return queryset.filter(work_state=WorkState.NEEDS_STAFF) if self.value() == "yes" else queryset


@admin.register(Refund)
class RefundAdmin(RecordAdmin):
    """Every refund, with the rule it rests on."""

    list_display = ("amount_shown", "purchase_shown", "provider_shown", "rule_shown", "state_shown", "by_shown", ASKED)
    list_filter = (WaitingFilter, "state", "work_state", "rule", "is_external", "payment__provider")
    list_select_related = ("payment__purchase", "order")
    search_fields = (
        "provider_ref", "payment__provider_ref", "payment__charge_ref", "payment__purchase__number", "order__number",
    )  # fmt: skip
    search_help_text = gettext_lazy("Refund or payment id, purchase or order number")
    staff_actions = (REFUND_AGAIN, PAID_BY_HAND, SET_ASIDE, SEND_AGAIN)

    @display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, refund: Refund) -> str:
        """Amount and currency."""
        return str(refund.money)

    @display(description=gettext_lazy("Purchase"), ordering="payment__purchase__number")
    def purchase_shown(self, refund: Refund) -> str:
        """The number that the customer quotes."""
        return unbroken(refund.payment.purchase.number)

    @display(description=gettext_lazy("Provider"), ordering="payment__provider")
    def provider_shown(self, refund: Refund) -> str:
        """Where the money goes back through."""
        return refund.payment.provider

    @display(description=gettext_lazy("Rule"), ordering="rule")
    def rule_shown(self, refund: Refund) -> str:
        """What it rests on."""
        return rule_label(refund.rule)

    @display(description=gettext_lazy("By"), ordering="actor_label")
    def by_shown(self, refund: Refund) -> str:
        """Who decided."""
        return refund.actor_label

    @display(description=gettext_lazy("State"), ordering="state", label=REFUND_TONES)
    def state_shown(self, refund: Refund) -> tuple[str, str]:
        """The state as a coloured label."""
        return refund.state, refund.get_state_display()

    def version_of(self, obj: Refund) -> str:
        """How far it has come."""
        return f"{obj.state} {obj.work_state} {obj.attempts}"

    def headline(self, obj: Refund) -> Cell:
        """The state, why it failed, and what staff have made of that."""
        hint = "" if obj.failure in {"", "failed"} else obj.failure.replace("_", " ")
        if obj.state == RefundState.FAILED:
            hint = hint or _("no reason was given")
            came_back = _("It had gone out and came back: %(failure)s.") % {"failure": hint}
            hint = came_back if obj.succeeded_at else _("It never went out: %(failure)s.") % {"failure": hint}
            if not reopening.waits(obj):
                hint = f"{hint} {_('Somebody has seen to it.')}"
        return Cell(obj.get_state_display(), tone=REFUND_TONES[obj.state], hint=hint)

    def action_facts(self, obj: Refund) -> Sequence[Fact]:
        """How much goes to whom, and on which grounds."""
        return [
            Fact(_("Purchase"), Cell(obj.payment.purchase.number, is_code=True)),
            Fact(_("Customer"), Cell(obj.payment.purchase.email)),
            Fact(_("Amount"), Cell(str(obj.money))),
            Fact(_("Rule"), Cell(rule_label(obj.rule))),
            Fact(_("Reason"), Cell(obj.reason)),
        ]

    def facts(self, request: HttpRequest, obj: Refund) -> Sequence[Facts]:
        """Why, how much, by whom; what the provider says."""
        purchase = obj.payment.purchase
        order = Cell(obj.order.number, change_url(obj.order), is_code=True) if obj.order else Cell("—")
        decision = [
            Fact(_("Amount"), Cell(str(obj.money))),
            Fact(_("Purchase"), Cell(purchase.number, change_url(purchase), is_code=True)),
            Fact(_("Customer"), Cell(purchase.email)),
            Fact(_("Payment"), Cell(str(obj.payment), change_url(obj.payment))),
            Fact(_("Order"), order),
            Fact(_("Rule"), Cell(rule_label(obj.rule))),
            Fact(_("Reason"), Cell(obj.reason)),
            Fact(_("Although the order was open"), Cell(obj.override_reason or "—")),
            Fact(_("Decided by"), Cell(obj.actor_label or obj.actor_kind)),
        ]
        provider = [
            Fact(_("Sent by hand"), Cell(obj.get_by_hand_display() or "—")),
            Fact(_("Refund id"), Cell(obj.provider_ref or "—", is_code=True)),
            Fact(_("Key"), Cell(str(obj.pk), is_code=True)),
            Fact(_("First asked"), Cell(moment(obj.send_started_at) or "—")),
            Fact(_("Tries"), Cell(obj.attempts)),
            Fact(_("Next try"), Cell(moment(obj.next_action_at) or "—")),
            Fact(_("Succeeded"), Cell(moment(obj.succeeded_at) or "—")),
            Fact(_("Last error"), Cell(obj.last_error or "—")),
        ]
        return [Facts(_("Decision"), decision), Facts(_("At the provider"), provider)]
