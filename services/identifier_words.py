"""What a device identifier can be, and the words about it: kinds, refusals, warnings, and the result of reading one.

Sentences are lazy translations: they are looked up only when a page or an e-mail prints them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from django.utils.translation import gettext_lazy as _


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
