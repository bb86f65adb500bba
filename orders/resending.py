"""Mailing a result once more, because the customer asks on the order's page: to the purchase's address, no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import events, lifecycle, mailing
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from orders.states import OrderState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

MOST: Final = 3
PAUSE: Final = timedelta(minutes=5)
KIND: Final = "order.result_sent_again"


def resend_result(order_id: int, *, actor: Actor) -> OutgoingMail:
    """Owe the customer the result mail once more.

    Raises ``Refused``: ``no_result``, ``with_staff`` while our staff look at the last one, ``on_its_way`` while it
    waits or is a few minutes old, ``bounced`` where the address did not take it, ``too_often`` after ``MOST`` times.
    """
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        last = _last(order)
        if order.state != OrderState.COMPLETED or last is None:
            raise Refused(_("There is no result to send."), code="no_result")
        if last.trouble:
            raise Refused(
                _("Our last mail did not reach your address. Write to us, and we correct it."), code="bounced"
            )
        if last.work_state in {WorkState.NEEDS_STAFF, WorkState.UNCERTAIN}:
            raise Refused(
                _("Our last mail may not have gone out, and our staff are looking at it. The result is on this page."),
                code="with_staff",
            )
        is_young = clock.now() - last.created_at < PAUSE
        if is_young or last.work_state != WorkState.DONE:
            raise Refused(_("The mail is on its way. Look again in a few minutes, also for spam."), code="on_its_way")
        if order.events.filter(kind=KIND).count() >= MOST:
            raise Refused(_("We have sent it several times. Write to us if it does not arrive."), code="too_often")
        mail = mailing.queue_for_order(order, MailKind.COMPLETED)
        events.record(order, KIND, actor=actor)
    return mail


def _last(order: Order) -> OutgoingMail | None:
    mails = OutgoingMail.objects.filter(order=order, kind=MailKind.COMPLETED)
    return mails.order_by("-pk").first()
