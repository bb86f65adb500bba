"""Money that staff sent back past the provider, where the way that it came is closed: booked like any refund.

The transfer itself happens outside the shop. What is recorded here counts as given back everywhere: it bounds every
later refund, stands in the books, on the receipt and in the order's story, and the customer is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from payments import booking, refunding, telling
from payments.models import Payment, Refund
from payments.refunding import Grounds
from payments.states import HandWay, RefundState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor, ActorKind
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money
from unlockshop.kernel.work import WorkState

REFERENCE_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class ByHand:
    """How the money was sent, and the reference of the transfer, which proves it. No account numbers."""

    way: HandWay
    reference: str


def record(
    payment_id: int, sent: ByHand, *, money: Money, grounds: Grounds, actor: Actor, order_id: int | None = None
) -> Refund:
    """Write down that staff have sent ``money`` back by hand: done, booked and told in one transaction.

    Raises ``Refused`` as ``refunding.request_refund`` does, and with code ``staff_only``, ``reference_required`` or
    ``recorded`` where the payment has a transfer of this reference already.
    """
    reference = " ".join(sent.reference.replace("\x00", "").split())[:REFERENCE_LENGTH]
    if actor.kind != ActorKind.STAFF:
        raise Refused(_("Only staff send money by hand."), code="staff_only")
    if not reference:
        raise Refused(_("Name the reference of the transfer: it is the proof."), code="reference_required")
    proof = f"{sent.way}:{reference}"
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
        if payment.refunds.filter(provider_ref=proof).exists():
            raise Refused(_("A transfer with this reference is recorded already."), code="recorded")
        refund = refunding.write_down(
            payment_id,
            money=money,
            grounds=grounds,
            actor=actor,
            order_id=order_id,
            by_hand=sent.way,
            provider_ref=proof,
            state=RefundState.SUCCEEDED,
            succeeded_at=clock.now(),
            work_state=WorkState.DONE,
            next_action_at=None,
        )
        booking.book_refund(refund)
        telling.tell_refunded(refund)
    return refund
