"""Folding what people paste to plain text: digits of every script, dashes, invisible marks, labels in front."""

import re
import unicodedata

from stdnum import luhn

from services.identifier_rules import CURRENT_RBI
from services.identifier_words import IdentifierInvalid

MAX_RAW_LENGTH = 200

_LINE_SPACE = "\t\n\r\v\f"
_ENDS = " \n-./,:;|_'\"`´‘’“”«»()[]"
_FOLDS = dict(zip("\t\r\v\f\\−⁄∕·،、؛", " \n\n\n/-//.,,;", strict=True))


def _fold(char: str) -> str:
    if char in _FOLDS:
        return _FOLDS[char]
    # knows the digits of every script and, unlike str.isdigit(), neither superscripts nor circled digits
    decimal = unicodedata.decimal(char, None)
    if decimal is not None:
        return str(decimal)
    if "\uff01" <= char <= "\uff5e":  # fullwidth forms of ASCII
        char = chr(ord(char) - 0xFEE0)
    if "a" <= char <= "z":  # str.upper() would also turn the long s or the sharp s into plain letters
        return char.upper()
    category = unicodedata.category(char)
    return {"Pd": "-", "Zs": " ", "Zl": "\n", "Zp": "\n"}.get(category, char)


def visible(raw: str) -> str:
    """Drop zero-width, bidi and byte order marks, then surrounding white space."""
    return "".join(char for char in raw if unicodedata.category(char) != "Cf").strip()


def clean(raw: str) -> str:
    """Fold digits, dashes, spaces and case to ASCII; trim quotes and punctuation at both ends.

    Raises IdentifierInvalid: ``too_long``, ``control_characters``.
    """
    if len(raw) > MAX_RAW_LENGTH:
        raise IdentifierInvalid("too_long")
    text = visible(raw)
    if any(unicodedata.category(char) == "Cc" and char not in _LINE_SPACE for char in text):
        raise IdentifierInvalid("control_characters")
    return "".join(map(_fold, text)).strip(_ENDS)


_LABELS = re.compile(
    r"""(?:
        IMEI\s*(?:SV)?\s*(?:\(?[12]\)?(?![0-9]))?\s*(?:NUMBER\b|NO\b|NR\b|CODE\b)?
      | (?:MEID|ICCID|EID|ESN)\s*(?:NUMBER\b|NO\b)?(?=[\s:=\#.-])
      | (?:SERIAL(?:\s*(?:NUMBER|NO))?|S/N|SN)(?=[\s:=\#.-])
    )[\s:=\#.-]*""",
    re.VERBOSE | re.ASCII,
)
_GLUED_SLOT = re.compile(r"IMEI[12](?=([0-9]{15})$)", re.ASCII)
_SVN_LABEL = re.compile(r"\s*[/,]?\s*(?:\bIMEI\s*|\b)SVN?[\s:=]*(?=[0-9]{2}$)", re.ASCII)
LABEL_START = re.compile(
    r"(?<![A-Z0-9/])(?=IMEI(?!\s*SVN?[\s:=]*[0-9]{2}(?![0-9]))|MEID|ICCID|EID\b|SERIAL\b|S/N\b|SN\s*:)",
    re.ASCII,
)


def strip_labels(text: str) -> str:
    """Remove what stands before the number ("IMEI1:", "S/N") and turn a trailing "SVN: 01" into "/01"."""
    previous = None
    while text != previous:
        previous = text
        # "IMEI1354..." could hold a 16-digit number: the slot digit goes only if a sound IMEI is left
        slot = _GLUED_SLOT.match(text)
        if slot and slot[1][:2] in CURRENT_RBI and luhn.is_valid(slot[1]):
            text = slot[1]
        label = _LABELS.match(text)
        text = text[label.end() :].strip(_ENDS) if label else text
    return _SVN_LABEL.sub("/", text)
