"""Claims that wait for a video, and videos sent to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orders.models import Order
from orders.states import OrderState
from refunds import claim_moving
from refunds.models import Claim, ClaimVideo
from refunds.states import ClaimState, ClaimType
from refunds.videos import receiving
from tests import factories
from tests.factories import CUSTOMER
from unlockshop.kernel import clock

# The beginning of an MP4, for whatever never reaches a decoder.
HEAD = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + b"\x00" * 64


def make_claim(state: ClaimState = ClaimState.WAITING_CUSTOMER, order: Order | None = None, **columns: Any) -> Claim:
    order = order or factories.make_order(OrderState.COMPLETED)
    values: dict[str, Any] = {
        "order": order, "type": ClaimType.NOT_WORKING, "profile": "imeishop 2026-11", "currency": order.currency,
        "due_at": clock.now(), **columns,
    }  # fmt: skip
    decided = {
        "decided_at": clock.now(), "code": "X", "clauses": "c", "decided_by": "sam", "pay_by": clock.now(),
        "decision_reason": "because",
    }  # fmt: skip
    if state in {ClaimState.APPROVED, ClaimState.SETTLED, ClaimState.DENIED}:
        values = {**decided, **values}
    return claim_moving.create(state, actor=CUSTOMER, **values)


def send(claim: Claim, content: bytes | Path = HEAD, piece: int = 1 << 20) -> ClaimVideo:
    """The whole of a file, in pieces."""
    body = content.read_bytes() if isinstance(content, Path) else content
    pieces = (body[place : place + piece] for place in range(0, len(body), piece))
    return receiving.take_whole(claim.pk, pieces=pieces, size=len(body), actor=CUSTOMER)
