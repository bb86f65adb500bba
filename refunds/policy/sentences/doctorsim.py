"""Clauses DSIM."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: Final[dict[str, Promise]] = {
    "DSIM-REQ-4": _("We may refuse an order that looks unlawful; our staff decide, and what we refuse we refund."),
    "DSIM-CHECK-DEF-9": _(
        "The same holds for checks: our staff look at a suspicion, and a refused check is refunded."
    ),
    "DSIM-DEL-2": _("The average time is experience, not a promise; only the guaranteed time is."),
    "DSIM-DEL-5": _("If the guaranteed time has passed, you get back the full price when you ask for it."),
    "DSIM-DEL-6": _(
        "A guarantee of more than {n.long_guarantee_hours} business hours begins on the next business day."
    ),
    "DSIM-HOURS-1": _(
        "Time counts from {n.calendar.opens:%H:%M} to {n.calendar.closes:%H:%M}, Madrid time, Monday to "
        "Friday except public holidays."
    ),
    "DSIM-HOURS-3": _(
        "If we tell you of a delay and a new date, you can cancel within {n.cancellation.delay_notice_hours} "
        "hours of receiving the message."
    ),
    "DSIM-HOURS-4": _(
        "Without an answer within {n.cancellation.delay_notice_hours} hours the work is taken up again for "
        "the new date and can no longer be cancelled."
    ),
    "DSIM-HOURS-5": _(
        "If there is no new date, you can cancel and get everything back as long as we cannot name one."
    ),
    "DSIM-CANCEL-1": _(
        "Within {n.withdrawal.days} days you can withdraw without a reason while work on the order has not begun."
    ),
    "DSIM-CANCEL-2": _(
        "An unlock can be cancelled for {n.cancellation.window_minutes} minutes after ordering, from the "
        "e-mail address that ordered."
    ),
    "DSIM-CANCEL-3": _(
        "After those {n.cancellation.window_minutes} minutes the order goes out and cannot be cancelled."
    ),
    "DSIM-ADDPAY-1": _("Instead of a refund you can move to a better service and pay only the difference."),
    "DSIM-ADDPAY-2": _("Until you have paid the difference, you can still choose the refund."),
    "DSIM-ADDPAY-3": _("What you paid counts in full towards the better service."),
    "DSIM-CRED-7": _(
        "Credits gained against the rules can be withheld after our staff have looked at it; money you paid "
        "is returned."
    ),
    "DSIM-BPG-1": _(
        "If you find a better price within {n.price_match.hours} hours of buying, you get the difference in credits."
    ),
    "DSIM-BPG-2a": _("The other price includes taxes and fees."),
    "DSIM-BPG-2b": _("The other price is open to everybody; discounts and special offers do not count."),
    "DSIM-BPG-2c": _("Only orders that were paid in full with money take part."),
    "DSIM-BPG-3a": _("The other shop is a registered company."),
    "DSIM-BPG-3b": _("The other shop meets its legal and tax duties."),
    "DSIM-BPG-3c": _("The other shop writes invoices."),
    "DSIM-BPG-3d": _("The other shop offers comparable service, support, payment and delivery times."),
    "DSIM-BPG-3e": _("The other shop's site was updated in the last {n.price_match.site_months} months."),
    "DSIM-BPG-4a": _("A claim for a better price names the address of the offer."),
    "DSIM-BPG-4b": _("It comes with a picture of the checkout that shows price, date and time."),
    "DSIM-BPG-4c": _("It names the other company and its tax number."),
    "DSIM-BPG-4d": _("It names your own order."),
    "DSIM-UNLOCK-CHK-b": _("Check before ordering that the device has attempts left; without any it is not refunded."),
    "DSIM-UNLOCK-CHK-c": _(
        "A device reported lost or stolen can be unlocked but will not work; that is not refunded."
    ),
    "DSIM-UNLOCK-CHK-d": _("Check before ordering whether the device is unlocked already; that is not refunded."),
    "DSIM-UNLOCK-CHK-g": _("A device locked to a cloud account is neither unlocked nor refunded."),
    "DSIM-UNLOCK-CHK-h": _(
        "You need the device's own PIN or pattern; without it a code cannot be entered, and that is not refunded."
    ),
    "DSIM-UNLOCK-i-a": _("If there is no code for your device, you get your money back unless cases a to d apply."),
    "DSIM-UNLOCK-i-b": _(
        "If a code fails, send an uncut video of the IMEI and of typing the code, with keys, texts and the "
        "whole device visible."
    ),
    "DSIM-UNLOCK-i-c": _(
        "The video shows what went wrong: we help with the steps, or get a second code free of charge, or "
        "refund a wrong one."
    ),
    "DSIM-UNLOCK-ii-a": _("Case a: the device is reported lost or stolen."),
    "DSIM-UNLOCK-ii-b": _("Case b: the device has no attempts left to enter a code."),
    "DSIM-UNLOCK-ii-c": _("Case c: the device is not locked."),
    "DSIM-UNLOCK-ii-d": _("Case d: what you told us about the device, the service or your address was wrong."),
    "DSIM-UNLOCK-ii-e": _("Case e: changed software or hardware keeps a code from working."),
    "DSIM-UNLOCK-R1": _("A refund is made within {n.refund.process_business_days} business days."),
    "DSIM-UNLOCK-R2": _(
        "It goes to the means of payment or to credits, as you choose; a bank takes "
        "{n.refund.posted_after_hours} hours or longer to show it."
    ),
    "DSIM-UNLOCK-R4": _(
        "Unlocks paid by transfer: we can send money to banks in {n.bank_countries_text} only; for others our"
        " staff find a way."
    ),
    "DSIM-CHECK-i": _("If a check brings no result, you get back the full price."),
    "DSIM-CHECK-ii-0": _("Another cause outside our control, which is not listed here, is for our staff to judge."),
    "DSIM-CHECK-ii-a": _("No refund of a check if the device is damaged or altered."),
    "DSIM-CHECK-ii-b": _("No refund of a check if the data or the service you chose was wrong."),
    "DSIM-CHECK-ii-c": _(
        "A report speaks for the device for {n.claims.contest_hours} hours; a change after that is no reason "
        "for a refund."
    ),
    "DSIM-CHECK-ii-d": _("No refund of a check if an operator kept its records late or wrongly."),
    "DSIM-CHECK-ii-e": _("No refund if the check you bought does not cover the device's network."),
    "DSIM-CHECK-R2": _("Refunds of checks go to the means of payment or to credits, as you choose."),
    "DSIM-CHECK-R4": _(
        "Checks paid by transfer: we can send money to banks in {n.bank_countries_text} only; for others our "
        "staff find a way."
    ),
    "DSIM-TOPUP-ii": _("If a top-up fails, you get back the full price."),
    "DSIM-TOPUP-iii-0": _("Another cause of a failed top-up outside our control is for our staff to judge."),
    "DSIM-TOPUP-iii-a": _("No refund of a top-up if the device is damaged or altered."),
    "DSIM-TOPUP-iii-b": _("No refund of a top-up if the data or the service you chose was wrong."),
    "DSIM-TOPUP-iii-c": _("No refund of a top-up for a device that is reported lost or stolen."),
    "DSIM-TOPUP-iii-d": _("No refund of a top-up to a wrong number that you confirmed."),
    "DSIM-TOPUP-iii-e": _(
        "If a payment may have been made with somebody else's means, our staff settle it with the card's bank."
    ),
    "DSIM-TOPUP-iv-a": _("No refund of delivered work that you no longer want."),
    "DSIM-TOPUP-iv-b": _("No refund of a delivered top-up that you say you did not order; the police can help."),
    "DSIM-TOPUP-v-a": _("If we delivered something else by our fault, we exchange it, at once if it was worth less."),
    "DSIM-TOPUP-R2": _("Refunds of top-ups go to the means of payment or to credits, as you choose."),
    "DSIM-TOPUP-R4": _(
        "Top-ups paid by transfer: we can send money to banks in {n.bank_countries_text} only; for others our"
        " staff find a way."
    ),
}
