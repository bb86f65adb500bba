"""The forms of the three checkout steps. They map input to the domain's rules, and refusals back to fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from orders.models import Draft
from payments.limits import smallest_payment
from refunds.in_force import InForce
from refunds.models import LegalNotice
from services.browsing import choice_labels
from services.checklists import Statement, statements_for
from services.device_list import MAX_DEVICES, Devices, DevicesInvalid, read_devices
from services.models import FieldKind, Service, ServiceField
from services.order_form import (
    AnswerInvalid,
    clean_answer,
    country_choices,
    country_name,
    identifier_field,
    network_choices,
)
from unlockshop.storefront.checkout_drafts import TooSmall
from unlockshop.storefront.checkout_repeats import Repeats
from unlockshop.storefront.forms import EmailField, RawField, ShopForm, tick

# The browser stops a runaway paste there; the server has limits of its own.
MAX_INPUT: Final = 200
ANSWER: Final = "answer_"
CONFIRM: Final = "confirm_"


class AnswerField(RawField):
    """The answer to one question of a service's order form."""

    def __init__(self, question: ServiceField, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.question = question

    def clean(self, value: Any) -> str:
        try:
            return clean_answer(self.question, self.to_python(value))
        except AnswerInvalid as error:
            raise ValidationError(error.message, code=error.code) from error


class DeviceForm(ShopForm):
    """Step 1: the identifier, or several of them, and the service's other questions."""

    identifier = RawField()
    several = RawField(widget=forms.Textarea)

    def __init__(self, service: Service, currency: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        questions = list(service.fields.all())
        self.asked = identifier_field(questions)
        self.devices = Devices(())
        self._set_up_identifier()
        for question in questions:
            if not question.is_identifier:
                self.fields[ANSWER + question.name] = _answer_field(service, question, currency)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        try:
            self.devices = read_devices(self.asked, single=data["identifier"], paste=data["several"])
        except DevicesInvalid as refused:
            for name, messages in (("identifier", refused.single), ("several", refused.lines)):
                if messages:
                    self.add_error(name, [ValidationError(message) for message in messages])
        return data

    def refuse_too_small(self, refused: TooSmall) -> None:
        """Say how many devices make an amount that can be paid."""
        message = _(
            "The smallest amount that can be paid is %(least)s. At %(each)s each, order at least %(count)d."
        ) % {
            "least": smallest_payment(refused.each.currency).format(get_language() or "en"),
            "each": refused.each.format(get_language() or "en"),
            "count": refused.fewest,
        }
        self.add_error("several" if self.cleaned_data["several"] else "identifier", message)

    def refuse_several_free(self) -> None:
        """Say that what costs nothing is ordered one by one."""
        self.add_error("several", _("Free checks are ordered one device at a time."))

    def refuse_misfit(self, sentence: str) -> None:
        """Say why the service does not fit the device."""
        self.add_error("several" if self.cleaned_data["several"] else "identifier", sentence)

    @property
    def answers(self) -> dict[str, str]:
        """The cleaned answers by the questions' names; unanswered ones are left out."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        return {name[len(ANSWER) :]: value for name, value in given.items() if name.startswith(ANSWER)}

    @property
    def answer_fields(self) -> list[forms.BoundField]:
        """The questions besides the identifier."""
        return [self[name] for name in self.fields if name.startswith(ANSWER)]

    @staticmethod
    def initial_from(draft: Draft) -> dict[str, str]:
        """The first step as it was typed."""
        typed = [device["raw"] for device in draft.devices]
        devices = {"identifier": typed[0]} if len(typed) == 1 else {"several": "\n".join(typed)}
        return devices | {ANSWER + name: answer for name, answer in draft.answers.items()}

    def _set_up_identifier(self) -> None:
        single, several = self.fields["identifier"], self.fields["several"]
        attrs = {"maxlength": MAX_INPUT, "autocomplete": "off", "spellcheck": "false", "class": "input--number"}
        is_phone = self.asked.kind == FieldKind.MSISDN
        if is_phone:
            attrs |= {"inputmode": "tel"}
            single.help_text = _("With the country code, such as +33 6 12 34 56 78.")
        else:
            is_imei = self.asked.kind == FieldKind.IMEI
            attrs |= {"inputmode": "numeric"} if is_imei else {"autocapitalize": "characters"}
            if is_imei:
                single.help_text = _("Dial *#06# on the phone to see its IMEI. Spaces and dashes do not matter.")
            else:
                single.help_text = _(
                    "Dial *#06# to see the IMEI; the serial number is in the settings and on the box."
                )
        several.help_text = (
            _("Up to %d, one per line. The other answers on this form count for all of them.") % MAX_DEVICES
        )
        single.label = self.asked.label
        several.label = _("Phone numbers") if is_phone else _("Device numbers")
        single.help_text = self.asked.help_text or single.help_text
        single.widget = forms.TextInput(attrs=attrs)
        several.widget = forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"})


class DetailsForm(ShopForm):
    """Step 2: where the result goes, what the customer confirms, the terms."""

    email = EmailField(
        label=gettext_lazy("E-mail address"),
        help_text=gettext_lazy("We write there about this order: the confirmation and the result, nothing else."),
    )

    def __init__(self, service: Service, *args: Any, in_force: InForce, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notice_shown: LegalNotice | None = None
        self._set_up_notice(in_force.notices)
        for statement in statements_for(service):
            self.fields[CONFIRM + statement.code] = tick(statement)
        self.fields["terms"] = forms.BooleanField(
            label=format_html(
                '{} <a href="{}" target="_blank" rel="noopener">{}</a>.',
                _("I have read and accept the"),
                reverse("terms"),
                _("terms and refund rules (opens in a new tab)"),
            ),
            error_messages={"required": _("Accept the terms and refund rules to continue.")},
        )
        self.fields["start_now"] = forms.BooleanField(
            required=False,
            label=_("Please start at once. I know that my right to withdraw ends when the work has been fully done."),
            help_text=_(
                "You may leave this empty. We forward paid orders soon after the payment in either case; without the "
                "tick you keep whatever right to withdraw the law gives you."
            ),
        )

    def _set_up_notice(self, notices: Sequence[LegalNotice]) -> None:
        """Ask for the country where some country wants a notice confirmed, and for the tick once one is chosen."""
        if not notices:
            return
        named = sorted((country_name(each.country), each.country) for each in notices)
        self.fields["country"] = forms.ChoiceField(
            required=False,
            label=_("Country where you live"),
            help_text=_("In these countries the law wants you to read a notice before you order."),
            choices=[("", _("Another country")), *((code, name) for name, code in named)],
            widget=forms.Select(attrs={"class": "input--short", "autocomplete": "country"}),
        )
        chosen = self.data.get("country") if self.is_bound else self.initial.get("country")
        self.notice_shown = next((each for each in notices if each.country == chosen), None)
        if self.notice_shown is not None:
            self.fields["notice"] = forms.BooleanField(
                label=_("I have read and accept this notice."),
                error_messages={"required": _("Read the notice for your country, and tick the box to go on.")},
            )

    @property
    def confirmations(self) -> list[forms.BoundField]:
        """The statements about the device and the customer."""
        return [self[name] for name in self.fields if name.startswith(CONFIRM)]

    @staticmethod
    def initial_from(draft: Draft, in_force: InForce) -> dict[str, Any]:
        """The second step as it was sent; a tick counts again only for the same words."""
        contact = draft.contact
        confirmed = set(contact.get("checklist", ()))
        ticks = {CONFIRM + item.code: str(item.text) in confirmed for item in statements_for(draft.service)}
        country = contact.get("country", "")
        return {
            "email": contact.get("email", ""),
            "country": country,
            "notice": bool(contact.get("notice")) and contact["notice"] == in_force.notice_for(country),
            "start_now": contact.get("start_now", False),
            **ticks,
        }


class CheckForm(ShopForm):
    """Step 3: what was shown, a second look at numbers that we completed or doubt, what is wanted again.

    ``time_zone`` is filled in by the page's script; without it the times are told by the shop's clock alone.
    """

    shown = RawField()
    proof = RawField()
    time_zone = RawField()
    NO_PROOF: Final = gettext_lazy(
        "Your browser has not solved the small task that keeps machines away. Free checks need JavaScript. "
        "Press the button again, or order a check that costs something."
    )
    COMPARED: Final = Statement(
        "compared",
        gettext_lazy("I compared the numbers marked above, and they are right."),
        gettext_lazy("Compare the marked numbers and confirm that they are right."),
    )

    def __init__(
        self, *args: Any, has_warnings: bool, repeats: Repeats | None, misfit: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if misfit:
            self.fields["misfit"] = forms.BooleanField(
                label=_("I read this and want the order all the same: %(reason)s") % {"reason": misfit},
                error_messages={"required": _("Read why this service may not fit, and tick the box to go on.")},
            )
        if has_warnings:
            self.fields["compared"] = tick(self.COMPARED)
        if repeats:
            self.fields["again"] = forms.BooleanField(
                label=repeats.statement, error_messages={"required": repeats.missing}
            )

    @property
    def confirmed(self) -> list[str]:
        """The statements that had to be ticked here, as shown."""
        return [str(self.fields[name].label) for name in ("misfit", "compared", "again") if name in self.fields]


def _answer_field(service: Service, question: ServiceField, currency: str) -> AnswerField:
    label = question.label if question.is_required else _("%(label)s (optional)") % {"label": question.label}
    choices = _choices(service, question, currency)
    if choices is not None:
        widget: forms.Widget = forms.Select(choices=[("", _("Choose…")), *choices], attrs={"class": "input--short"})
    else:
        widget = forms.TextInput(attrs={"maxlength": MAX_INPUT, "autocomplete": "off", "class": "input--short"})
    return AnswerField(question, label=label, help_text=_help(question), widget=widget)


def _choices(service: Service, question: ServiceField, currency: str) -> list[tuple[str, str]] | None:
    """What a select offers; None for a question that is answered in words."""
    if question.kind == FieldKind.CHOICE:
        return choice_labels(service, question, currency)
    if question.kind == FieldKind.COUNTRY:
        return country_choices()
    networks = network_choices(service) if question.kind == FieldKind.NETWORK else []
    return [(name, name) for name in networks] or None


def _help(question: ServiceField) -> str:
    if question.help_text:
        return question.help_text
    if question.kind == FieldKind.NETWORK:
        return _("The network the phone was sold for, not the one you want to use.")
    if question.kind == FieldKind.MODEL:
        return _("As written in the phone's settings or on its box, such as SM-G991B.")
    return ""
