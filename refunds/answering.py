"""Telling the customer how a claim stands: a mail in plain words, with the sentences of the clauses behind it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import mailing
from orders.models.mail import MailKind
from orders.moments import due_words
from orders.wording import money_words
from refunds.judging import clause_lines, profile_of
from refunds.models import Claim, SecondCode


class Telling(StrEnum):
    """What a mail about a claim says."""

    RECEIVED = "received"
    EVIDENCE = "evidence"
    REMINDER = "reminder"
    SUPPLIER = "supplier"
    APPROVED = "approved"
    AUTOMATIC = "automatic"
    DENIED = "denied"
    LAPSED = "lapsed"
    REOPENED = "reopened"
    SECOND_CODE = "second_code"
    EXCHANGED = "exchanged"


_TITLES: Final[Mapping[Telling, str | Promise]] = {
    Telling.RECEIVED: gettext_lazy("We have your claim"),
    Telling.EVIDENCE: gettext_lazy("Please send us evidence"),
    Telling.REMINDER: gettext_lazy("We still wait for your evidence"),
    Telling.SUPPLIER: gettext_lazy("We have asked our supplier"),
    Telling.APPROVED: gettext_lazy("Your claim is approved"),
    Telling.AUTOMATIC: gettext_lazy("You get your money back"),
    Telling.DENIED: gettext_lazy("Your claim is not approved"),
    Telling.LAPSED: gettext_lazy("Your claim is closed for now"),
    Telling.REOPENED: gettext_lazy("We look at your claim again"),
    Telling.SECOND_CODE: gettext_lazy("We get you a second code"),
    Telling.EXCHANGED: gettext_lazy("We exchange it"),
}
_TEXTS: Final[Mapping[Telling, str | Promise]] = {
    Telling.RECEIVED: gettext_lazy("A member of our staff looks at it. You hear from us by %(due)s."),
    Telling.EVIDENCE: gettext_lazy("The rules ask for evidence first. Please send it by %(due)s."),
    Telling.REMINDER: gettext_lazy("Without it we can decide nothing. Please send it by %(due)s."),
    Telling.SUPPLIER: gettext_lazy("It has until %(due)s to answer. You hear from us then; you need not do anything."),
    Telling.APPROVED: gettext_lazy("%(amount)s go back the way you paid. The money leaves us by %(pay_by)s."),
    Telling.AUTOMATIC: gettext_lazy(
        "The rules say so, and you need not ask: %(amount)s go back the way you paid. "
        "The money leaves us by %(pay_by)s."
    ),
    Telling.DENIED: gettext_lazy(
        "Below are the rules it was decided by. If you think a fact is wrong, answer this mail and say which."
    ),
    Telling.LAPSED: gettext_lazy(
        "Nothing was sent in by the day we had named. Send it when you have it, and we take the claim up again."
    ),
    Telling.REOPENED: gettext_lazy("You hear from us by %(due)s."),
    Telling.SECOND_CODE: gettext_lazy(
        "We order the code for your phone once more, as order %(second)s. It costs you nothing, and you need not do "
        "anything: you get a mail with its result. If it does not work either, tell us on the page below."
    ),
    Telling.EXCHANGED: gettext_lazy(
        "You get %(service)s for it, as order %(second)s. It costs you nothing, and you need not do anything: you get "
        "a mail with its result. You keep what you got before."
    ),
}
# The one thing that the mail shows large: what it is called, and which of the words it is.
_FIGURES: Final[Mapping[Telling, tuple[str | Promise, str]]] = {
    Telling.RECEIVED: (gettext_lazy("You hear from us by"), "due"),
    Telling.EVIDENCE: (gettext_lazy("Send it by"), "due"),
    Telling.REMINDER: (gettext_lazy("Send it by"), "due"),
    Telling.SUPPLIER: (gettext_lazy("Our supplier answers by"), "due"),
    Telling.APPROVED: (gettext_lazy("Goes back to you"), "amount"),
    Telling.AUTOMATIC: (gettext_lazy("Goes back to you"), "amount"),
    Telling.REOPENED: (gettext_lazy("You hear from us by"), "due"),
    Telling.SECOND_CODE: (gettext_lazy("The new order"), "second"),
    Telling.EXCHANGED: (gettext_lazy("The new order"), "second"),
}
# Mails in which staff give their reason.
WITH_REASON: Final = frozenset(
    {Telling.APPROVED, Telling.DENIED, Telling.EVIDENCE, Telling.REMINDER, Telling.SECOND_CODE, Telling.EXCHANGED}
)
_EXCHANGED: Final = gettext_lazy("We put it right without a refund, as the rules below say. You need not do anything.")


def tell(claim: Claim, what: Telling) -> None:
    """Queue the mail, in the caller's transaction, under the order's lock."""
    purchase = claim.order.purchase
    with translation.override(purchase.language):
        words = _words(claim)
        text, (label, figure) = _TEXTS[what], _FIGURES.get(what, ("", ""))
        if what in {Telling.APPROVED, Telling.AUTOMATIC} and claim.amount == 0:
            text, label, figure = _EXCHANGED, "", ""
        agreed = profile_of(claim)
        lines = clause_lines(agreed, tuple((claim.clauses or claim.engine_clauses).split()))
        facts = {
            "title": str(_TITLES[what]),
            "text": str(text) % words,
            "figure_label": str(label),
            "figure": words.get(figure, ""),
            "what": claim.get_type_display() if claim.type != "outcome" else "",
            "reason": claim.decision_reason if what in WITH_REASON else "",
            "clauses": "\n".join(f"{line.sentence} ({line.id})" for line in lines),
            "rules": reverse("refund-rules-version", args=[agreed.name, agreed.version]) if lines else "",
            "code": claim.code if what in {Telling.AUTOMATIC, Telling.DENIED} else "",
            "path": reverse("claim", args=[claim.order.secret, claim.pk]),
        }
    mailing.queue_for_order(claim.order, MailKind.CLAIM, facts=facts)


def _words(claim: Claim) -> dict[str, str]:
    soon = _("soon")
    second = SecondCode.objects.filter(claim=claim).select_related("order").defer("order__result").first()
    return {
        "due": due_words(claim.order, claim.due_at) if claim.due_at else soon,
        "pay_by": due_words(claim.order, claim.pay_by) if claim.pay_by else soon,
        "amount": money_words(claim.money),
        "second": second.order.number if second else "",
        "service": second.order.service_name if second else "",
    }
