"""The small forms behind the staff's buttons on a dispute and on a fraud warning."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from unlockshop.kernel.staff_pages import StaffActionForm, reason_field


class DisputeReasonForm(StaffActionForm):
    """Asks why."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("Kept in the log. Neither bank nor customer sees it."))


class SubmitEvidenceForm(StaffActionForm):
    """Asks for the purchase's number, so that nobody sends an answer by a slip of the hand."""

    confirmation = forms.CharField(
        label=gettext_lazy("Number of the disputed purchase"),
        help_text=gettext_lazy("Type it to confirm. The bank takes one answer, and it cannot be changed afterwards."),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_confirmation(self) -> str:
        """The number of this dispute's purchase, however it is spaced."""
        given = "".join(str(self.cleaned_data["confirmation"]).split()).upper()
        if given != self.subject.payment.purchase.number.upper():
            raise ValidationError(_("This is not the number of the disputed purchase."))
        return given
