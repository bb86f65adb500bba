"""Money given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from payments import refunding
from payments.forms import RetryRefundForm
from payments.models import Refund
from payments.states import RefundState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, change_url, moment, moment_column
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


@admin.register(Refund)
class RefundAdmin(RecordAdmin):
    """Every refund, with the rule it rests on."""

    list_display = ("amount_shown", "payment", "order", "rule", "state_shown", "actor_label", ASKED)
    list_filter = ("state", "work_state", "rule", "is_external", "payment__provider")
    list_select_related = ("payment", "order")
    search_fields = (
        "provider_ref", "payment__provider_ref", "payment__charge_ref", "payment__purchase__number", "order__number",
    )  # fmt: skip
    search_help_text = gettext_lazy("Refund or payment id, purchase or order number")
    staff_actions = (SEND_AGAIN,)

    @display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, refund: Refund) -> str:
        """Amount and currency."""
        return str(refund.money)

    @display(description=gettext_lazy("State"), ordering="state", label=REFUND_TONES)
    def state_shown(self, refund: Refund) -> tuple[str, str]:
        """The state as a coloured label."""
        return refund.state, refund.get_state_display()

    def version_of(self, obj: Refund) -> str:
        """How far it has come."""
        return f"{obj.state} {obj.work_state} {obj.attempts}"

    def headline(self, obj: Refund) -> Cell:
        """The state, and why it failed."""
        return Cell(obj.get_state_display(), tone=REFUND_TONES[obj.state], hint=obj.failure)

    def facts(self, request: HttpRequest, obj: Refund) -> Sequence[Facts]:
        """Why, how much, by whom; what the provider says."""
        order = Cell(obj.order.number, change_url(obj.order), is_code=True) if obj.order else Cell("—")
        decision = [
            Fact(_("Amount"), Cell(str(obj.money))),
            Fact(_("Payment"), Cell(str(obj.payment), change_url(obj.payment))),
            Fact(_("Order"), order),
            Fact(_("Rule"), Cell(obj.rule)),
            Fact(_("Reason"), Cell(obj.reason)),
            Fact(_("Although the order was open"), Cell(obj.override_reason or "—")),
            Fact(_("Decided by"), Cell(obj.actor_label or obj.actor_kind)),
        ]
        provider = [
            Fact(_("Refund id"), Cell(obj.provider_ref or "—", is_code=True)),
            Fact(_("Key"), Cell(str(obj.pk), is_code=True)),
            Fact(_("First asked"), Cell(moment(obj.send_started_at) or "—")),
            Fact(_("Tries"), Cell(obj.attempts)),
            Fact(_("Next try"), Cell(moment(obj.next_action_at) or "—")),
            Fact(_("Succeeded"), Cell(moment(obj.succeeded_at) or "—")),
            Fact(_("Last error"), Cell(obj.last_error or "—")),
        ]
        return [Facts(_("Decision"), decision), Facts(_("At the provider"), provider)]
