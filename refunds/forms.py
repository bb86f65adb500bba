"""The small forms behind the staff's buttons on a claim."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from refunds.establishing import EVIDENCE_LENGTH
from refunds.order_facts import known_facts
from refunds.states import FactName, FactStanding
from unlockshop.kernel.staff_pages import ReasonField, StaffActionForm, reason_field


class ApproveForm(StaffActionForm):
    """Asks how much goes back, and why."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("The customer reads it in the answer."))
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"),
        help_text=gettext_lazy("Empty: what the rules say, else all that is left. 0: put right without money."),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget(),
    )


class TellForm(StaffActionForm):
    """Asks for words that the customer reads."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("The customer reads it in the answer."))


class LogForm(StaffActionForm):
    """Asks for words for the trail."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("Kept in the trail; the customer does not see it."))


class SupplierAnswerForm(StaffActionForm):
    """Asks what the supplier said, and how we know."""

    reason = reason_field(gettext_lazy("Its words"), gettext_lazy("What it wrote, when and where."))
    answer = forms.ChoiceField(
        label=gettext_lazy("Answer"),
        choices=[
            ("approved", gettext_lazy("It agrees to cancel, or finds its result wrong")),
            ("rejected", gettext_lazy("It refuses: the work goes on, or stands")),
        ],
        widget=UnfoldAdminSelectWidget(),
    )


class FactForm(StaffActionForm):
    """Asks what is known, how firmly, and on which evidence."""

    name = forms.ChoiceField(label=gettext_lazy("Fact"), choices=FactName.choices, widget=UnfoldAdminSelectWidget())
    standing = forms.ChoiceField(
        label=gettext_lazy("How firm"),
        help_text=gettext_lazy("An alleged fact makes a person look. Only an established one can bar a claim."),
        choices=FactStanding.choices,
        widget=UnfoldAdminSelectWidget(),
    )
    evidence = ReasonField(
        label=gettext_lazy("Evidence"),
        help_text=gettext_lazy("What it rests on: the report, its date, who said it."),
        required=False,
        max_length=EVIDENCE_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    happened_at = forms.DateTimeField(
        label=gettext_lazy("When it came to be (UTC)"),
        help_text=gettext_lazy("Such as 2026-11-23 14:30. Leave empty if unknown."),
        required=False,
    )
    about_device = forms.BooleanField(
        label=gettext_lazy("True of the device in every order"), required=False, widget=UnfoldBooleanSwitchWidget()
    )
    caused_delay = forms.BooleanField(
        label=gettext_lazy("It is why the order took so long"), required=False, widget=UnfoldBooleanSwitchWidget()
    )

    def clean(self) -> dict[str, Any]:
        """An established fact names its evidence."""
        data = super().clean() or {}
        if data.get("standing") == FactStanding.ESTABLISHED and not data.get("evidence"):
            self.add_error("evidence", ValidationError(_("An established fact names its evidence.")))
        return data


class WithdrawFactForm(StaffActionForm):
    """Asks which fact was wrong, and why."""

    fact = forms.ChoiceField(label=gettext_lazy("Fact"), widget=UnfoldAdminSelectWidget())
    reason = reason_field(gettext_lazy("Why it was wrong"))

    def __init__(self, subject: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        choices = [(str(fact.pk), str(fact)) for fact in known_facts(subject.order)]
        self.fields["fact"].choices = choices  # type: ignore[attr-defined]
