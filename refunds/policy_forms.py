"""The form by which staff prepare a new version of the refund rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from refunds.policy.measures import measured
from refunds.policy.profile import Profile
from unlockshop.kernel import clock
from unlockshop.kernel.staff_pages import reason_field


class PolicyVersionForm(forms.Form):
    """Each number of the version in force, to be changed, and what the new version is called.

    ``base`` is the version that the numbers were shown of; ``shown`` the fingerprint of the difference that was read.
    """

    version = forms.CharField(
        label=gettext_lazy("Name of the new version"),
        help_text=gettext_lazy("It becomes part of the address, such as 2026-12-15 or 2026-12-b."),
        max_length=18,
        widget=UnfoldAdminTextInputWidget(),
    )
    reason = reason_field(gettext_lazy("Why"), gettext_lazy("Stays with the version. Customers do not read it."))
    base = forms.CharField(widget=forms.HiddenInput, max_length=18)
    shown = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, agreed: Profile, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agreed = agreed
        self.fields["version"].initial = f"{clock.now():%Y-%m-%d}"
        self.fields["base"].initial = agreed.version
        for measure, value in measured(agreed.numbers):
            self.fields[_name(measure.path)] = forms.IntegerField(
                label=measure.label,  # type: ignore[arg-type]
                help_text=measure.said(value),
                initial=value,
                min_value=measure.least,
                max_value=measure.most,
                widget=UnfoldAdminIntegerFieldWidget(),
            )

    @property
    def changes(self) -> dict[str, int]:
        """The numbers that differ from the version in force, once the form is valid."""
        typed = {measure.path: self.cleaned_data[_name(measure.path)] for measure, _old in self._measured}
        return {measure.path: typed[measure.path] for measure, old in self._measured if typed[measure.path] != old}

    @property
    def _measured(self) -> list[tuple[Any, int]]:
        return list(measured(self.agreed.numbers))


def _name(path: str) -> str:
    return path.replace(".", "-")
