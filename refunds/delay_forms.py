"""The forms by which staff tell customers of a delay."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from orders import lifecycle
from orders.models.delay_notice import DelaySource
from refunds.telling_delays import Message
from services.models import Service, Supplier
from unlockshop.kernel import clock
from unlockshop.kernel.staff_pages import ReasonField, StaffActionForm, reason_field


class DelayFields(forms.Form):
    """Asks until when, why, and what the supplier said. A date is given, or said not to be known."""

    new_date = forms.DateTimeField(
        label=gettext_lazy("New date (UTC)"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )
    no_date = forms.BooleanField(
        label=gettext_lazy("Nobody knows until when"),
        help_text=gettext_lazy("Where the terms say so, the customer can cancel for as long as there is no date."),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
    )
    reason = reason_field(
        gettext_lazy("Why"),
        gettext_lazy("The customer reads it, as it stands here, on the order page and in the mail."),
    )
    supplier_message = ReasonField(
        label=gettext_lazy("The supplier's message"),
        help_text=gettext_lazy("If the news comes from the supplier: its words. Staff alone read them."),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def clean(self) -> dict[str, Any]:
        """Exactly one of a date, which lies ahead, and the tick that nobody knows."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "new_date" in self.errors:
            return data
        if bool(data.get("new_date")) == bool(data.get("no_date")):
            self.add_error("new_date", ValidationError(_("Give a date, or tick that nobody knows: one of the two.")))
        elif data.get("new_date") and data["new_date"] <= clock.now():
            self.add_error("new_date", ValidationError(_("This date is past.")))
        return data

    def message(self) -> Message:
        """What was typed, once it is valid."""
        return message_of(self.cleaned_data)


class DelayForm(DelayFields, StaffActionForm):
    """For one order, whose supplier's last message is offered."""

    field_order = ("new_date", "no_date", "reason", "supplier_message")

    def __init__(self, subject: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        live = lifecycle.live_attempt(subject)
        self.fields["supplier_message"].initial = live.message if live else ""


class DelayOfManyForm(DelayFields):
    """For all open orders of a service or at a supplier. ``batch`` makes two presses of one form tell once."""

    service = forms.ModelChoiceField(
        label=gettext_lazy("Orders of this service"),
        queryset=Service.objects.order_by("name"),
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    supplier = forms.ModelChoiceField(
        label=gettext_lazy("Orders that this supplier has"),
        queryset=Supplier.objects.defer("api_key").order_by("name"),
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    batch = forms.CharField(widget=forms.HiddenInput, min_length=16, max_length=64)
    field_order = ("service", "supplier", "new_date", "no_date", "reason", "supplier_message")

    def clean(self) -> dict[str, Any]:
        """At least one of service and supplier: never all orders of the shop."""
        data = super().clean()
        if not data.get("service") and not data.get("supplier") and not {"service", "supplier"} & set(self.errors):
            self.add_error("service", ValidationError(_("Choose a service, a supplier, or both.")))
        return data


def message_of(data: Any) -> Message:
    """The message in a form's cleaned data. News with a supplier's message come from the supplier."""
    said = str(data.get("supplier_message") or "")
    source = DelaySource.SUPPLIER if said else DelaySource.STAFF
    return Message(data["reason"], data.get("new_date"), source, said)
