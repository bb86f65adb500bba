"""Validate the device identifiers that customers paste: IMEI and relatives, serial and phone numbers.

``recognise`` tells what a text is; the ``parse_*`` functions decide what one order field accepts. All of
them take any text, raise nothing but :class:`IdentifierInvalid`, and read their own result to the same value.
"""

import re

from stdnum import imei as stdnum_imei
from stdnum import luhn, meid
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

from services.identifier_rules import (
    APPLE_LETTERS,
    CALLING_CODES,
    ERRORS,
    LABEL_START,
    LETTER_TO_DIGIT,
    MAX_RAW_LENGTH,
    WARNINGS,
    Identifier,
    IdentifierInvalid,
    IdentifierKind,
    accepted,
    apple_shape,
    check_digit_error,
    clean,
    holds_several,
    imei_warning,
    is_placeholder,
    is_test,
    sound_imei,
    strip_labels,
    visible,
    with_check_digit,
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
_NUMBER = re.compile(r"[0-9][0-9 \n,;|/._:-]*", re.ASCII)
_LISTED = re.compile(r"[\n,;|]|\s/\s")
_TEXT_ERRORS = (
    (re.compile(r"\*#[0-9]+#"), "dial_code"),
    (re.compile(r"[0-9]+(?:[.,][0-9]*)?E\+[0-9]+|[0-9][.,][0-9]+E[0-9]+"), "scientific_notation"),
    (re.compile(r"0X[0-9A-F]+"), "hex_literal"),
    # dropping the dot of "354178036859789.0" would leave 16 digits that pass as an IMEISV
    (re.compile(r"([0-9]{15,})[.,][0-9]+|([0-9]+)[.,]0+"), "float_text"),
)
_GROUPED = r"(?<!\d)\d{2}[,;，；、،؛]\s?\d{6}[,;，；、،؛]\s?\d{6}[,;，；、،؛]\s?\d(?!\d)"
_BULK_ITEM = re.compile(rf"(?:{_GROUPED}|[^,;，；、،؛\r\n\v\f\x85\u2028\u2029])++")


def recognise(raw: str) -> Identifier:
    """Tell what a pasted text is, in its normal form.

    Raises IdentifierInvalid with the kind it resembles: a wrong check digit, several numbers, a phone number,
    text that is nothing we know.
    """
    text = clean(raw)
    if not text:
        raise IdentifierInvalid("empty")
    _refuse_several(text)
    return _recognise_one(text)


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


def _refuse_several(text: str) -> None:
    digits = re.sub(r"[^0-9]", "", text)
    if len(digits) == 32 and digits.startswith("89") and mod_97_10.is_valid(digits):
        return  # an EID broken over two lines reads as two 16-digit numbers
    found: list[Identifier | None] = []
    for piece in _LISTED.split(LABEL_START.sub("\n", text)):
        try:
            found.append(_recognise_one(piece.strip()))
        except IdentifierInvalid as error:
            if error.kind is not _Kind.JUNK:
                found.append(None)
    if len(found) < 2:
        words = text.split()
        if len(words) > 1 and not _NUMBER.fullmatch(text):
            found = _all_recognised(words)
    if len(found) < 2:
        return
    values = {item.value if item else "" for item in found}
    if len(values) == 1 and "" not in values:
        raise IdentifierInvalid("same_number_twice", _Kind.MULTI, values.pop())
    raise IdentifierInvalid("several_numbers", _Kind.MULTI)


def _all_recognised(words: list[str]) -> list[Identifier | None]:
    try:
        return [_recognise_one(word) for word in words]
    except IdentifierInvalid:
        return []


def _recognise_one(text: str) -> Identifier:
    text = strip_labels(text)
    for pattern, code in _TEXT_ERRORS:
        match = pattern.fullmatch(text)
        if match:
            whole = "".join(group or "" for group in match.groups())
            raise IdentifierInvalid(code, suggestion=sound_imei(whole))
    if text.startswith("+"):
        raise _plus_error(text)
    if _NUMBER.fullmatch(text):
        return _number(text)
    if not re.fullmatch(r"[0-9A-Z ()/._:\n-]+", text, re.ASCII):
        raise IdentifierInvalid("unexpected_characters")
    return _letters(text)


def _plus_error(text: str) -> IdentifierInvalid:
    digits = re.sub(r"[ ()/.-]", "", text[1:])
    if re.fullmatch(r"[1-9][0-9]{7,12}", digits, re.ASCII):
        return IdentifierInvalid("phone_number", _Kind.MSISDN)
    # no country has 14-digit phone numbers, so this is a device number with a sign in front
    if re.fullmatch(r"[0-9]{14,16}", digits, re.ASCII):
        return IdentifierInvalid("leading_plus", suggestion=sound_imei(digits))
    return IdentifierInvalid("not_recognised")


def _number(text: str) -> Identifier:
    groups = re.findall(r"[0-9]+", text)
    digits = "".join(groups)
    sizes = [len(group) for group in groups]
    length = len(digits)
    if length == 17 and re.search(r"/\s*[0-9]{2}$", text) and sizes[-1] == 2:
        return _imei15(digits[:15], _Kind.IMEI_SVN)
    if length in range(31, 34) and digits.startswith("89"):
        return _eid(digits)
    if holds_several(sizes) or (length == 30 and sound_imei(digits[:15]) and sound_imei(digits[15:])):
        raise IdentifierInvalid("several_numbers", _Kind.MULTI)
    if length in range(18, 23) and digits.startswith("89"):
        return _iccid(digits)
    if length in (18, 19) and 0x99000000 <= int(digits[:10]) <= 0xFFFFFFFF and int(digits[10:18]) <= 0xFFFFFF:
        return _meid(digits, _Kind.MEID_DEC)
    if length in (14, 15, 16):
        return _imei_family(digits, sizes, listed=bool(re.search(r"[\n,;|]", text)))
    if length > 16:
        raise IdentifierInvalid("too_many_digits")
    return _short_number(digits)


def _short_number(digits: str) -> Identifier:
    if len(digits) == 11 and int(digits[:3]) <= 0xFF and int(digits[3:]) <= 0xFFFFFF and int(digits):
        return accepted(_Kind.ESN_DEC, f"{int(digits[:3]):02X}{int(digits[3:]):06X}")
    if len(digits) == 8 and digits.startswith("80"):
        return accepted(_Kind.ESN_HEX, digits)
    if re.fullmatch(r"00[1-9][0-9]{7,10}|0[1-9][0-9]{7,9}", digits):
        raise IdentifierInvalid("phone_number", _Kind.MSISDN)
    raise IdentifierInvalid("too_few_digits")


def _imei_family(digits: str, sizes: list[int], *, listed: bool) -> Identifier:
    ends = {sum(sizes[: index + 1]) for index in range(len(sizes) - 1)}
    if listed and not (ends <= {2, 6, 8, 14} or set(sizes) == {3}):
        raise IdentifierInvalid("not_recognised")
    kind = {14: _Kind.IMEI14, 15: _Kind.IMEI, 16: _Kind.IMEISV}[len(digits)]
    if len(set(digits)) == 1 or not int(digits[:14]):
        raise IdentifierInvalid("repeated_digit", kind)
    if kind is _Kind.IMEI14:
        return _imei14(digits)
    if kind is _Kind.IMEI:
        return _imei15(digits, kind)
    # without a check digit only the grouping tells "354178036859789 1" and "1 354178036859789" from an IMEISV
    if ends and ends != {4, 8, 12} and (14 not in ends or 15 in ends):
        raise IdentifierInvalid("too_many_digits", suggestion=sound_imei(digits[:15]) or sound_imei(digits[1:]))
    return accepted(kind, with_check_digit(digits[:14]), "imeisv")


def _imei14(digits: str) -> Identifier:
    if digits.startswith("99"):  # the range IMEI and MEID share; a MEID is shown with 14 digits
        return accepted(_Kind.MEID_HEX, with_check_digit(digits), "imei14")
    # spreadsheets eat the zero of RBI 01; no phone has an IMEI starting with 1
    if digits.startswith("1") and luhn.is_valid("0" + digits):
        raise IdentifierInvalid("leading_zero", _Kind.IMEI14, "0" + digits)
    return accepted(_Kind.IMEI14, with_check_digit(digits), "imei14")


def _imei15(digits: str, kind: IdentifierKind) -> Identifier:
    if not int(digits[:14]):
        raise IdentifierInvalid("repeated_digit", kind)
    if not luhn.is_valid(digits):
        raise check_digit_error(digits, kind)
    if kind is _Kind.IMEI and is_test(digits) and not is_placeholder(digits):
        kind = _Kind.IMEI_TEST
    return accepted(kind, digits, imei_warning(digits))


def _eid(digits: str) -> Identifier:
    if len(digits) != 32 or not mod_97_10.is_valid(digits):
        raise IdentifierInvalid("eid_invalid", _Kind.EID)
    return accepted(_Kind.EID, digits)


def _iccid(digits: str) -> Identifier:
    if len(digits) not in (19, 20) or not luhn.is_valid(digits):
        raise IdentifierInvalid("iccid_invalid", _Kind.ICCID)
    return accepted(_Kind.ICCID, digits)


def _meid(compact: str, kind: IdentifierKind) -> Identifier:
    try:
        value = meid.validate(compact)
    except ValidationError:
        raise IdentifierInvalid("meid_invalid", kind) from None
    if len(set(value)) == 1:
        raise IdentifierInvalid("repeated_digit", kind)
    if value.startswith("99") and value.isdecimal():
        return accepted(kind, with_check_digit(value))
    if value[0] not in "ABCDEF":  # lower ranges belong to IMEI, which has no decimal or hexadecimal MEID form
        raise IdentifierInvalid("meid_invalid", kind)
    return accepted(kind, value)


def _letters(text: str) -> Identifier:
    compact = re.sub(r"[^0-9A-Z]", "", text)
    if re.fullmatch(r"89[0-9]{16,20}F+", compact):
        raise IdentifierInvalid("iccid_invalid", _Kind.ICCID)
    if re.fullmatch(r"[A-F][0-9A-F]{13,14}", compact):
        return _meid(compact, _Kind.MEID_HEX)
    if re.fullmatch(r"[0-9A-F]{8}", compact):
        if len(set(compact)) == 1:
            raise IdentifierInvalid("esn_invalid", _Kind.ESN_HEX)
        return accepted(_Kind.ESN_HEX, compact)
    digits = sum(char.isdecimal() for char in compact)
    folded = compact.translate(LETTER_TO_DIGIT)
    misread = digits >= 11 and len(folded) >= 14 and folded.isdecimal()
    if len(compact) - digits <= 3 and (digits >= 13 or misread):
        raise IdentifierInvalid("letters_in_number", suggestion=sound_imei(folded))
    return _serial(text, digits)


def _serial(text: str, digits: int) -> Identifier:
    # barcodes put the data identifier S before the serial, which the newest and the 12-character ones survive
    marked = re.fullmatch(r"\(?S\)?\s*([0-9A-Z]{10}|[0-9A-Z]{12})", text, re.ASCII)
    if marked and apple_shape(marked[1]) and not apple_shape(text):
        return accepted(_Kind.SERIAL_APPLE, _apple(marked[1]), "serial_prefix")
    if not re.fullmatch(r"[0-9A-Z]{8,16}", text, re.ASCII) or not 0 < digits < len(text):
        raise IdentifierInvalid("not_recognised")
    if len(text) < 10:
        raise IdentifierInvalid("serial_length", _Kind.SERIAL_APPLE)
    if apple_shape(text):
        return accepted(_Kind.SERIAL_APPLE, _apple(text))
    return accepted(_Kind.SERIAL_GENERIC, text)


def _apple(serial: str) -> str:
    folded = serial.translate(APPLE_LETTERS)
    if folded != serial:
        raise IdentifierInvalid("serial_letter", _Kind.SERIAL_APPLE, folded)
    return serial
