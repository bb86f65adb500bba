"""Staff forms of the payments app."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from orders.models import Order
from payments.models import Payment
from payments.refunding import refundable
from unlockshop.kernel.staff_pages import ReasonField, StaffActionForm, reason_field


class ProcessAgainForm(StaffActionForm):
    """Asks why."""

    reason = reason_field(
        gettext_lazy("Reason"), gettext_lazy("For example: “the provider was down, now it answers”.")
    )


class RefundRule(models.TextChoices):
    """Rules of the terms that a refund made by hand can rest on."""

    UNAVAILABLE = "unavailable", gettext_lazy("The supplier could not deliver")
    NOT_FOUND = "not_found", gettext_lazy("The device was not found")
    CANCELLED = "cancelled", gettext_lazy("Cancelled before it was forwarded")
    OVERPAYMENT = "overpayment", gettext_lazy("Paid twice")
    LATE_PAYMENT = "late_payment", gettext_lazy("Paid after the purchase had expired")
    GOODWILL = "goodwill", gettext_lazy("Goodwill: no rule demands it")


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
        choices=RefundRule.choices,
        widget=UnfoldAdminSelectWidget,
    )
    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("What happened, in a sentence."))
    override = ReasonField(
        label=gettext_lazy("Although the order is open"),
        help_text=gettext_lazy("Only for an order that may still be delivered: why it is refunded all the same."),
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


class ExplainForm(StaffActionForm):
    """Asks what explains a difference."""

    reason = reason_field(gettext_lazy("Explanation"), gettext_lazy("What it was, and how you know."))


class RetryRefundForm(StaffActionForm):
    """Asks why a failed sending shall be tried again."""

    reason = reason_field(gettext_lazy("Reason"))
