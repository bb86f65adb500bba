"""What a customer's reply to the confirmation brings about: a clear wish to cancel is carried out, as far as the
terms and the orders' states allow; all else is a task for staff. The customer is always told what happened."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from orders import cancel_words, cancelling, inbound, lifecycle, mailing
from orders.cancel_words import Wish
from orders.models import InboundMail, Order, Purchase
from orders.models.inbound_mail import InboundReason, InboundVerdict
from orders.models.mail import MailKind
from orders.sendgrid_inbound import is_authentic
from orders.states import OrderState
from refunds import calling_off
from unlockshop.kernel import actors, work
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, TransitionRefused

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=90)
ATTEMPTS_CAP: Final = 12

# Mails that may not be the customer's.
_DOUBTFUL: Final = (InboundReason.OTHER_SENDER, InboundReason.NOT_AUTHENTIC)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one order, in words for the customer. ``is_told`` when a mail of its own says it already."""

    text: str
    is_told: bool = False
    needs_staff: bool = False


def process(mail_id: int) -> None:
    """Do what a stored mail asks for, if it is due and nobody else is at it."""
    mail = work.claim(InboundMail, mail_id, lease=LEASE)
    if mail is None:
        return
    if mail.attempts > ATTEMPTS_CAP:  # workers that were lost in it wrote nothing down
        _give_up(mail)
        return
    try:
        _process(mail)
    except Exception as error:
        logger.exception("mail %s: unforeseen error", mail.pk)
        if mail.attempts >= ATTEMPTS_CAP:
            _give_up(mail)
        else:
            work.retry_or_give_up(mail, f"unforeseen {type(error).__name__}", cap=ATTEMPTS_CAP)


def _give_up(mail: InboundMail) -> None:
    """The shop cannot carry it out: a person does."""
    if mail.is_automatic:
        inbound.finish(mail, InboundVerdict.AUTOMATIC)
    elif mail.purchase is None:
        _task_alone(mail)
    else:
        with translation.override(mail.purchase.language):
            _hand_to_staff(mail, mail.purchase, InboundReason.FAILED)


def _task_alone(mail: InboundMail, why: InboundReason = InboundReason.FAILED) -> None:
    with transaction.atomic():
        inbound.finish(mail, InboundVerdict.STAFF, why)


def due() -> list[int]:
    """Stored mails whose turn it is."""
    return list(work.due(InboundMail))


def _process(mail: InboundMail) -> None:
    if mail.is_automatic:
        inbound.finish(mail, InboundVerdict.AUTOMATIC)
        return
    if mail.purchase is None:
        _task_alone(mail, InboundReason.NO_PURCHASE)
        return
    purchase = mail.purchase
    with translation.override(purchase.language):
        why, wish = _wish(mail, purchase)
        if wish is None:
            _hand_to_staff(mail, purchase, why)
            return
        actor = actors.customer(purchase.email)
        results = [_cancel(order, actor, mail) for order in _named(purchase, wish)]
        _answer(mail, purchase, results)


def cancel_for(mail: InboundMail, *, evidence: str, actor: Actor) -> list[str]:
    """Staff read a mail as a wish to cancel: do so with every order of its purchase, and close the task.

    Returns what came of each order, in words. Raises ``Refused`` for a mail without purchase or a closed task.
    """
    if mail.purchase is None:
        raise Refused(_("this mail names no purchase"), code="no_purchase")
    if mail.closed_at is not None:
        raise Refused(_("this task is closed already"), code="closed")
    results = [_cancel(order, actor, mail) for order in _named(mail.purchase, Wish())]
    with transaction.atomic():
        inbound.close(mail.pk, evidence=evidence, actor=actor)
        _tell(mail, mail.purchase, results)
    return [result.text for result in results]


def _wish(mail: InboundMail, purchase: Purchase) -> tuple[InboundReason, Wish | None]:
    """The clear wish of the person who ordered, or why a person must read the mail."""
    if mail.sender != purchase.email.lower():
        return InboundReason.OTHER_SENDER, None
    if not is_authentic(mail.sender, mail.envelope_from, mail.spf, mail.dkim):
        return InboundReason.NOT_AUTHENTIC, None
    if mail.is_truncated:
        return InboundReason.TOO_LONG, None
    wish = cancel_words.wish_in(mail.text, [code for code, _name in settings.LANGUAGES])
    if wish is None or not wish.numbers <= set(purchase.orders.values_list("number", flat=True)):
        return InboundReason.UNCLEAR, None
    return InboundReason.NONE, wish


