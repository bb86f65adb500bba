"""The terms in force from 1 November 2026. Somebody bought under them: not a letter of them changes."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.utils.translation import gettext_lazy as _

from refunds.terms.version import Section, TermsVersion

TERMS: Final = TermsVersion(
    version="2026-11",
    effective_on=date(2026, 11, 1),
    sections=(
        Section(
            "what-we-sell",
            _("What we sell"),
            (
                _(
                    "We sell three kinds of work: releasing a phone's network lock, checking what records say about a"
                    " device, and topping up prepaid lines. The work is done by suppliers whom we instruct; your "
                    "contract is with us."
                ),
                _(
                    "We do not remove activation locks or account locks (iCloud, Google, Samsung, Xiaomi and the "
                    "like), we do not take devices off blacklists, and we do not change an IMEI or any other identity"
                    " of a device. If we learn that a device is reported lost or stolen, a member of our staff looks "
                    "at the order before it goes on."
                ),
            ),
        ),
        Section(
            "who-can-order",
            _("Who can order"),
            (
                _(
                    "You must be at least 18 years old, and the device must be yours or its owner must have asked you"
                    " to order. You confirm this, and that the purpose is lawful, before you pay."
                ),
            ),
        ),
        Section(
            "ordering-and-paying",
            _("Ordering and paying"),
            (
                _(
                    "The price on the page includes tax and is the whole price; you see the total before you pay. If "
                    "a price changes while you are ordering, we show you both and ask again."
                ),
                _(
                    "You pay before the work begins. The payment is taken by our payment provider on its own page; we"
                    " never see or store your card number. An order that is not paid within a day expires, and "
                    "nothing is charged."
                ),
                _(
                    "The contract is made when your payment has arrived. We confirm it by e-mail, with a link to your"
                    " order."
                ),
            ),
        ),
        Section(
            "what-you-tell-us",
            _("What you tell us must be right"),
            (
                _(
                    "We check that an IMEI or phone number is well formed. Whether it is the number of your device, "
                    "only you can know. Work on the number you entered is work done as ordered, also when you entered"
                    " another device's number or chose a service for another network. Please compare every digit; the"
                    " page before payment shows it again."
                ),
            ),
        ),
        Section(
            "delivery-times",
            _("Delivery times"),
            (
                _(
                    "Each service states two times, both counted from the moment your payment has arrived. The "
                    "average is what such orders usually take; it is not promised. The guaranteed time is promised."
                ),
                _(
                    "If an order is not finished within its guaranteed time, you may ask for your money back as long "
                    "as it is still unfinished, or go on waiting. Write to us with the order number."
                ),
            ),
        ),
        Section(
            "cancelling",
            _("Cancelling"),
            (
                _(
                    "As long as your order has not been forwarded to a supplier you can cancel it by writing to us; "
                    "you get back what you paid. Forwarding often happens within minutes of the payment. Once "
                    "forwarded, a supplier can as a rule not stop the work any more, and we can cancel only if the "
                    "supplier agrees."
                ),
                _(
                    "If you are a consumer with a statutory right to withdraw within 14 days, that right stays with "
                    "you. If you ask us to start at once, you agree that the right to withdraw ends when the work has"
                    " been fully done, and that work done until you withdraw is to be paid for. You do not have to "
                    "ask for this in order to buy."
                ),
            ),
        ),
        Section(
            "when-it-cannot-be-done",
            _("When it cannot be done"),
            (
                _(
                    "A supplier may answer that the service is not available for your device, or that no code or "
                    "record was found. The order page and an e-mail tell you so. We then owe you what you paid for "
                    "that device."
                ),
                _(
                    "If a delivered code or release does not work, write to us within 14 days with the order number "
                    "and what the phone shows. We have it looked into, and if the work was not done as described, you"
                    " get your money back."
                ),
            ),
        ),
        Section(
            "refunds",
            _("How refunds are paid"),
            (
                _(
                    "Refunds go to the payment method you paid with. Our staff start them; you do not have to explain"
                    " a refund that we owe you. How long the money takes to arrive depends on your bank, usually five"
                    " to ten days."
                ),
                _(
                    "A delivered top-up and a delivered report cannot be given back, so they are refunded only when "
                    "they were not what the service describes."
                ),
            ),
        ),
        Section(
            "privacy",
            _("What we store about you"),
            (
                _(
                    "For an order we store your e-mail address, the device numbers and answers you entered, your "
                    "internet address and browser name at the time of ordering, which version of these terms you "
                    "accepted, and the result. We need them to do the work, to show you your order, to answer "
                    "complaints and to keep accounts as the law requires."
                ),
                _(
                    "Suppliers receive the device number and the answers that the work needs, not your e-mail address"
                    " or name. Our payment provider receives your e-mail address and the amount, and our mail "
                    "provider your address and the mails. There is no advertising and no tracking on these pages, and"
                    " we set only the cookies that forms need."
                ),
                _(
                    "You can ask us what we have stored, have it corrected, and have it deleted where no law makes us"
                    " keep it."
                ),
            ),
        ),
        Section(
            "contact",
            _("Contact and disputes"),
            (
                _(
                    "Write to the address at the foot of this page and name your order number; we answer in plain "
                    "words. These terms take nothing away from rights that the law of your country gives you as a "
                    "consumer."
                ),
            ),
        ),
    ),
)
