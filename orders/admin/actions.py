"""The buttons on an order: exactly the moves that the lifecycle allows a person, each with a reason or evidence.

What depends on the order's money too is added above (``refunds.admin.order``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import cancelling, lifecycle, resolving
from orders.forms import BoughtForm, EndForm, EvidenceForm, ReasonForm, ResultForm
from orders.models import Order, SupplierAttempt
from orders.states import TRANSITIONS, AttemptOutcome, CancelState, HoldReason, OrderState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import StaffAction

S = OrderState

# While a worker is talking to the supplier a hold would be undone by the answer: it lasts seconds, so staff wait.
HELD_BY_STAFF: Final = frozenset({S.PAID, S.UNCERTAIN, S.IN_PROCESS})


@dataclass(frozen=True, slots=True)
class Situation:
    """An order and the attempt that has bought it, or may have."""

    order: Order
    live: SupplierAttempt | None

    @property
    def is_held(self) -> bool:
        """Whether the order waits for a person."""
        return self.order.state == S.ON_HOLD

    @property
    def is_unclear(self) -> bool:
        """Whether nobody knows yet if it was bought."""
        return self.live is not None and self.live.outcome in {AttemptOutcome.UNKNOWN, AttemptOutcome.IN_FLIGHT}


def situation_of(order: Order) -> Situation:
    """The order with its live attempt."""
    return Situation(order, lifecycle.live_attempt(order))


def _may_hold(now: Situation) -> bool:
    return now.order.state in HELD_BY_STAFF and S.ON_HOLD in TRANSITIONS[S(now.order.state)]


def _may_decide(now: Situation) -> bool:
    return now.is_held and not now.is_unclear


def _may_cancel(now: Situation) -> bool:
    return now.order.state in {S.PAID, S.ON_HOLD} and now.live is None


def _may_tell(now: Situation) -> bool:
    return now.is_held and now.live is not None and now.live.outcome == AttemptOutcome.UNKNOWN


def _hold(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    lifecycle.hold(order.pk, reason=HoldReason.STAFF, message=data["reason"], actor=actor)
    return _("%(order)s is on hold and yours to decide.") % {"order": order}


def _resume(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    lifecycle.resume(order.pk, reason=data["reason"], actor=actor)
    return _("%(order)s continues.") % {"order": order}


def _enter_result(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    lifecycle.deliver_by_hand(order.pk, result=data["result"], evidence=data["evidence"], actor=actor)
    return _("%(order)s is completed. Your result is on its way to the customer.") % {"order": order}


def _end_unavailable(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    return _end(order, S.UNAVAILABLE, data, actor)


def _end_not_found(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    return _end(order, S.NOT_FOUND, data, actor)


def _end(order: Order, target: OrderState, data: Mapping[str, Any], actor: Actor) -> str:
    lifecycle.end_by_hand(order.pk, target, note=data["note"], evidence=data["evidence"], actor=actor)
    if not order.price:
        return _("%(order)s is ended. It cost nothing.") % {"order": order}
    return _("%(order)s is ended. Its money is owed back.") % {"order": order}


def _cancel(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    lifecycle.cancel(order.pk, reason=data["reason"], actor=actor)
    return _("%(order)s is cancelled. Its money is owed back.") % {"order": order}


def _may_ask_to_cancel(now: Situation) -> bool:
    return cancelling.may_request(now.order, now.live)


def _ask_to_cancel(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    row = cancelling.request(order.pk, reason=data["reason"], actor=actor)
    if row.state == CancelState.BY_HAND:
        return _("This supplier cannot be asked by the shop: write to it, and record that in the request below.")
    return _("The supplier is being asked. %(order)s is cancelled if it agrees.") % {"order": order}


def _bought(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    given = data["supplier_order_id"]
    resolving.say_bought(order.pk, supplier_order_id=given, evidence=data["evidence"], actor=actor)
    return _("%(order)s is in process at the supplier as %(id)s.") % {"order": order, "id": given}


def _not_bought(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    resolving.say_not_bought(order.pk, evidence=data["evidence"], actor=actor)
    return _("%(order)s will be sent again.") % {"order": order}


ORDER_ACTIONS: Final = (
    StaffAction(
        "bought",
        gettext_lazy("Bought"),
        gettext_lazy("You found it in the supplier's panel. It is polled under that id from now on."),
        BoughtForm,
        _may_tell,
        _bought,
    ),
    StaffAction(
        "not-bought",
        gettext_lazy("Not bought"),
        gettext_lazy("You made sure that the supplier never received it. It is sent again and paid for: be certain."),
        EvidenceForm,
        _may_tell,
        _not_bought,
        is_danger=True,
    ),
    StaffAction(
        "resume",
        gettext_lazy("Resume"),
        gettext_lazy("Sends it on: to a supplier, or back to waiting for the supplier that has it."),
        ReasonForm,
        _may_decide,
        _resume,
    ),
    StaffAction(
        "enter-result",
        gettext_lazy("Enter the result"),
        gettext_lazy("Completes the order. The customer gets your text by mail; it cannot be changed afterwards."),
        ResultForm,
        _may_decide,
        _enter_result,
    ),
    StaffAction(
        "end-unavailable",
        gettext_lazy("End as unavailable"),
        gettext_lazy("It cannot be delivered. The customer gets the mail “Unavailable”, and the money is owed back."),
        EndForm,
        _may_decide,
        _end_unavailable,
        is_danger=True,
    ),
    StaffAction(
        "end-not-found",
        gettext_lazy("End as not found"),
        gettext_lazy("The supplier does not know the device. The mail “Not found” goes out; the money is owed back."),
        EndForm,
        _may_decide,
        _end_not_found,
        is_danger=True,
    ),
    StaffAction(
        "hold",
        gettext_lazy("Hold"),
        gettext_lazy("Nothing more happens until staff decide. Due in 24 hours."),
        ReasonForm,
        _may_hold,
        _hold,
    ),
    StaffAction(
        "ask-to-cancel",
        gettext_lazy("Ask the supplier to cancel"),
        gettext_lazy("The work goes on unless it agrees; then the order is cancelled and its money owed back."),
        ReasonForm,
        _may_ask_to_cancel,
        _ask_to_cancel,
        is_danger=True,
    ),
    StaffAction(
        "cancel",
        gettext_lazy("Cancel the order"),
        gettext_lazy("Ends it for good. The customer gets the mail “Cancelled”, and the money is owed back."),
        ReasonForm,
        _may_cancel,
        _cancel,
        is_danger=True,
    ),
)
