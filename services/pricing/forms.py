"""Staff forms of margins and rates: what the database would refuse is said beside the field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from services.models import CostRate, MarginRule
from unlockshop.kernel.money import EXPONENTS, Money, MoneyError


def _known_currency(text: str) -> str:
    currency = text.strip().upper()
    if currency not in EXPONENTS:
        raise ValidationError(_("Not a currency that the shop knows."))
    return currency


class MarginRuleForm(forms.ModelForm):
    """A margin: not negative, in amounts that its currency can express."""

    class Meta:
        model = MarginRule
        fields = ("category", "currency", "percent", "fixed", "step", "ending")

    def clean_currency(self) -> str:
        """In capitals, and known."""
        return _known_currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        """Amounts fit the currency; the ending is below one step."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        currency = data.get("currency")
        for name in ("percent", "fixed", "step", "ending"):
            amount = data.get(name)
            if amount is None:
                continue
            if amount < 0 or (name == "step" and amount == 0):
                self.add_error(name, _("More than zero.") if name == "step" else _("Not negative."))
            elif currency and name != "percent":
                try:
                    Money(amount, currency)
                except MoneyError as error:
                    self.add_error(name, str(error))
        step, ending = data.get("step"), data.get("ending")
        if ending and (step is None or ending >= step):
            self.add_error("ending", _("An ending needs a step and is below it: 0.90 with step 1."))
        same = MarginRule.objects.filter(currency=currency, category__isnull=True).exclude(pk=self.instance.pk)
        if currency and data.get("category") is None and same.exists():
            self.add_error("category", _("There is a rule for all categories in this currency already."))
        return data


class CostRateForm(forms.ModelForm):
    """A rate: above zero, of another currency than the shop's."""

    class Meta:
        model = CostRate
        fields = ("currency", "rate", "as_of")

    def clean_currency(self) -> str:
        """In capitals, known, not the shop's own, and not there yet."""
        currency = _known_currency(self.cleaned_data["currency"])
        base = self.instance.base
        if currency == base:
            raise ValidationError(_("1 %(currency)s is 1 %(currency)s.") % {"currency": currency})
        if CostRate.objects.filter(currency=currency, base=base).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a rate for it already: change that one."))
        return currency

    def clean_rate(self) -> Any:
        """Above zero."""
        rate = self.cleaned_data["rate"]
        if rate <= 0:
            raise ValidationError(_("More than zero."))
        return rate
