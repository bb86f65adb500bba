"""The forms by which staff prepare and publish a new version of the refund rules, and keep scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from refunds.models import Rehearsal
from refunds.policy.measures import measured
from refunds.policy.profile import Profile
from unlockshop.kernel import clock
from unlockshop.kernel.staff_pages import StaffActionForm, reason_field


class PolicyVersionForm(forms.Form):
    """Each number of the version in force, to be changed, and what the new version is called.

    ``base`` is the version that the numbers were shown of.
    """

    version = forms.CharField(
        label=gettext_lazy("Name of the new version"),
        help_text=gettext_lazy("It becomes part of the address, such as 2026-12-15 or 2026-12-b."),
        max_length=18,
        widget=UnfoldAdminTextInputWidget(),
    )
    reason = reason_field(gettext_lazy("Why"), gettext_lazy("Stays with the version. Customers do not read it."))
    base = forms.CharField(widget=forms.HiddenInput, max_length=18)

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


class PublishForm(StaffActionForm):
    """Asks what the version is called, and why it is published."""

    called = forms.CharField(
        label=gettext_lazy("Name of the new version"),
        help_text=gettext_lazy("It becomes part of the address, such as 2026-12-15 or 2026-12-b."),
        max_length=18,
        widget=UnfoldAdminTextInputWidget(),
    )
    reason = reason_field(gettext_lazy("Why"), gettext_lazy("Stays with the version. Customers do not read it."))

    def __init__(self, subject: Rehearsal, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        self.fields["called"].initial = subject.version
        self.fields["reason"].initial = subject.reason


class PublishWithoutForm(PublishForm):
    """Asks also why the rehearsal is not waited for."""

    without = reason_field(
        gettext_lazy("Why it cannot wait for the rehearsal"), gettext_lazy("Stays with the rehearsal and the version.")
    )


class ReasonForm(StaffActionForm):
    """Asks for the reason alone."""

    reason = reason_field(gettext_lazy("Reason"))


class KeepClaimForm(StaffActionForm):
    """Asks what a claim is called as a scenario, and what is expected of the rules."""

    name = forms.CharField(
        label=gettext_lazy("Name of the scenario"),
        help_text=gettext_lazy("No order, customer or device: the scenario holds none of them either."),
        max_length=120,
        widget=UnfoldAdminTextInputWidget(),
    )
    title = forms.CharField(
        label=gettext_lazy("What it is about"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget()
    )
    expected = forms.ChoiceField(
        label=gettext_lazy("Expected of the rules"),
        choices=[
            ("decided", gettext_lazy("What was decided")),
            ("rules", gettext_lazy("What the rules answered then, before a person decided")),
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    reason = reason_field(gettext_lazy("Why it is kept"))

    def __init__(self, subject: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        self.fields["name"].initial = f"CLAIM-{subject.pk}"


class ScenarioFileForm(forms.Form):
    """A file to look at."""

    file = forms.FileField(
        label=gettext_lazy("Scenario file"),
        help_text=gettext_lazy("YAML; at most 900 KB and 1,000 scenarios."),
        widget=UnfoldAdminFileFieldWidget(),
    )


class KeepScenariosForm(forms.Form):
    """The file that was shown, and why it is kept. ``digest`` stands for what was shown."""

    content = forms.CharField(widget=forms.HiddenInput, strip=False, max_length=1_000_000)
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    came_from = forms.CharField(widget=forms.HiddenInput, max_length=200, required=False)
    reason = reason_field(gettext_lazy("Why they are kept"))


def initial_of(changes: Mapping[str, int]) -> dict[str, int]:
    """Changed numbers as the first form shows them."""
    return {_name(path): value for path, value in changes.items()}


def _name(path: str) -> str:
    return path.replace(".", "-")
