"""What staff do about a refund that failed: its amount is free again, and somebody has to see to it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from payments import paying_by_hand, refunding
from payments.models import Refund
from payments.paying_by_hand import ByHand
from payments.refunding import Grounds
from payments.states import RefundState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState


def waits(refund: Refund) -> bool:
    """Whether it failed and nobody has seen to it."""
    return refund.state == RefundState.FAILED and refund.work_state == WorkState.NEEDS_STAFF


def refund_again(refund: Refund, *, override: str, actor: Actor) -> Refund:
    """A new refund of the same money on the same grounds; the failed one waits no longer.

    Raises ``Refused`` as ``refunding.request_refund`` does, and with ``not_waiting``; nothing has changed then.
    """
    with transaction.atomic():
        _close(refund)
        return refunding.request_refund(
            refund.payment_id,
            money=refund.money,
            grounds=Grounds(refund.rule, refund.reason, override or refund.override_reason),
            actor=actor,
            order_id=refund.order_id,
        )


def paid_by_hand(refund: Refund, sent: ByHand, *, actor: Actor) -> Refund:
    """Staff sent the money of a failed refund in another way: recorded on the same grounds, and nobody waits any more.

    Raises ``Refused`` as ``paying_by_hand.record`` does, and with ``not_waiting``; nothing has changed then.
    """
    with transaction.atomic():
        _close(refund)
        return paying_by_hand.record(
            refund.payment_id,
            sent,
            money=refund.money,
            grounds=Grounds(refund.rule, refund.reason, refund.override_reason),
            actor=actor,
            order_id=refund.order_id,
        )


def set_aside(refund: Refund, *, reason: str) -> None:
    """Nothing is owed any more. Raises ``Refused`` with ``not_waiting``."""
    with transaction.atomic():
        _close(refund)
        Refund.objects.filter(pk=refund.pk).update(last_error=reason.strip()[:500])


def _close(refund: Refund) -> None:
    waiting = Refund.objects.filter(pk=refund.pk, state=RefundState.FAILED, work_state=WorkState.NEEDS_STAFF)
    if not waiting.update(work_state=WorkState.DONE):
        raise Refused(_("The refund does not wait for staff any more."), code="not_waiting")
