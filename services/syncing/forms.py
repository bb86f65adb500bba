"""Staff forms of the catalogue fetch: what staff add to a choice."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanWidget

from services.models import MAX_GUARANTEED_HOURS, Category, ResultKind, Service, ServiceKind
from unlockshop.kernel.staff_pages import StaffActionForm

_MOST_MINUTES = MAX_GUARANTEED_HOURS * 60


class FetchForm(StaffActionForm):
    """Asks whether a much smaller catalogue is to be believed."""

    accepts_smaller = forms.BooleanField(
        label=gettext_lazy("Believe a catalogue that lost more than half of its services"),
        required=False,
        widget=UnfoldBooleanWidget(),
        help_text=gettext_lazy("Tick it when the supplier really dropped them. An empty catalogue is never believed."),
    )


class LinkForm(forms.Form):
    """Asks for the service of ours."""

    service = forms.ModelChoiceField(
        label=gettext_lazy("Our service"), queryset=Service.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        min_value=0,
        max_value=32767,
        initial=100,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=gettext_lazy("The lowest number is asked first."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["service"].queryset = Service.objects.order_by("name")  # type: ignore[attr-defined]


class DraftForm(forms.Form):
    """Asks for what a supplier's words do not tell reliably."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=ServiceKind.choices, widget=UnfoldAdminSelectWidget())
    result_kind = forms.ChoiceField(
        label=gettext_lazy("Result"), choices=ResultKind.choices, widget=UnfoldAdminSelectWidget()
    )
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"), queryset=Category.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    average_minutes = forms.IntegerField(
        label=gettext_lazy("Average time in minutes"),
        min_value=1,
        max_value=_MOST_MINUTES,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=gettext_lazy("1 hour = 60, 1 day = 1440, 3 days = 4320."),
    )
    guaranteed_minutes = forms.IntegerField(
        label=gettext_lazy("Guaranteed time in minutes"),
        min_value=1,
        max_value=_MOST_MINUTES,
        widget=UnfoldAdminIntegerFieldWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].queryset = Category.objects.all()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The guarantee covers the average."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        average, guaranteed = data.get("average_minutes"), data.get("guaranteed_minutes")
        if average and guaranteed and guaranteed < average:
            self.add_error("guaranteed_minutes", _("The guaranteed time must not be shorter than the average time."))
        return data
