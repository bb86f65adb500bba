"""Staff forms of the catalogue: what the database would refuse is said beside the field."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from services.answer_patterns import check_pattern
from services.models import (
    IDENTIFIER_KINDS,
    MAX_GUARANTEED_HOURS,
    Capability,
    Offer,
    Service,
    ServiceField,
    ServiceKind,
    ServicePrice,
    Supplier,
)
from services.order_form import MAX_TEXT
from services.pausing import LONGEST
from services.supplier_rules import check_dialect, check_supplier_url
from services.suppliers.http_address import receiver
from unlockshop.kernel.money import EXPONENTS, Money, MoneyError, step_of
from unlockshop.kernel.staff_pages import StaffActionForm, reason_field


class LinesField(forms.CharField):
    """A list of short texts, typed one a line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 3}))
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Lines for the box."""
        return "\n".join(str(item) for item in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The list; blank lines are dropped."""
        return [line.strip() for line in str(super().to_python(value) or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares lists."""
        return bool(self.to_python(data) != (initial or []))


class ServiceForm(forms.ModelForm):
    """A service; its promise within what the shop may promise."""

    networks = LinesField(help_text=gettext_lazy("One a line."))
    covered_models = LinesField(
        help_text=gettext_lazy("How covered models' names begin, such as iPhone 13. One a line. Empty: all.")
    )

    class Meta:
        model = Service
        fields = "__all__"  # noqa: DJ007 - the admin names the fields

    def clean_country(self) -> str:
        """Two capital letters, or nothing."""
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and not re.fullmatch(r"[A-Z]{2}", country):
            raise ValidationError(_("Use the two letters of ISO 3166, for example DE."))
        return country

    def clean(self) -> dict[str, Any]:
        """The guarantee covers the average and is at most 20 business days."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        average, guaranteed = data.get("average_minutes"), data.get("guaranteed_minutes")
        if guaranteed is not None and guaranteed > MAX_GUARANTEED_HOURS * 60:
            most = {"days": MAX_GUARANTEED_HOURS // 24, "minutes": MAX_GUARANTEED_HOURS * 60}
            self.add_error("guaranteed_minutes", _("At most %(days)d business days: %(minutes)d minutes.") % most)
        elif guaranteed is not None and average is not None and guaranteed < average:
            self.add_error("guaranteed_minutes", _("The guaranteed time must not be shorter than the average time."))
        return data


class ServiceFieldForm(forms.ModelForm):
    """One question of the order form."""

    choices = LinesField(help_text=gettext_lazy("For kind “Choice”, one a line."))

    class Meta:
        model = ServiceField
        fields = "__all__"  # noqa: DJ007 - the admin names the fields

    def clean_pattern(self) -> str:
        """A regular expression that compiles and cannot be made to run for ever, or nothing."""
        pattern = str(self.cleaned_data["pattern"])
        if "pattern" in self.changed_data:
            try:
                check_pattern(pattern, longest=MAX_TEXT)
            except ValueError as error:
                raise ValidationError(str(error)) from error
        return pattern


class PricesFormSet(PaginationInlineFormSet):
    """The prices of a service: only a check may cost nothing."""

    def clean(self) -> None:
        """Looks at the rows that stay."""
        super().clean()
        if any(self.errors) or self.instance.kind == ServiceKind.CHECK:
            return
        if any(row.cleaned_data.get("amount") == 0 for row in _kept(self)):
            raise ValidationError(_("Only a check may cost nothing. Give this service a price."))


class OneIdentifierFormSet(PaginationInlineFormSet):
    """The questions of a service: exactly one asks for the device or line."""

    def clean(self) -> None:
        """Counts the identifiers among the rows that stay."""
        super().clean()
        if any(self.errors):
            return
        kinds = [row.cleaned_data.get("kind") for row in _kept(self)]
        if sum(kind in IDENTIFIER_KINDS for kind in kinds) != 1:
            raise ValidationError(_("Exactly one field asks for the IMEI, serial number or phone number."))


class PricedForm(forms.ModelForm):
    """An amount with its currency: known, and with no more digits than the currency has."""

    amount_field: ClassVar[str] = "amount"
    currency_field: ClassVar[str] = "currency"

    def clean(self) -> dict[str, Any]:
        """Currency in capitals; both must make money."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        amount, currency = data.get(self.amount_field), data.get(self.currency_field)
        if amount is not None and currency:
            data[self.currency_field] = currency.strip().upper()
            code = data[self.currency_field]
            if code not in EXPONENTS:
                self.add_error(self.currency_field, _("%(code)s is no currency that the shop knows.") % {"code": code})
                return data
            try:
                Money(amount, code)
            except MoneyError:
                words = {"code": code, "step": step_of(code)}
                self.add_error(self.amount_field, _("An amount in %(code)s goes in steps of %(step)s.") % words)
        return data


class PriceForm(PricedForm):
    """A row of the price table."""

    class Meta:
        model = ServicePrice
        fields = "__all__"  # noqa: DJ007 - the admin names the fields

    def clean(self) -> dict[str, Any]:
        """A re-check costs something, and no more than the check."""
        data = super().clean()
        amount, again, currency = data.get("amount"), data.get("recheck_amount"), data.get("currency")
        if again is None or amount is None or currency not in EXPONENTS:
            return data
        try:
            Money(again, currency)
        except MoneyError:
            words = {"code": currency, "step": step_of(currency)}
            self.add_error("recheck_amount", _("An amount in %(code)s goes in steps of %(step)s.") % words)
            return data
        if not 0 < again <= amount:
            self.add_error("recheck_amount", _("More than 0, and no more than the price. Empty: the ordinary price."))
        return data


class OfferForm(PricedForm):
    """A supplier's service behind one of ours."""

    amount_field = "cost"
    currency_field = "cost_currency"

    class Meta:
        model = Offer
        fields = "__all__"  # noqa: DJ007 - the admin names the fields

    def clean_cost(self) -> Any:
        """Not negative."""
        cost = self.cleaned_data["cost"]
        if cost < 0:
            raise ValidationError(_("A cost is not negative."))
        return cost


class SupplierForm(forms.ModelForm):
    """A supplier. Its key is written, never read back: an empty box keeps the stored one."""

    new_api_key = forms.CharField(
        label=gettext_lazy("API key"),
        required=False,
        max_length=500,
        strip=True,
        widget=UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "Stored encrypted and never shown again. Empty keeps the stored key while the host stays the same."
        ),
    )
    adapter = forms.ChoiceField(widget=UnfoldAdminSelectWidget())

    class Meta:
        model = Supplier
        exclude = (  # noqa: DJ006 - the key must not be rendered, and capabilities are not edited
            "api_key",
            "paused_until",
            "pause_reason",
            "settle_seconds",
            *Capability.values,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "adapter" in self.fields:
            names = {*settings.SUPPLIER_ADAPTERS, self.instance.adapter} - {""}
            self.fields["adapter"].choices = [(name, name) for name in sorted(names)]  # type: ignore[attr-defined]

    def clean_url(self) -> str:
        """A full address of the web."""
        url = str(self.cleaned_data["url"]).strip()
        if not re.match(r"https?://[^\s/]+", url):
            raise ValidationError(_("Enter the full address, beginning with https://."))
        check_supplier_url(url)
        return url

    def clean_poll_seconds(self) -> int:
        """At least one second."""
        seconds = int(self.cleaned_data["poll_seconds"])
        if seconds < 1:
            raise ValidationError(_("At least one second."))
        return seconds

    def clean(self) -> dict[str, Any]:
        """A key is typed for the host that gets it: another host must not be sent the stored one."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "adapter" in data:
            try:
                check_dialect(data["adapter"], data.get("dialect", ""))
            except ValidationError as error:
                self.add_error("dialect", error)
        stored = str(self.initial.get("url") or "")
        if stored and "url" in data and not data.get("new_api_key") and receiver(stored) != receiver(data["url"]):
            self.add_error("new_api_key", _("The address leads to another host. Enter the API key for it again."))
        return data

    def save(self, commit: bool = True) -> Supplier:
        """With the new key, if one was typed."""
        if self.cleaned_data.get("new_api_key"):
            self.instance.api_key = self.cleaned_data["new_api_key"]
        supplier: Supplier = super().save(commit)
        return supplier


class PauseForm(StaffActionForm):
    """Asks for how long, and why."""

    hours = forms.IntegerField(
        label=gettext_lazy("Hours"),
        min_value=1,
        max_value=LONGEST // timedelta(hours=1),
        initial=2,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    reason = reason_field(gettext_lazy("Reason"))


class EndPauseForm(StaffActionForm):
    """Asks why."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("For example: “topped up the credit”."))


class CapabilityForm(StaffActionForm):
    """Asks which capability, and why."""

    capability = forms.ChoiceField(label=gettext_lazy("Capability"), widget=UnfoldAdminSelectWidget())
    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("What you know it from. Kept for good."))
    is_on: ClassVar[bool]

    def __init__(self, subject: Supplier, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        choices = [(each.value, each.label) for each in Capability if getattr(subject, each) == self.is_on]
        self.fields["capability"].choices = choices  # type: ignore[attr-defined]


class SwitchOnForm(CapabilityForm):
    """One that is off."""

    is_on = False


class SwitchOffForm(CapabilityForm):
    """One that is on."""

    is_on = True


def _kept(formset: BaseInlineFormSet) -> list[Any]:
    return [
        row
        for row in formset.forms
        if row.cleaned_data and not row.cleaned_data.get("DELETE") and (row.instance.pk or row.has_changed())
    ]
