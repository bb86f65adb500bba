"""What the order form of a service accepts: one rule per kind of question. ``device_list`` reads the identifiers.

Forms and APIs map their input here. Nothing but ``AnswerInvalid`` is raised, with a sentence for the customer.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from babel import Locale
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from services.models import FieldKind, Service, ServiceField

logger = logging.getLogger(__name__)

MAX_TEXT: Final = 100
ANY_NETWORK: Final = "any"
# Letters, marks, numbers, punctuation, currency, mathematical and modifier signs, the space. No emoji.
_WRITABLE: Final = frozenset("LMNP")
_WRITABLE_EXACT: Final = frozenset({"Sc", "Sm", "Sk", "Zs"})
# Territories that babel knows and that have no ISO code of their own.
_NO_COUNTRIES: Final = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])


class AnswerInvalid(ValueError):
    """An answer that is refused: ``code`` is stable, ``message`` says what to do, ``suggestion`` is only offered."""

    def __init__(self, code: str, message: str, *, suggestion: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.suggestion = suggestion


def identifier_field(fields: Sequence[ServiceField]) -> ServiceField:
    """The one question of a form that names the device. Raises ``LookupError`` for a form without it."""
    for field in fields:
        if field.is_identifier:
            return field
    raise LookupError("the order form asks for no identifier")


def clean_answer(field: ServiceField, raw: str) -> str:
    """The answer to a question that is not the identifier, in normal form. Raises ``AnswerInvalid``."""
    text = _plain(raw)
    if not text:
        if field.is_required:
            raise AnswerInvalid("required", _required_message(field))
        return ""
    return _RULES[FieldKind(field.kind)](field, text)


def answers_still_valid(fields: Sequence[ServiceField], answers: Mapping[str, str]) -> bool:
    """Whether stored answers still fit the form, which staff may have changed since."""
    stored = [(field, answers.get(field.name, "")) for field in fields if not field.is_identifier]
    try:
        return all(clean_answer(field, answer) == answer for field, answer in stored)
    except AnswerInvalid:
        return False


def network_choices(service: Service) -> list[str]:
    """The networks to choose from; empty where any network may be written."""
    names = [str(name) for name in service.networks]
    return [] if ANY_NETWORK in names else names


def country_choices() -> list[tuple[str, str]]:
    """ISO 3166 codes with the countries' names in the visitor's language, in its order."""
    return list(_countries(get_language() or "en"))


def country_name(code: str) -> str:
    """The name of a country, or of a region such as EU; the code itself where it is unknown."""
    name: str = _locale(get_language() or "en").territories.get(code, code)
    return name


def answer_label(field: ServiceField, answer: str) -> str:
    """An answer as people read it."""
    return country_name(answer) if field.kind == FieldKind.COUNTRY else answer


def choices_of(field: ServiceField) -> list[str]:
    """The allowed answers of a choice field, as text."""
    return [str(choice) for choice in field.choices]


def _plain(raw: str) -> str:
    """One line of visible text with single spaces. Raises ``AnswerInvalid`` for anything that hides or disguises."""
    if len(raw) > MAX_TEXT * 4:
        raise _too_long()
    text = unicodedata.normalize("NFC", raw.strip())
    for char in text:
        category = unicodedata.category(char)
        if category[0] not in _WRITABLE and category not in _WRITABLE_EXACT:
            raise AnswerInvalid(
                "characters",
                _("Use letters, digits and punctuation only, without line breaks, emoji or hidden characters."),
            )
    text = " ".join(text.split())
    if len(text) > MAX_TEXT:
        raise _too_long()
    return text


def _too_long() -> AnswerInvalid:
    return AnswerInvalid("too_long", _("This answer is too long. Use at most %d characters.") % MAX_TEXT)


def _required_message(field: ServiceField) -> str:
    if field.kind in {FieldKind.CHOICE, FieldKind.COUNTRY} or (
        field.kind == FieldKind.NETWORK and network_choices(field.service)
    ):
        return _("Choose an answer: %(label)s.") % {"label": field.label}
    return _("Enter the %(label)s.") % {"label": field.label}


def _one_of(field: ServiceField, text: str, allowed: Sequence[str]) -> str:
    if text not in allowed:
        raise AnswerInvalid("choice", _("Choose one of the answers in the list: %(label)s.") % {"label": field.label})
    return text


def _network(field: ServiceField, text: str) -> str:
    allowed = network_choices(field.service)
    return _one_of(field, text, allowed) if allowed else text


def _choice(field: ServiceField, text: str) -> str:
    return _one_of(field, text, choices_of(field))


def _country(field: ServiceField, text: str) -> str:
    return _one_of(field, text, [code for code, _name in _countries("en")])


def _text(field: ServiceField, text: str) -> str:
    if not field.pattern:
        return text
    try:
        pattern = re.compile(field.pattern)
    except re.error:
        logger.exception("the pattern of service field %s cannot be read", field.pk)
        return text
    for candidate in (text, text.upper()):
        # Capitals can be longer. The pattern was tried on answers of this length before it was stored.
        if len(candidate) <= MAX_TEXT and pattern.fullmatch(candidate):
            return candidate
    hint = (field.help_text or field.label).rstrip(".")
    raise AnswerInvalid("pattern", _("This is not in the expected form. %(hint)s.") % {"hint": hint})


def _as_it_is(_field: ServiceField, text: str) -> str:
    return text


_RULES: Final[Mapping[FieldKind, Callable[[ServiceField, str], str]]] = {
    FieldKind.NETWORK: _network,
    FieldKind.MODEL: _as_it_is,
    FieldKind.COUNTRY: _country,
    FieldKind.CHOICE: _choice,
    FieldKind.TEXT: _text,
}


@lru_cache(maxsize=16)
def _countries(language: str) -> tuple[tuple[str, str], ...]:
    pairs = [(code, name) for code, name in _locale(language).territories.items() if _is_country(code)]
    return tuple(sorted(pairs, key=lambda pair: _sort_key(pair[1])))


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES


@lru_cache(maxsize=16)
def _locale(language: str) -> Locale:
    return Locale.parse(language.replace("-", "_"))


def _sort_key(name: str) -> str:
    """Without accents, so that Åland stands with A."""
    return "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(char))
