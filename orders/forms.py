"""The small forms behind the staff's buttons on an order, a mail and their like."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from orders import cancelling, lifecycle, resolving
from orders.states import Finding
from services.suppliers.plain_text import MAX_CHARS
from unlockshop.kernel.staff_pages import StaffActionForm, reason_field


class ReasonForm(StaffActionForm):
    """Asks why."""

    reason = reason_field(
        gettext_lazy("Reason"), gettext_lazy("Kept in the order's story. The customer does not see it.")
    )


class EvidenceForm(StaffActionForm):
    """Asks how one knows."""

    evidence = reason_field(
        gettext_lazy("Evidence"),
        gettext_lazy(
            "What you looked at and what it said, for example: “order list of 3 May, no entry for this IMEI”."
        ),
    )


class BoughtForm(EvidenceForm):
    """Asks under which id the supplier has the order. An id that belongs to another order is refused here."""

    supplier_order_id = forms.CharField(
        label=gettext_lazy("Supplier's order id"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("supplier_order_id", "evidence")

    def clean_supplier_order_id(self) -> str:
        """The id, when no other attempt at the same supplier has it."""
        given = str(self.cleaned_data["supplier_order_id"]).strip()
        if any(not c.isprintable() for c in given):
            raise ValidationError(_("This id contains characters that cannot be seen. Type it instead of pasting it."))
        live = lifecycle.live_attempt(self.subject)
        if live is not None:
            twin = resolving.holder_of(given, supplier_id=live.supplier_id)
            if twin is not None and twin != live:
                raise ValidationError(
                    _("%(supplier)s uses this id for order %(order)s. Look for reference %(reference)s.")
                    % {"supplier": live.supplier, "order": twin.order, "reference": live.reference}
                )
        return given


class TypedField(forms.CharField):
    """Text for the customer. A line end counts as one character, however the browser sends it."""

    def to_python(self, value: Any) -> str:
        """The text with one kind of line end."""
        return str(super().to_python(value) or "").replace("\r\n", "\n")


class ResultForm(EvidenceForm):
    """Asks for the result itself."""

    result = TypedField(
        label=gettext_lazy("Result"),
        help_text=gettext_lazy("Plain text, exactly as the customer shall read it on the order page and in the mail."),
        max_length=MAX_CHARS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("result", "evidence")

    def clean_result(self) -> str:
        """What was typed, when any of it can be seen."""
        text = str(self.cleaned_data["result"])
        if not lifecycle.typed(text):
            raise ValidationError(_("Nothing in this text can be seen."))
        return text


class EndForm(EvidenceForm):
    """Asks what the customer shall be told."""

    note = TypedField(
        label=gettext_lazy("The supplier's reason"),
        help_text=gettext_lazy("The customer reads this under “Our supplier said”. Empty: nothing is quoted."),
        max_length=500,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    field_order = ("note", "evidence")


class ReachedForm(StaffActionForm):
    """Asks how a customer was reached."""

    evidence = reason_field(
        gettext_lazy("What you did"), gettext_lazy("For example: “answered the customer's own mail of 3 May”.")
    )


class ReaddressForm(StaffActionForm):
    """Asks for the right address and how one knows that it is the customer's."""

    address = forms.EmailField(
        label=gettext_lazy("The right address"),
        help_text=gettext_lazy("It opens the customer's orders and results to whoever reads there."),
        max_length=254,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "email", "autocomplete": "off", "spellcheck": "false"}),
    )
    evidence = reason_field(
        gettext_lazy("How you know"),
        gettext_lazy("For example: “typing mistake, gmial for gmail” or “told us on the phone, knows the IMEI”."),
    )

    def __init__(self, subject: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        self.fields["address"].initial = subject.purchase.email


class SendAgainForm(StaffActionForm):
    """Asks for confirmation, with the reason, before a mail goes out that may have gone out before."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("For example: “the customer says that it never came”."))


class WrittenForm(StaffActionForm):
    """Asks how the supplier was written to."""

    note = reason_field(
        gettext_lazy("When and how"), gettext_lazy("For example: “ticket 4711 in its panel, 3 May, 10:15”.")
    )


class AnswerForm(EvidenceForm):
    """Asks what the supplier answered to a request to cancel."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Answer"),
        choices=[("", "—"), *((answer.value, answer.label) for answer in cancelling.ANSWERS)],
        widget=UnfoldAdminSelectWidget(),
    )
    field_order = ("answer", "evidence")


class FindingForm(EvidenceForm):
    """Asks why a device was not found, and what the customer shall read about it."""

    finding = forms.ChoiceField(
        label=gettext_lazy("Finding"), choices=Finding.choices, widget=UnfoldAdminSelectWidget()
    )
    answer = TypedField(
        label=gettext_lazy("Answer to the customer"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
    field_order = ("finding", "answer", "evidence")
