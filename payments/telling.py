"""Telling people that money went back, or that a refund came back: a mail, and a line in each order's story."""

from __future__ import annotations

from django.utils import translation

from orders import events, lifecycle, mailing
from orders.models.mail import MailKind
from orders.wording import money_words
from payments import wording
from payments.models import Refund
from unlockshop.kernel import actors
from unlockshop.kernel.actors import Actor, ActorKind


def tell_refunded(refund: Refund) -> None:
    """The provider has confirmed it. Runs in the caller's transaction, under the payment's lock."""
    actor = Actor(ActorKind(refund.actor_kind), ident=refund.actor_ident, label=refund.actor_label)
    _record(refund, "money.refunded", actor, rule=wording.rule_label(refund.rule), reason=refund.reason)
    _mail(refund, MailKind.REFUNDED)


def tell_returned(refund: Refund) -> None:
    """The bank sent it back after we had said that it went out. Runs as ``tell_refunded``."""
    _record(refund, "money.returned", actors.provider(refund.payment.provider), failure=refund.failure)
    _mail(refund, MailKind.REFUND_RETURNED)


def _record(refund: Refund, kind: str, actor: Actor, **data: str) -> None:
    """A refund of no order in particular belongs to the story of each."""
    orders = refund.payment.purchase.orders.order_by("pk")
    if refund.order_id is not None:
        orders = orders.filter(pk=refund.order_id)
    for order_id in orders.values_list("pk", flat=True):
        events.record(lifecycle.lock(order_id), kind, actor=actor, amount=refund.money, **data)


def _mail(refund: Refund, kind: MailKind) -> None:
    """A refund may succeed again after it came back, so its mails are counted."""
    purchase = refund.payment.purchase
    earlier = purchase.mails.filter(kind=kind, key__contains=str(refund.pk)).count()
    with translation.override(purchase.language):
        facts = {
            "amount": money_words(refund.money),
            "why": wording.grounds_words(refund),
            "way": wording.way_words(refund),
            "order": refund.order.number if refund.order else "",
        }
    mailing.queue_for_purchase(purchase, kind, revision=f"{refund.pk}:{earlier + 1}", facts=facts)
