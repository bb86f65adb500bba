"""Staff forms of the payments app."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from orders.models import Order
from payments import refunding
from payments.models import Payment
from payments.paying_by_hand import REFERENCE_LENGTH, ByHand
from payments.refunding import Grounds, refundable
from payments.states import HandWay
from payments.wording import RefundRule
from unlockshop.kernel.actors import Actor, ActorKind
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money, MoneyError
from unlockshop.kernel.staff_pages import ReasonField, StaffActionForm, reason_field


class ProcessAgainForm(StaffActionForm):
    """Asks why."""

    reason = reason_field(
        gettext_lazy("Reason"), gettext_lazy("For example: “the provider was down, now it answers”.")
    )


# Where the domain's refusal of a refund is shown.
_FIELD_OF = {"amount": "amount", "too_much": "amount", "foreign_order": "order", "alive_at_supplier": "override"}


class RefundForm(StaffActionForm):
    """Asks how much, for which order, on which rule. ``override`` is needed for an open order only."""

    order = forms.ModelChoiceField(
        label=gettext_lazy("Order"),
        queryset=Order.objects.none(),
        required=False,
        empty_label=gettext_lazy("The payment as a whole"),
        widget=UnfoldAdminSelectWidget,
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"),
        min_value=Decimal("0.001"),
        max_digits=14,
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    rule = forms.ChoiceField(
        label=gettext_lazy("Rule"),
        choices=[("", gettext_lazy("Choose the rule it rests on")), *RefundRule.choices],
        widget=UnfoldAdminSelectWidget,
    )
    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("What happened, in a sentence. The customer reads it."))
    override = ReasonField(
        label=gettext_lazy("Although the order is open"),
        help_text=gettext_lazy(
            "Only for an order that may still be delivered: why it is refunded all the same. The customer does not "
            "read this."
        ),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def __init__(self, subject: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        orders = self.fields["order"]
        assert isinstance(orders, forms.ModelChoiceField)
        orders.queryset = Order.objects.filter(purchase_id=subject.purchase_id).order_by("position")
        self.fields["amount"].initial = refundable(subject).amount

    def clean(self) -> dict[str, Any]:
        """Show beside its field what the domain would refuse, so that nothing has to be typed twice."""
        data = super().clean() or {}
        if self.errors:
            return data
        grounds = Grounds(data["rule"], data["reason"], data["override"])
        try:
            money = Money(data["amount"], self.subject.currency)
            refunding.guard(self.subject, data["order"], money, grounds, Actor(ActorKind.STAFF))
        except MoneyError as error:
            self.add_error("amount", str(error))
        except Refused as refusal:
            self.add_error(_FIELD_OF.get(refusal.code), str(refusal))
        return data


class ExplainForm(StaffActionForm):
    """Asks what explains a difference."""

    reason = reason_field(gettext_lazy("Explanation"), gettext_lazy("What it was, and how you know."))


class RetryRefundForm(StaffActionForm):
    """Asks why a failed sending shall be tried again."""

    reason = reason_field(gettext_lazy("Reason"))


class RefundAgainForm(StaffActionForm):
    """Asks why a refund that failed is made anew; its amount, rule and reason for the customer stay."""

    reason = reason_field(
        gettext_lazy("Why it should arrive this time"),
        gettext_lazy("For example: “the customer's bank has opened a new account”. Kept in the log."),
    )


class SetAsideForm(StaffActionForm):
    """Asks why nothing is owed any more for a refund that failed."""

    reason = reason_field(
        gettext_lazy("Why nothing is owed"),
        gettext_lazy("For example: “the customer took another service for it, U-1234-5678-9”. Kept in the log."),
    )


class PaidByHandForm(StaffActionForm):
    """Asks how staff sent the money past the provider, and for the proof."""

    way = forms.ChoiceField(
        label=gettext_lazy("How you sent it"),
        choices=[("", gettext_lazy("Choose the way")), *HandWay.choices],
        widget=UnfoldAdminSelectWidget,
    )
    reference = forms.CharField(
        label=gettext_lazy("Reference of the transfer"),
        help_text=gettext_lazy("As your bank shows it. No account numbers: only what finds the transfer again."),
        max_length=REFERENCE_LENGTH,
        widget=UnfoldAdminTextInputWidget,
    )

    @staticmethod
    def sent(data: Mapping[str, Any]) -> ByHand:
        """What was filled in."""
        return ByHand(HandWay(data["way"]), data["reference"])
