"""What the digits of an identifier tell: ranges and check digits of IMEIs, shapes of serial numbers."""

import re
from collections.abc import Iterable
from itertools import pairwise

from stdnum import imsi, luhn

from services.identifier_words import IdentifierInvalid, IdentifierKind

# --- IMEI ranges ---

# Reporting Body Identifier: the first two digits of an IMEI
CURRENT_RBI = frozenset({"01", "35", "86", "91", "98", "99"})
_LEGACY_RBI = frozenset({"33", "44", "45", "49", "50", "51", "52", "53", "54"})
_EQUIPMENT_RBI = frozenset({"10", "30"})  # DECT, Iridium
_TEST_RBI = frozenset({"00", "02", "03", "04", "05", "06", "07", "08", "09"})
# Burnt into retail phones as the default that shows once their own number is lost: a phone, though RBI 00
_PLACEHOLDER_TACS = frozenset({"00499901"})


def is_placeholder(imei: str) -> bool:
    """Say whether this is the default of phones that lost their own number."""
    return imei[:8] in _PLACEHOLDER_TACS


def is_test(imei: str) -> bool:
    """Say whether the range is set aside for test devices (placeholders count: they are in RBI 00)."""
    return imei[:2] in _TEST_RBI


def with_check_digit(base: str) -> str:
    """Append the Luhn digit to 14 digits."""
    return base + luhn.calc_check_digit(base)


def _is_sequence(digits: str) -> bool:
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return steps in ({1}, {9})


def imei_warning(imei: str) -> str:
    """Return the warning code of a well-formed IMEI, or an empty text."""
    rbi = imei[:2]
    if is_placeholder(imei):
        return "placeholder"
    if _is_sequence(imei[:14]):
        return "sequence"
    if rbi in _EQUIPMENT_RBI:
        return "not_a_phone"
    if rbi in CURRENT_RBI | _LEGACY_RBI | _TEST_RBI:
        return ""
    return "maybe_imsi" if imsi.is_valid(imei) else "unknown_range"


def check_digit_error(digits: str, kind: IdentifierKind) -> IdentifierInvalid:
    """Explain why 15 digits fail the Luhn check: a SIM identity, a filler zero, or a typing error."""
    if digits[:2] not in CURRENT_RBI and imsi.is_valid(digits):
        return IdentifierInvalid("imsi", kind)
    if digits.endswith("0") and digits[:2] in CURRENT_RBI | _LEGACY_RBI:
        return IdentifierInvalid("spare_digit", kind, with_check_digit(digits[:14]))
    return IdentifierInvalid("check_digit", kind)


def sound_imei(digits: str) -> str:
    """Return 15 digits that may be offered as a suggestion, or an empty text."""
    sound = re.fullmatch(r"[0-9]{15}", digits, re.ASCII) and luhn.is_valid(digits)
    return digits if sound and len(set(digits)) > 1 else ""


def holds_several(sizes: Iterable[int]) -> bool:
    """Say whether digit groups of these sizes can be read as two or more IMEIs in a row."""
    reached, total = {0}, 0
    for size in sizes:
        total += size
        if any(total - length in reached for length in (14, 15, 16, 17)):
            reached.add(total)
    return total in reached and total >= 28


# --- Serial numbers ---

# 12 characters: plant, half year, week, unit, model; 11 characters: plant, year, week, unit, model
_APPLE_12 = re.compile(r"[0-9A-Z]{3}[CDFGHJ-NP-TV-Z][1-9CDFGHJ-NP-TV-Y][0-9A-Z]{7}", re.ASCII)
_APPLE_11 = re.compile(r"[0-9A-Z]{2}[0-9](?:0[1-9]|[1-4][0-9]|5[0-3])[0-9A-Z]{6}", re.ASCII)
_MOTOROLA_10 = re.compile(r"(?:ZY|ZX)[0-9][0-9A-Z]{7}", re.ASCII)
LETTER_TO_DIGIT = str.maketrans("OILSBZ", "011582")
APPLE_LETTERS = str.maketrans("OI", "01")


def apple_shape(serial: str) -> bool:
    """Say whether a serial reads as Apple's: 12 or 11 characters with a date, or 10 random ones."""
    folded = serial.translate(APPLE_LETTERS)
    if len(serial) == 10:
        return not _MOTOROLA_10.fullmatch(serial)
    return bool(_APPLE_12.fullmatch(folded) or _APPLE_11.fullmatch(folded))
