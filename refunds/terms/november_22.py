"""The terms in force from 22 November 2026: how cancelling, delays, corrections, claims and videos work now."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from refunds.terms.version import Section, TermsVersion

# Days after its claim was closed; the setting VIDEO_KEEP_DAYS must not be longer (refunds/checks.py).
VIDEO_DAYS: Final = 30

TERMS: Final = TermsVersion(
    version="2026-11-22",
    effective_on=date(2026, 11, 22),
    video_days=VIDEO_DAYS,
    changes=(
        _("You cancel with a button, a link or an answer to our mail, not only by writing to us."),
        _("After the payment an order can be held back for some minutes so that you can cancel it."),
        _("Times run in business hours of a stated zone; where the rules name a last day, orders end by themselves."),
        _("We tell you of delays, and you can cancel then."),
        _("You can correct wrong data of an open order and ask for an investigation when a device is not found."),
        _("Claims are made on the order's page, which shows the rules first; videos are deleted after a stated time."),
        _("How refunds and bank disputes go together is written down."),
    ),
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
            "refund-rules",
            _("Which rules your order follows"),
            (
                _(
                    "These terms say in words what we do. How long each step may take, and every condition of a "
                    "refund, stands in our refund rules, which are part of these terms; each of their clauses has "
                    "a name and an address of its own."
                ),
                _(
                    "Both have versions. Your order keeps for ever the versions that you accepted when you "
                    "bought, whatever we publish later. When a version has changed since, your next order asks "
                    "you to accept the new one and shows what has changed."
                ),
            ),
        ),
        Section(
            "what-you-tell-us",
            _("What you tell us must be right"),
            (
                _(
                    "We check that an IMEI or phone number is well formed. Whether it is the number of your "
                    "device, only you can know. Please compare every digit; the page before payment shows it "
                    "again."
                ),
                _(
                    "Work on the number you entered is work done as ordered, also when it is another device's "
                    "number or the service is for another network. If you notice a mistake before the work is "
                    "done, ask for a correction at once."
                ),
            ),
            chapters=("corrections",),
        ),
        Section(
            "wrong-data",
            _("Corrections"),
            (
                _(
                    "The page of an open order shows whether its data can be corrected. As long as no supplier "
                    "has the order you correct it there at once; after that we ask the supplier to drop it and "
                    "make a replacement with the right data, free of charge. If the supplier refuses, the right "
                    "data needs a new order."
                ),
            ),
            chapters=("corrections",),
        ),
        Section(
            "delivery-times",
            _("Delivery times"),
            (
                _(
                    "Each service states two times, both counted from the moment your payment has arrived. The "
                    "average is what such orders usually take; it is not promised. The longest time is the "
                    "guaranteed one."
                ),
                _(
                    "Times in business hours or business days run only while we are open: on the days, between "
                    "the hours and in the time zone that the refund rules state, without public holidays. The "
                    "order page shows the resulting date in your own time."
                ),
                _(
                    "If an order is not finished within its guaranteed time, what you may ask for stands in the "
                    "refund rules and on the order's page; you may also go on waiting. Where the refund rules "
                    "name a last day for any delivery, an order that is still unfinished then ends by itself, and "
                    "what you paid goes back without your asking."
                ),
            ),
            chapters=("late",),
        ),
        Section(
            "delays",
            _("When we must tell you of a delay"),
            (
                _(
                    "If we learn that an order will be late, we write to you: the new date, or that nobody knows "
                    "one, and why. Where the refund rules let you cancel then, the message holds a link to do so "
                    "and says how many hours you have. They count from the moment the message was delivered; if "
                    "it did not reach you, they do not run."
                ),
                _(
                    "If you do not answer, the order goes on with the new date. As long as there is no new date "
                    "you can still cancel."
                ),
            ),
            chapters=("late",),
        ),
        Section(
            "cancelling",
            _("Cancelling"),
            (
                _(
                    "You can cancel with the button on your order's page, with the link in our confirmation, or "
                    "by answering that mail with a plain wish to cancel, from the address you ordered with. All "
                    "three count the same. After a doubtful answer a member of our staff writes to you first."
                ),
                _(
                    "After the payment an order can be held back for some minutes, as the refund rules say, so "
                    "that you can change your mind. As long as it has not been forwarded to a supplier you can "
                    "cancel it also after that, and you get back all you paid."
                ),
                _(
                    "Once forwarded, a supplier can as a rule not stop the work any more. Where the refund rules "
                    "say so we ask it; if it agrees, the order is cancelled and you get your money back, and the "
                    "order's page tells you what it answered."
                ),
            ),
            chapters=("cancelling",),
        ),
        Section(
            "withdrawing",
            _("Withdrawing"),
            (
                _(
                    "If you are a consumer with a statutory right to withdraw, that right stays with you. If you "
                    "ask us to start at once, you agree that the right to withdraw ends when the work has been "
                    "fully done, and that work done until you withdraw is to be paid for. You do not have to ask "
                    "for this in order to buy."
                ),
            ),
            chapters=("cancelling",),
        ),
        Section(
            "when-it-cannot-be-done",
            _("When it cannot be done"),
            (
                _(
                    "A supplier may answer that the service is not available for your device, a check may bring "
                    "no result, or a top-up may fail. The order page and an e-mail tell you so. We then owe you "
                    "what you paid for that device, as the refund rules say, and where they say so the money goes "
                    "back without your asking."
                ),
            ),
            chapters=("not-delivered",),
        ),
        Section(
            "not-found",
            _("Not found"),
            (
                _(
                    "Not found means that the supplier did not find your device in its records. That can be a "
                    "mistake in the number, or one of the supplier's. The order's page shows what the refund "
                    "rules say and, where they want it, lets you ask for an investigation. If the device was "
                    "wrongly turned down the order is sent in again; what you are owed does not get smaller by "
                    "that."
                ),
            ),
            chapters=("not-delivered",),
        ),
        Section(
            "claims",
            _("Claims and videos"),
            (
                _(
                    "If a result does not work, is wrong, or comes late, make a claim on the order's page. Before "
                    "you send it, the page shows what the rules say, with the clauses, and what would change the "
                    "answer. Refused claims name the clause they rest on; only dates, states and sums are refused "
                    "without a person, and every other refusal is a decision of our staff. If a fact is wrong, "
                    "answer the mail and we look again."
                ),
                format_lazy(
                    _(
                        "Where a video is needed, the page lists what it must show and its limits before you choose "
                        "the file. A program looks at light, sharpness and length to advise you; it never decides. "
                        "Staff alone watch the video, and only for your claim. It is deleted {days} days after the "
                        "claim was closed."
                    ),
                    days=VIDEO_DAYS,
                ),
                _(
                    "If evidence that we asked for does not arrive by its day we close the claim; send it later "
                    "and, where the refund rules allow it, we take the claim up again."
                ),
            ),
            chapters=(
                "does-not-work",
                "video",
                "no-refund",
                "asking",
            ),
        ),
        Section(
            "refunds",
            _("How refunds are paid"),
            (
                _(
                    "Refunds go back the way you paid, and each names the rule it rests on. The refund rules say "
                    "by when we send the money and by when you can expect to see it; the claim's page shows the "
                    "date. If the way back is closed, our staff find another one with you."
                ),
                _(
                    "A delivered top-up and a delivered report cannot be given back, so they are refunded only "
                    "when they were not what the service describes."
                ),
            ),
            chapters=("asking",),
        ),
        Section(
            "disputes",
            _("Disputes at your bank"),
            (
                _(
                    "You may dispute the payment at your bank or payment provider at any time; please ask us "
                    "first, it is usually quicker. While a dispute is open the bank decides: nothing is forwarded "
                    "or refunded besides, so that the same money does not go back twice. We give the bank what we "
                    "know about the order, which terms you accepted included."
                ),
            ),
            chapters=("disputes",),
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
