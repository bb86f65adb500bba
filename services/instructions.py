"""How to use what an order delivers, by kind of result. Pages and mails show the same steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from services.models import ResultKind

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Instructions:
    """What to do with a result, in order, and what to beware of. The warning may be empty."""

    title: Text
    steps: tuple[Text, ...]
    warning: Text = ""


INSTRUCTIONS: Final[Mapping[ResultKind, Instructions]] = {
    ResultKind.CODE: Instructions(
        _("How to enter the code"),
        (
            _("Switch the phone off and put in a SIM card of another network than the one it is locked to."),
            _("Switch it on. It asks for a code: “SIM network unlock PIN” or similar words."),
            _("Enter the code exactly as shown above and confirm."),
            _("Wait for “Network unlock successful”. The phone then works with every network."),
        ),
        _(
            "The phone counts wrong tries and locks for good after a few. After 3 wrong tries stop and write to us: "
            "do not try further codes."
        ),
    ),
    ResultKind.REMOTE_UNLOCK: Instructions(
        _("How to finish the unlock"),
        (
            _("Put in a SIM card of another network than the one the phone was locked to."),
            _("Connect the phone to Wi-Fi."),
            _("Restart the phone. It fetches its new status and activates by itself, within some minutes."),
            _(
                "If it still asks for a supported SIM card: back it up, restore it with a computer, "
                "and set it up again with the other SIM card and Wi-Fi."
            ),
        ),
        _("A restore erases the phone. Make a backup first, and know its account name and password."),
    ),
    ResultKind.REPORT: Instructions(
        _("How to read the report"),
        (
            _("Compare the identifier in the report with the one of your device (dial *#06#)."),
            _("The data is as of the moment the report was made; the time is shown on this order."),
            _("Keep the report together with the device's proof of purchase."),
        ),
        _(
            "The data comes from registers of others and may change any day. "
            "Before you buy a device, ask for a new report."
        ),
    ),
    ResultKind.TOPUP: Instructions(
        _("How to check the credit"),
        (
            _("The credit is on the number shown on this order. There is nothing to enter."),
            _("Check the balance the way the network offers: its app, its short code or its text message."),
            _("No credit after an hour? Restart the phone, look again, then write to us with the order number."),
        ),
        _("Credit has an expiry date set by the network. It cannot be moved to another number."),
    ),
}


def instructions_for(result_kind: str) -> Instructions:
    """The instructions for a result of this kind."""
    return INSTRUCTIONS[ResultKind(result_kind)]
