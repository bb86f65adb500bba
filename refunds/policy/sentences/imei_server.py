"""Clauses IMEISERVER."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: Final[dict[str, Promise]] = {
    "IMEISERVER-2.2": _("What you deposit stays yours in full; an order paid from it is refunded to it."),
    "IMEISERVER-2.3": _(
        "Stated times are estimates; more than {n.delivery.hard_cap_days} business days beyond them you can "
        "ask for your money back."
    ),
    "IMEISERVER-2.4": _("No refund if a device is locked again."),
    "IMEISERVER-3.1": _(
        "You can ask for a refund until the end of the {n.claims.request_days}th day after your payment."
    ),
    "IMEISERVER-3.2": _(
        "Refunds go back to where the payment came from; if that is closed, our staff find another way with you."
    ),
    "IMEISERVER-3.3": _("A refund is made within {n.refund.process_calendar_days} days of your request."),
    "IMEISERVER-3.4": _("You ask for a refund on the order's page or by e-mail."),
    "IMEISERVER-4.1": _(
        "If the device does not accept the result, tell us within {n.claims.notify_days} days of receiving it"
        " and send an uncut video."
    ),
    "IMEISERVER-4.1a": _("The video's short side has at least {n.evidence.min_short_side} pixels."),
    "IMEISERVER-4.1b": _("The whole device is in the picture and in focus."),
    "IMEISERVER-4.1c": _("The light is good enough to see everything."),
    "IMEISERVER-4.1d": _("The video shows the IMEI or serial number, by *#06#, and it is the one that was ordered."),
    "IMEISERVER-4.1e": _("Every step is done as the instructions say."),
    "IMEISERVER-4.2a": _("No refund if the IMEI or serial number you gave was wrong."),
    "IMEISERVER-4.2b": _(
        "No refund if somebody else was asked to do the same work meanwhile, or you unlocked the device yourself."
    ),
    "IMEISERVER-4.2c": _("No refund if the device has no attempts left or does not ask for a code."),
    "IMEISERVER-4.2d": _("No refund if other locks are on the device."),
    "IMEISERVER-4.2e": _("No refund if you chose the wrong service."),
    "IMEISERVER-4.2f": _("No refund if the instructions were not followed."),
    "IMEISERVER-4.3": _("We try to solve everything with you first: write to our support."),
}
