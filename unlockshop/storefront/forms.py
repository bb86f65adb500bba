"""What the storefront's forms share: markup, raw text, e-mail addresses, statements to tick."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms.renderers import TemplatesSetting
from django.forms.utils import ErrorList
from django.utils.encoding import punycode
from django.utils.translation import gettext as _

from services.checklists import Statement

MAX_EMAIL: Final = 254
_HIDDEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})


class ShopRenderer(TemplatesSetting):
    """Our own field markup; the staff pages keep theirs."""

    field_template_name = "storefront/forms/field.html"


class ShopErrorList(ErrorList):
    """Errors beside their field."""

    template_name = template_name_ul = "storefront/forms/errors.html"


class ShopForm(forms.Form):
    """Base of the storefront's forms. The server says what is wrong, in words the browser does not have."""

    default_renderer = ShopRenderer
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"error_class": ShopErrorList, **kwargs})


class RawField(forms.Field):
    """Text exactly as it was sent; a rule of the domain reads it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return value if isinstance(value, str) else ""


class EmailField(forms.Field):
    """An address we can write to; its domain in lower case and in the form that mail servers use."""

    widget = forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "class": "input--short"})

    def clean(self, value: Any) -> str:
        text = value if isinstance(value, str) else ""
        if any(unicodedata.category(char) in _HIDDEN for char in text):
            raise ValidationError(_("The e-mail address contains hidden characters. Type it instead of pasting it."))
        text = text.strip()
        if not text:
            raise ValidationError(_("Enter your e-mail address, such as name@example.com."))
        if len(text) > MAX_EMAIL:
            raise ValidationError(_("This e-mail address is too long. Compare it, or use another one."))
        # A quoted name is legal, and payment and mail providers refuse it: the purchase could never be paid.
        local, _at, domain = text.replace('"', " ").rpartition("@")
        try:
            address = f"{local}@{punycode(domain.lower())}"
            validate_email(address)
        except (UnicodeError, ValidationError):
            raise ValidationError(
                _("Enter an e-mail address in the correct form, such as name@example.com.")
            ) from None
        return address


def tick(statement: Statement) -> forms.BooleanField:
    """A box that has to be ticked."""
    return forms.BooleanField(label=str(statement.text), error_messages={"required": str(statement.missing)})
