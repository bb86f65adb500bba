"""Questions that people ask before they order, with answers that the rules of the shop bear out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answer, both plain text."""

    text: str
    answer: str


def asked_first() -> Sequence[Question]:
    """The questions of the first page, in the visitor's language."""
    return [
        Question(
            _("What is an IMEI, and where do I find it?"),
            _("A number of 15 digits that names one phone. Dial *#06# and the phone shows it."),
        ),
        Question(
            _("How long does it take?"),
            _(
                "Each service says what is usual and what its longest time is, before you order. "
                "Your order's page then says by when yours is due."
            ),
        ),
        Question(
            _("What if it cannot be done?"),
            _(
                "If the network or the maker says no, we owe you what you paid. The refund rules say in which cases "
                "money goes back, and every decision names its rule."
            ),
        ),
        Question(
            _("Is anything on my phone changed or lost?"),
            _(
                "No. The work is done with the IMEI alone: the network or the maker releases the lock, or you get a "
                "code to enter. Nothing is installed, and your data stays where it is."
            ),
        ),
        Question(
            _("I do not know which network it is locked to"),
            _(
                "Check first: an unlock for the wrong network fails. A check of the kind that identifies a device "
                "costs little and names the network."
            ),
        ),
        Question(
            _("I typed the wrong IMEI. What now?"),
            _(
                "Open your order's page at once: it says whether the order can still be corrected. That is easiest "
                "before it has left for our supplier; after that the refund rules and the supplier decide."
            ),
        ),
        Question(
            _("Do I need an account?"),
            _("No. You give an e-mail address, and the link in our mail opens the page of your order."),
        ),
        Question(
            _("What do you not do?"),
            _("We do not remove activation locks or blacklist entries, and we never change an IMEI."),
        ),
    ]
