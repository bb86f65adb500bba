"""Validate the device identifiers that customers paste: IMEI and relatives, serial and phone numbers.

``recognise`` tells what a text is; the ``parse_*`` functions decide what one order field accepts. All of
them take any text, raise nothing but :class:`IdentifierInvalid`, and read their own result to the same value.
"""

import re

from stdnum import imei as stdnum_imei

from services.calling_codes import CALLING_CODES
from services.identifier_folding import MAX_RAW_LENGTH, clean, visible
from services.identifier_recognition import recognise
from services.identifier_rules import imei_warning, is_placeholder, is_test, sound_imei
from services.identifier_words import (
    ERRORS,
    WARNINGS,
    Identifier,
    IdentifierInvalid,
    IdentifierKind,
    accepted,
)

__all__ = [
    "ERRORS",
    "MAX_RAW_LENGTH",
    "WARNINGS",
    "Identifier",
    "IdentifierInvalid",
    "IdentifierKind",
    "group_imei",
    "mask_identifier",
    "parse_imei",
    "parse_imei_or_serial",
    "parse_msisdn",
    "recognise",
    "split_bulk",
]

_Kind = IdentifierKind
_IMEI_KINDS = frozenset({_Kind.IMEI, _Kind.IMEI_TEST, _Kind.IMEI14, _Kind.IMEISV, _Kind.IMEI_SVN})
_SERIAL_KINDS = frozenset({_Kind.MEID_HEX, _Kind.MEID_DEC, _Kind.SERIAL_APPLE, _Kind.SERIAL_GENERIC})
_REFUSALS = {
    _Kind.MEID_HEX: "meid_not_imei",
    _Kind.MEID_DEC: "meid_not_imei",
    _Kind.ESN_HEX: "esn_not_accepted",
    _Kind.ESN_DEC: "esn_not_accepted",
    _Kind.EID: "eid_not_accepted",
    _Kind.ICCID: "iccid_not_accepted",
    _Kind.SERIAL_APPLE: "serial_not_imei",
    _Kind.SERIAL_GENERIC: "serial_not_imei",
}
_GROUPED = r"(?<!\d)\d{2}[,;，；、،؛]\s?\d{6}[,;，；、،؛]\s?\d{6}[,;，；、،؛]\s?\d(?!\d)"
_BULK_ITEM = re.compile(rf"(?:{_GROUPED}|[^,;，；、،؛\r\n\v\f\x85\u2028\u2029])+")


def parse_imei(raw: str) -> Identifier:
    """Read the IMEI of one device, for a service that needs one; ``value`` has 15 digits.

    Raises IdentifierInvalid for everything else, test IMEIs included.
    """
    return _parse(raw, _IMEI_KINDS)


def parse_imei_or_serial(raw: str) -> Identifier:
    """Read an IMEI, a MEID or a serial number, for services that take any of them.

    Raises IdentifierInvalid for everything else, test IMEIs included.
    """
    return _parse(raw, _IMEI_KINDS | _SERIAL_KINDS)


def _parse(raw: str, kinds: frozenset[IdentifierKind]) -> Identifier:
    try:
        found = recognise(raw)
    except IdentifierInvalid as error:
        if error.kind in kinds or error.kind not in _REFUSALS:
            raise
        raise IdentifierInvalid(_REFUSALS[error.kind], error.kind) from error
    if found.kind not in kinds:
        # a MEID of digits only is the start of the same phone's IMEI
        raise IdentifierInvalid(_REFUSALS[found.kind], found.kind, sound_imei(found.value))
    if sound_imei(found.value) and is_test(found.value):
        code = "placeholder_imei" if is_placeholder(found.value) else "test_imei"
        raise IdentifierInvalid(code, found.kind)
    return found


def parse_msisdn(raw: str, *, country: str | None = None) -> Identifier:
    """Read a phone number into E.164, for top-ups. ``country`` (ISO 3166 alpha-2) must then match its prefix.

    Raises IdentifierInvalid for national numbers, wrong lengths, other text and numbers of another country.
    """
    text = re.sub(r"^(TEL|PHONE|MOBILE)\b[\s:.]*", "", clean(raw))
    if not text:
        raise IdentifierInvalid("msisdn_empty", _Kind.MSISDN)
    if text.count("+") > 1:
        raise IdentifierInvalid("msisdn_several", _Kind.MULTI)
    # "+44 (0)20 ..." shows the national zero, which is not dialled after the country code
    text = re.sub(r"[ ./()-]", "", re.sub(r"(?<=[0-9 ])\(0\)", "", text) if text.startswith("+") else text)
    if not re.fullmatch(r"\+?[0-9]+", text, re.ASCII):
        raise IdentifierInvalid("msisdn_format", _Kind.MSISDN)
    if sound_imei(text.lstrip("+")) and not imei_warning(text.lstrip("+")) and not text.startswith("0"):
        raise IdentifierInvalid("msisdn_is_imei", _Kind.IMEI)
    if not text.startswith("+"):
        suggestion = f"+{text[2:]}" if re.fullmatch(r"00[1-9][0-9]{7,14}", text) else ""
        raise IdentifierInvalid("msisdn_international", _Kind.MSISDN, suggestion)
    if text.startswith("+0"):
        raise IdentifierInvalid("msisdn_international", _Kind.MSISDN)
    if not 8 <= len(text) - 1 <= 15:
        raise IdentifierInvalid("msisdn_length", _Kind.MSISDN)
    if not text.startswith("+" + CALLING_CODES.get((country or "").strip().upper(), "")):
        raise IdentifierInvalid("msisdn_country", _Kind.MSISDN)
    return accepted(_Kind.MSISDN, text)


def split_bulk(raw: str, *, limit: int) -> list[str]:
    """Split a several-devices paste at lines, commas and semicolons; blank entries are dropped.

    A comma inside one IMEI written 35,417803,685978,9 does not split. Entries are as typed, unchecked.
    Raises IdentifierInvalid ``too_many`` over ``limit`` entries.
    """
    entries: list[str] = []
    for match in _BULK_ITEM.finditer(raw):
        if visible(match[0]):
            entries.append(match[0].strip())
        if len(entries) > limit:
            raise IdentifierInvalid("too_many", _Kind.MULTI)
    return entries


def group_imei(imei: str) -> str:
    """Write an IMEI as printed on boxes, 35-417803-685978-9; any other text is returned as it is."""
    return stdnum_imei.format(imei) if re.fullmatch(r"[0-9]{15}", imei, re.ASCII) else imei


def mask_identifier(value: str) -> str:
    """Hide the middle of an identifier, 354178•••••9789; shorter values show less of themselves."""
    last = min(4, len(value) // 3)
    first = max(0, min(6, len(value) - last - 5))
    hidden = len(value) - first - last
    return value[:first] + "•" * hidden + value[first + hidden :]
