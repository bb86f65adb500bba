"""Telling what a pasted text is: an IMEI in one of its spellings, a MEID, a serial number, something else, or several.

One text in, one ``Identifier`` out, or ``IdentifierInvalid`` with the kind it resembles. What a field of an order form
accepts of it is decided in ``services.identifiers``.
"""

import re

from stdnum import luhn, meid
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

from services.identifier_folding import LABEL_START, clean, strip_labels
from services.identifier_rules import (
    APPLE_LETTERS,
    LETTER_TO_DIGIT,
    apple_shape,
    check_digit_error,
    holds_several,
    imei_warning,
    is_placeholder,
    is_test,
    sound_imei,
    with_check_digit,
)
from services.identifier_words import Identifier, IdentifierInvalid, IdentifierKind, accepted

_Kind = IdentifierKind
_NUMBER = re.compile(r"[0-9][0-9 \n,;|/._:-]*", re.ASCII)
_LISTED = re.compile(r"[\n,;|]|\s/\s")
_TEXT_ERRORS = (
    (re.compile(r"\*#[0-9]+#"), "dial_code"),
    (re.compile(r"[0-9]+(?:[.,][0-9]*)?E\+[0-9]+|[0-9][.,][0-9]+E[0-9]+"), "scientific_notation"),
    (re.compile(r"0X[0-9A-F]+"), "hex_literal"),
    # dropping the dot of "354178036859789.0" would leave 16 digits that pass as an IMEISV
    (re.compile(r"([0-9]{15,})[.,][0-9]+|([0-9]+)[.,]0+"), "float_text"),
)


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
    return _serial(text)


def _serial(text: str) -> Identifier:
    # barcodes put the data identifier S before the serial, which the newest and the 12-character ones survive
    marked = re.fullmatch(r"\(?S\)?\s*([0-9A-Z]{10}|[0-9A-Z]{12})", text, re.ASCII)
    if marked and _is_mixed(marked[1]) and apple_shape(marked[1]) and not apple_shape(text):
        return accepted(_Kind.SERIAL_APPLE, _apple(marked[1]), "serial_prefix")
    if not re.fullmatch(r"[0-9A-Z]{8,16}", text, re.ASCII) or not _is_mixed(text):
        raise IdentifierInvalid("not_recognised")
    if len(text) < 10:
        raise IdentifierInvalid("serial_length", _Kind.SERIAL_APPLE)
    if apple_shape(text):
        return accepted(_Kind.SERIAL_APPLE, _apple(text))
    return accepted(_Kind.SERIAL_GENERIC, text)


def _is_mixed(text: str) -> bool:
    """A serial number of this trade has letters and digits; without either it is a word or a number."""
    return any(char.isdecimal() for char in text) and not text.isdecimal()


def _apple(serial: str) -> str:
    folded = serial.translate(APPLE_LETTERS)
    if folded != serial:
        raise IdentifierInvalid("serial_letter", _Kind.SERIAL_APPLE, folded)
    return serial
