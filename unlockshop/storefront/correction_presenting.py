"""What an order's page says of corrections: the other order of a replacement, and how a request stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from orders.models import CorrectionRequest, Order, OrderEvent
from orders.states import CorrectionState

S = CorrectionState

STATE_TEXTS: Final[dict[CorrectionState, str | Promise]] = {
    S.ASKED: gettext_lazy(
        "We are asking our supplier to drop the order, so that one with the right data can take its place. "
        "You get a mail when it has answered. Until then the work on the order goes on."
    ),
    S.REPLACED: gettext_lazy("An order with the right data took the place of this one."),
    S.REFUSED: gettext_lazy("Our supplier did not agree to drop the order, so it goes on as it is."),
    S.TOO_LATE: gettext_lazy("The work was done before our supplier could drop the order."),
    S.ENDED: gettext_lazy("The supplier no longer works on the order, so it could not be replaced."),
}


def has_event(story: Sequence[OrderEvent], kind: str) -> bool:
    """Whether something of the kind happened to the order."""
    return any(event.kind == kind for event in story)


def replaced_by(order: Order, story: Sequence[OrderEvent]) -> Order | None:
    """The order that took this one's place. A query only where there is one."""
    if not has_event(story, "order.replaced"):
        return None
    return Order.objects.defer("result").filter(replaces__order=order).first()


def replaces(order: Order, story: Sequence[OrderEvent]) -> Order | None:
    """The order whose place this one took. A query only where there is one."""
    if not has_event(story, "order.replacing"):
        return None
    return Order.objects.defer("result").filter(correction_requests__replacement=order).first()


def request_text(row: CorrectionRequest) -> str:
    """How a request to correct an order that had left stands."""
    return str(STATE_TEXTS[S(row.state)])
