"""Clauses IMEIORG."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: Final[dict[str, Promise]] = {
    "IMEIORG-KP-1": _("A purchase is final unless the guarantee or the law says otherwise."),
    "IMEIORG-KP-2a": _("Without one of the grounds listed here, a service that was bought is not refunded."),
    "IMEIORG-KP-2c": _("You confirm before paying that an unlock cannot be called off once it is ordered."),
    "IMEIORG-KP-3": _(
        "The law comes first: where it lets you withdraw within {n.withdrawal.days} days, these terms do not stop you."
    ),
    "IMEIORG-KP-4": _(
        "What happens to the device after delivery is your risk; if you cannot finish the steps, our support "
        "helps you."
    ),
    "IMEIORG-1.7": _("A carrier may lock a device again later. That is outside our hands and not refunded."),
    "IMEIORG-2.1": _("After your payment has arrived, the order can no longer be cancelled."),
    "IMEIORG-7.1": _("An order that came back as not found is sent in again if the device could have been accepted."),
    "IMEIORG-8.1": _("Every service carries a full money-back guarantee under the conditions of this section."),
    "IMEIORG-8.2": _("If the work cannot be delivered, you get back the full price."),
    "IMEIORG-8.3": _("If you say that delivered work does not do what it should, we need a video that shows it."),
    "IMEIORG-8.3a": _("The video shows the IMEI after dialling *#06#, and it is the IMEI that was ordered."),
    "IMEIORG-8.3b": _("The video shows the device being restored and activated as the instructions say."),
    "IMEIORG-8.4": _("No refund if a network check finds that the device had been unlocked already."),
    "IMEIORG-8.5": _("No refund if you gave a wrong IMEI and work was delivered for it, or it was not found."),
    "IMEIORG-8.6": _("No refund if you chose the service of another network than the one the device is locked to."),
    "IMEIORG-8.7": _("No refund if the device had never been activated when you ordered."),
    "IMEIORG-8.8": _(
        "No refund for a device that is reported lost or stolen, unless the service accepts such devices."
    ),
    "IMEIORG-8.9": _("No refund if an activation service was bought in order to get round an activation lock."),
    "IMEIORG-8.10": _(
        "If no video reaches us within {n.claims.evidence_days} days of our request, the claim is closed; a "
        "video opens it again."
    ),
    "IMEIORG-8.11": _("We refund only what was bought from us."),
    "IMEIORG-8.12": _("The guarantee does not cover a device that is blocked after it was unlocked."),
    "IMEIORG-8.13": _("If the device is unlocked but you cannot finish the steps, you get help instead of a refund."),
    "IMEIORG-8.14": _("If an activation lock stops you, you get help instead of a refund."),
    "IMEIORG-8.15": _("Taking longer than the usual time is no reason for a refund."),
    "IMEIORG-8.16": _("No refund if the unlocked device cannot work on the network you want for technical reasons."),
    "IMEIORG-8.17": _("No refund if you change your mind after the unlock was delivered."),
    "IMEIORG-8.18": _("No refund if the device was free of its lock before you ordered."),
    "IMEIORG-8.19": _(
        "If iTunes does not activate a device that our check finds unlocked, you get help instead of a refund."
    ),
    "IMEIORG-8.20": _("No refund if the device is locked again because bills with the carrier are unpaid."),
    "IMEIORG-8.21": _("This also holds for orders that are still being worked on: paid means not cancellable."),
    "IMEIORG-8.T1": _("If a code gives an error or you are unsure, ask our support first."),
    "IMEIORG-8.T2": _("A refund shows on your account within {n.refund.visible_days} days."),
    "IMEIORG-9.2": _("Before you report that an unlock fails, the device has to be restored to the latest system."),
    "IMEIORG-11.1": _(
        "After delivery, an order with wrong data, the wrong network or a device never activated is neither "
        "changed nor refunded."
    ),
    "IMEIORG-11.2a": _(
        "While the order is open, we try to call it off and replace it with the right data at no charge."
    ),
    "IMEIORG-11.2b": _("The delivery time of a replacement counts from the change."),
    "IMEIORG-11.2c": _("If the old order cannot be called off, the right data needs a new order."),
    "IMEIORG-12.1": _(
        "Not found means that no unlock was possible so far. Our staff find out why before anything is decided."
    ),
    "IMEIORG-16.1": _("A suspicion of fraud is looked into by our staff before money moves."),
    "IMEIORG-16.4": _(
        "While a dispute about the payment is open, the payment provider decides and we do not refund besides."
    ),
    "IMEIORG-16.5c": _("Abuse does not cost you a refund that is due; our staff look at it before it goes out."),
    "IMEIORG-16.6": _(
        "A dispute opened before the delivery time is over: our staff contact you within "
        "{n.disputes.premature_hours} hours."
    ),
    "IMEIORG-17.1": _(
        "A dispute that stays open for {n.disputes.escalate_days} days is answered by our staff with what they know."
    ),
    "IMEIORG-18.5b": _(
        "Your statutory rights, such as withdrawing within {n.withdrawal.days} days, stand beside these terms."
    ),
}
