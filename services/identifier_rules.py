"""Tables, text folding and number rules behind :mod:`services.identifiers`.

Sentences are lazy translations: they are looked up only when a page or an e-mail prints them.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import cast

from django.utils.translation import gettext_lazy as _
from stdnum import imsi, luhn

MAX_RAW_LENGTH = 200


class IdentifierKind(StrEnum):
    """What a pasted text turned out to be."""

    IMEI = "imei"
    IMEI_TEST = "imei_test"
    IMEI14 = "imei14"
    IMEISV = "imeisv"
    IMEI_SVN = "imei_svn"
    MEID_HEX = "meid_hex"
    MEID_DEC = "meid_dec"
    ESN_HEX = "esn_hex"
    ESN_DEC = "esn_dec"
    EID = "eid"
    ICCID = "iccid"
    SERIAL_APPLE = "serial_apple"
    SERIAL_GENERIC = "serial_generic"
    MSISDN = "msisdn"
    MULTI = "multi"
    JUNK = "junk"


ERRORS: Mapping[str, object] = {
    "empty": _("Enter the number of your device. Dial *#06# to see its IMEI."),
    "too_long": _("This text is too long for one device number. Enter only the number."),
    "too_many": _("This is more than one order can hold. Remove some lines and order them separately."),
    "control_characters": _("The text contains hidden control characters. Type the number instead of pasting it."),
    "unexpected_characters": _("Only digits, letters, spaces and dashes can be used. Enter the number alone."),
    "not_recognised": _("We do not recognise this number. Dial *#06# and enter the 15 digits shown."),
    "dial_code": _("This is the code to dial, not its answer. Dial *#06# and enter the number it shows."),
    "scientific_notation": _(
        "A spreadsheet shortened this number and lost digits. Format the cell as text and copy the IMEI again."
    ),
    "float_text": _("A spreadsheet added decimals to this number. Enter the 15 digits before the decimal sign."),
    "hex_literal": _("This looks like a program value. Dial *#06# and enter the 15 digits shown."),
    "leading_plus": _("An IMEI has no plus sign. Remove it, or check that this is not a phone number."),
    "letters_in_number": _("An IMEI has digits only. Replace letters such as O or l by the digits 0 or 1."),
    "too_few_digits": _("There are too few digits. Dial *#06# and enter all 15 digits of the IMEI."),
    "too_many_digits": _("There are too many digits. Dial *#06# and enter only the 15 digits of one IMEI."),
    "leading_zero": _("A zero seems to be missing at the start. Dial *#06# and enter all 15 digits, zeros included."),
    "check_digit": _("The last digit does not match. Dial *#06# and compare all 15 digits."),
    "spare_digit": _("The last digit 0 is only a filler here. Dial *#06# and enter the last digit it shows."),
    "repeated_digit": _("This is the same character repeated, not a real number. Dial *#06# and enter the one shown."),
    "imsi": _(
        "The last digit does not match, and this looks like a SIM identity (IMSI). Dial *#06# and enter the IMEI."
    ),
    "test_imei": _(
        "This IMEI is reserved for test devices and cannot be ordered. "
        "Dial *#06# on your own phone and enter the number shown."
    ),
    "placeholder_imei": _(
        "Phones that lost their own IMEI show this number. Enter the IMEI printed on the box or the SIM tray."
    ),
    "several_numbers": _("You pasted two numbers: enter one here or use the several-devices box."),
    "same_number_twice": _("You pasted the same number twice: enter it once."),
    "phone_number": _("This looks like a phone number. Dial *#06# and enter the 15 digits of the IMEI instead."),
    "meid_invalid": _("The check character of this MEID does not match. Compare it with the phone's settings."),
    "meid_not_imei": _("This is a MEID. Dial *#06# and enter the 15-digit IMEI of the same phone."),
    "esn_not_accepted": _(
        "This is an ESN of an older phone, or a phone number. Dial *#06# and enter the 15-digit IMEI instead."
    ),
    "esn_invalid": _("This is not a usable ESN. Dial *#06# and enter the number shown."),
    "eid_invalid": _("This eSIM number (EID) is mistyped: it has 32 digits. Dial *#06# and enter the IMEI."),
    "eid_not_accepted": _("This is the number of the eSIM chip (EID). Dial *#06# and enter the line marked IMEI."),
    "iccid_invalid": _("This looks like a mistyped SIM card number (ICCID). Dial *#06# and enter the IMEI."),
    "iccid_not_accepted": _("This is a SIM card number (ICCID). Dial *#06# and enter the line marked IMEI."),
    "serial_letter": _("Apple serial numbers never use the letters O and I. Replace them by the digits 0 and 1."),
    "serial_length": _("This serial number is too short. Copy it again from the phone's settings, under About."),
    "serial_not_imei": _("This is a serial number. Dial *#06# and enter the 15-digit IMEI instead."),
    "msisdn_empty": _("Enter the phone number in international form, starting with + and the country code."),
    "msisdn_international": _(
        "Enter the number in its international form: a plus sign, the country code, then the number, "
        "such as +33 6 12 34 56 78."
    ),
    "msisdn_format": _("A phone number has digits only after the plus sign. Remove everything else."),
    "msisdn_length": _("A phone number has 8 to 15 digits after the plus sign. Check that none is missing."),
    "msisdn_is_imei": _("This is an IMEI. Enter the phone number instead, starting with + and the country code."),
    "msisdn_country": _("This number belongs to another country than this service. Check the country code."),
    "msisdn_several": _("You pasted two phone numbers: enter one."),
}
"""Every refusal: a stable code and the sentence that says what to do."""

WARNINGS: Mapping[str, object] = {
    "imei14": _(
        "You entered 14 digits; we computed the last one. Please dial *#06# and compare the last digit before paying."
    ),
    "imeisv": _(
        "This is a 16-digit IMEISV; we removed the last two digits and computed the check digit. "
        "Please compare the 15 digits with *#06#."
    ),
    "sequence": _("These digits follow one another as on a keyboard. Please compare them with *#06#."),
    "maybe_imsi": _("This could be a SIM identity (IMSI). Please compare it with the line marked IMEI on *#06#."),
    "unknown_range": _("No phone maker is known for this number. Please compare it with *#06#."),
    "not_a_phone": _("This number belongs to a cordless or satellite phone, which most services do not cover."),
    "placeholder": _("Phones that lost their own IMEI show this number. Please look at the box or the SIM tray."),
    "serial_prefix": _("We removed the S that barcodes put before a serial number. Please compare it."),
}
"""What an accepted number asks the customer to look at again."""


class IdentifierInvalid(ValueError):
    """A text that is refused.

    ``code`` is a key of ``ERRORS`` and never changes; ``message`` is its lazy sentence; ``kind`` is what the
    text looked like; ``suggestion`` is a number to offer, never to use silently. ``str()`` gives the code
    alone, so that logs receive no device numbers.
    """

    def __init__(self, code: str, kind: IdentifierKind = IdentifierKind.JUNK, suggestion: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.kind = kind
        self.suggestion = suggestion
        self.message = cast("str", ERRORS[code])


@dataclass(frozen=True)
class Identifier:
    """A recognised number in its normal form.

    ``warning`` may be a lazy sentence, so it takes no part in comparisons: call ``str()`` before storing it.
    Code that only asks whether there is one reads ``warning_code``, a key of ``WARNINGS``.
    """

    kind: IdentifierKind
    value: str
    warning: str = field(default="", compare=False)
    warning_code: str = ""


def accepted(kind: IdentifierKind, value: str, warning_code: str = "") -> Identifier:
    """Build an Identifier with the sentence of its warning, if any."""
    warning = cast("str", WARNINGS[warning_code]) if warning_code else ""
    return Identifier(kind, value, warning, warning_code)


# --- Folding ---

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


# --- Calling codes ---

_CALLING_CODES = """
    1:US,CA,AG,AI,AS,BB,BM,BS,DM,DO,GD,GU,JM,KN,KY,LC,MP,MS,PR,SX,TC,TT,VC,VG,VI 7:RU,KZ 20:EG 27:ZA
    30:GR 31:NL 32:BE 33:FR 34:ES 36:HU 39:IT,VA 40:RO 41:CH 43:AT 44:GB,GG,IM,JE 45:DK 46:SE
    47:NO,SJ 48:PL 49:DE 51:PE 52:MX 53:CU 54:AR 55:BR 56:CL 57:CO 58:VE 60:MY 61:AU,CC,CX
    62:ID 63:PH 64:NZ 65:SG 66:TH 81:JP 82:KR 84:VN 86:CN 90:TR 91:IN 92:PK 93:AF 94:LK 95:MM
    98:IR 211:SS 212:MA,EH 213:DZ 216:TN 218:LY 220:GM 221:SN 222:MR 223:ML 224:GN 225:CI 226:BF
    227:NE 228:TG 229:BJ 230:MU 231:LR 232:SL 233:GH 234:NG 235:TD 236:CF 237:CM 238:CV 239:ST
    240:GQ 241:GA 242:CG 243:CD 244:AO 245:GW 248:SC 249:SD 250:RW 251:ET 252:SO 253:DJ 254:KE
    255:TZ 256:UG 257:BI 258:MZ 260:ZM 261:MG 262:RE,YT 263:ZW 264:NA 265:MW 266:LS 267:BW
    268:SZ 269:KM 291:ER 297:AW 298:FO 299:GL 350:GI 351:PT 352:LU 353:IE 354:IS 355:AL 356:MT
    357:CY 358:FI,AX 359:BG 370:LT 371:LV 372:EE 373:MD 374:AM 375:BY 376:AD 377:MC 378:SM
    380:UA 381:RS 382:ME 383:XK 385:HR 386:SI 387:BA 389:MK 420:CZ 421:SK 423:LI 501:BZ 502:GT
    503:SV 504:HN 505:NI 506:CR 507:PA 508:PM 509:HT 590:GP,BL,MF 591:BO 592:GY 593:EC 594:GF
    595:PY 596:MQ 597:SR 598:UY 599:CW,BQ 670:TL 673:BN 675:PG 676:TO 677:SB 678:VU 679:FJ
    685:WS 687:NC 689:PF 852:HK 853:MO 855:KH 856:LA 880:BD 886:TW 960:MV 961:LB 962:JO 963:SY
    964:IQ 965:KW 966:SA 967:YE 968:OM 970:PS 971:AE 972:IL 973:BH 974:QA 975:BT 976:MN 977:NP
    992:TJ 993:TM 994:AZ 995:GE 996:KG 998:UZ
"""
CALLING_CODES: Mapping[str, str] = {
    country: code
    for code, _sep, countries in (row.partition(":") for row in _CALLING_CODES.split())
    for country in countries.split(",")
}
"""ISO 3166 alpha-2 country to calling code; a country missing here is not checked."""
