"""Making a claim: which ones an order allows now, opening one, asking again, and taking it back.

What is plainly impossible (not paid, refunded) is refused with the clause; everything else becomes a row that is
judged at once. Asking twice is one claim.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import cancelling, events, lifecycle
from orders.models import Order
from orders.states import UNDELIVERED, UNPAID, OrderState
from refunds import applying, calling_off, claim_moving
from refunds.judging import Ruling, foresee
from refunds.models import Claim
from refunds.policy.codes import Code
from refunds.policy.periods import stuck_after
from refunds.policy.sentences import SENTENCES
from refunds.states import OPEN_CLAIMS, WAITING, ClaimEventKind, ClaimState, ClaimType
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

T = ClaimType
TEXT_LENGTH: Final = 2000

_UNDER_WAY: Final = (T.LATE, T.STUCK, T.WRONG_DATA, T.CHANGE_OF_MIND, T.OTHER)
_ENDED: Final = (T.NO_RESULT, T.WRONG_DATA, T.OTHER)
_COMPLETED: Final = {
    "unlock": (
        T.NOT_WORKING, T.CANNOT_COMPLETE, T.RELOCKED, T.WRONG_SERVICE, T.WRONG_DATA, T.ACTIVATION_LOCK,
        T.ITUNES_ACTIVATION, T.INCOMPATIBLE, T.CHANGE_OF_MIND, T.LATE, T.OTHER,
    ),
    "check": (T.RESULT_DIFFERS, T.WRONG_SERVICE, T.WRONG_DATA, T.CHANGE_OF_MIND, T.LATE, T.OTHER),
    "topup": (T.NO_RESULT, T.WRONG_SERVICE, T.WRONG_DATA, T.CHANGE_OF_MIND, T.LATE, T.OTHER),
}  # fmt: skip


def offered(order: Order) -> tuple[ClaimType, ...]:
    """What can be claimed for this kind of service in this state; nothing where nothing was paid."""
    if order.state in UNPAID or order.price == 0:
        return ()
    if order.state in UNDELIVERED:
        return _ENDED
    if order.state == OrderState.COMPLETED:
        return _COMPLETED[order.service_kind]
    has_procedure = calling_off.agreed_with(order.purchase).numbers.stuck is not None
    at_supplier = order.state in {OrderState.IN_PROCESS, OrderState.ON_HOLD}
    return tuple(each for each in _UNDER_WAY if each != T.STUCK or (has_procedure and at_supplier))


def guard(order: Order, kind: ClaimType) -> Ruling:
    """What the rules say to such a claim now. Raises ``Refused`` where it cannot be made at all.

    Codes: ``unpaid``, ``free``, ``not_offered``, ``not_stuck`` or ``D_ALREADY_REFUNDED``.
    """
    if order.state in UNPAID:
        raise Refused(str(SENTENCES["HOUSE-UNPAID"]), code="unpaid")
    if order.price == 0:
        raise Refused(_("This order cost nothing, so there is nothing to give back."), code="free")
    if kind not in offered(order):
        raise Refused(_("This cannot be claimed for the order as it stands."), code="not_offered")
    ruling = foresee(order, kind)
    if ruling.answer.code == Code.D_ALREADY_REFUNDED:
        raise Refused(str(SENTENCES["HOUSE-REFUNDED-ONCE"]), code=str(Code.D_ALREADY_REFUNDED))
    if kind == T.STUCK:
        since = stuck_after(ruling.facts, ruling.profile.numbers)
        if since is not None and clock.now() <= since:
            raise Refused(_("The order is not stuck yet by the rules; ask again later."), code="not_stuck")
    return ruling


def open_claim(order_id: int, kind: ClaimType, *, text: str, actor: Actor) -> Claim:
    """The customer claims: a new row, judged at once, or the open one of the same kind, counted once more.

    Raises ``Refused`` with the codes of ``guard``; nothing is written then.
    """
    text = text.replace("\x00", "").strip()[:TEXT_LENGTH]
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        open_now = order.claims.filter(type=kind, state__in=sorted(OPEN_CLAIMS)).values_list("pk", flat=True).first()
        if open_now is not None:
            return _merge(claim_moving.lock(open_now), text, actor)
        guard(order, kind)
        now = clock.now()
        agreed = calling_off.agreed_with(order.purchase)
        claim = claim_moving.create(
            ClaimState.WAITING_STAFF,
            actor=actor,
            data={"text": text},
            order=order,
            type=kind,
            profile=calling_off.name_of(agreed),
            text=text,
            opened_at=now,
            state_changed_at=now,
            due_at=applying.staff_due(agreed, now),
            supplier_asked_at=now if kind == T.STUCK else None,
            currency=order.currency,
        )
        events.record(order, "claim.opened", actor=actor, what=claim.get_type_display())
        if kind == T.STUCK and agreed.numbers.stuck is not None:
            data = {"service": agreed.numbers.stuck.service_code}
            claim_moving.note(claim, ClaimEventKind.SUPPLIER_ASKED, actor=actor, data=data)
        applying.rejudge(claim)
        _ask_to_cancel(claim, order, actor)
    return claim


def _merge(claim: Claim, text: str, actor: Actor) -> Claim:
    """A repeated claim is the first one: it keeps its day, and what was written goes into its trail."""
    kept = claim.text
    if text and text not in kept:
        kept = f"{kept}\n\n{text}".strip()[:TEXT_LENGTH]
    claim_moving.note(
        claim, ClaimEventKind.REPEATED, actor=actor, data={"text": text}, repeats=claim.repeats + 1, text=kept
    )
    return claim


def _ask_to_cancel(claim: Claim, order: Order, actor: Actor) -> None:
    """Where the rules leave it to the supplier whether the work stops, it is asked at once."""
    waits = claim.engine_code == Code.H_SUPPLIER_DECISION_PENDING and claim.state == ClaimState.WAITING_SUPPLIER
    if waits and cancelling.may_request(order, lifecycle.live_attempt(order)):
        cancelling.request(order.pk, reason=str(claim.get_type_display()), actor=actor)


def withdraw(claim_id: int, *, actor: Actor) -> Claim:
    """The customer takes the claim back. Raises ``TransitionRefused`` once it is decided."""
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        if claim.state == ClaimState.WITHDRAWN:
            return claim
        return claim_moving.move(
            claim, ClaimState.WITHDRAWN, ClaimEventKind.WITHDRAWN, actor=actor, from_states=WAITING, due_at=None
        )