def _named(purchase: Purchase, wish: Wish) -> list[Order]:
    rows = purchase.orders.select_related("purchase").defer("result").order_by("position")
    return [order for order in rows if not wish.numbers or order.number in wish.numbers]


def _cancel(order: Order, actor: Actor, mail: InboundMail) -> Result:
    """Cancel one order as far as that goes. Judged at the moment the mail came in; state decides all the same."""
    names = {"number": order.number}
    if order.state == OrderState.CANCELLED:
        is_ours = order.events.filter(kind__in=calling_off.CALLED_OFF, at__gte=mail.received_at).exists()
        return Result(_("%(number)s is cancelled.") % names, is_told=is_ours)
    if order.state == OrderState.AWAITING_PAYMENT:
        return Result(_("%(number)s is not paid. It ends by itself; you need not pay it.") % names)
    try:
        calling_off.call_off(order.pk, actor=actor)
    except TransitionRefused:
        raise
    except Refused as refused:
        if refused.code == calling_off.LEFT and _asks_supplier(order, actor):
            text = _(
                "%(number)s has left for our supplier. We ask it to stop; if it agrees, the order is cancelled and "
                "you get your money back. We write to you."
            )
            return Result(text % names)
        return Result(f"{order.number}: {refused}", needs_staff=refused.code.startswith("H_"))
    if Order.objects.filter(pk=order.pk, state=OrderState.CANCELLED).exists():
        return Result(_("%(number)s is cancelled.") % names, is_told=True)
    return Result(
        _("%(number)s: we have your cancellation, and carry it out once we know whether our supplier has it.") % names
    )


def _asks_supplier(order: Order, actor: Actor) -> bool:
    """Whether the terms let the supplier be asked, and it is."""
    if calling_off.agreed_with(order.purchase).numbers.cancellation.after_dispatch != "ask_supplier":
        return False
    if cancelling.open_request(order) is not None:
        return True
    if not cancelling.may_request(order, lifecycle.live_attempt(order)):
        return False
    cancelling.request(order.pk, reason=_("The customer asked by mail."), actor=actor)
    return True


def _answer(mail: InboundMail, purchase: Purchase, results: list[Result]) -> None:
    with transaction.atomic():
        if any(result.needs_staff for result in results):
            is_ours = inbound.finish(mail, InboundVerdict.STAFF, InboundReason.TERMS)
        elif all(result.is_told for result in results):
            is_ours = inbound.finish(mail, InboundVerdict.CANCELLED)
        else:
            is_ours = inbound.finish(mail, InboundVerdict.ANSWERED)
        if is_ours:
            _tell(mail, purchase, results)


def _tell(mail: InboundMail, purchase: Purchase, results: list[Result]) -> None:
    """The answer, unless every order's own mail says it."""
    if not all(result.is_told for result in results):
        facts = {"lines": "\n".join(result.text for result in results)}
        mailing.queue_for_purchase(purchase, MailKind.REPLY, revision=str(mail.pk), facts=facts)


def _hand_to_staff(mail: InboundMail, purchase: Purchase, why: InboundReason) -> None:
    """A person reads it. The customer hears so once, at the purchase's address, until that person has done it.

    A stranger's mail that waits does not keep the customer's own from being acknowledged.
    """
    with transaction.atomic():
        others = inbound.for_staff().filter(purchase=purchase)
        if why not in _DOUBTFUL:
            others = others.exclude(reason__in=_DOUBTFUL)
        is_first = not others.exists()
        if inbound.finish(mail, InboundVerdict.STAFF, why) and is_first:
            text = _(
                "We have your mail, and a person reads it. Nothing was cancelled by it. To cancel at once, use the "
                "button on the order's page."
            )
            mailing.queue_for_purchase(purchase, MailKind.REPLY, revision=str(mail.pk), facts={"lines": text})
