"""An order that does the work of a completed one once more, at no charge, because what that one brought does not work,
or that brings another service because that one was the wrong one.

It stands in the same purchase beside the former order, costs nothing and is booked nowhere. From there on it goes the
way of every paid order, so it is bought once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import events, lifecycle, replacing
from orders.models import Order
from orders.states import OPEN, OrderState
from services.identifier_words import IdentifierKind
from services.models import FieldKind, Service
from services.order_form import answers_still_valid
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, TransitionRefused

# Which questions of a form an identifier answers, by its kind; serial numbers only the one that names both.
_IMEI: Final = frozenset({FieldKind.IMEI, FieldKind.IMEI_OR_SERIAL})
_QUESTIONS: Final = {
    IdentifierKind.IMEI: _IMEI,
    IdentifierKind.IMEI_TEST: _IMEI,
    IdentifierKind.SERIAL_APPLE: frozenset({FieldKind.IMEI_OR_SERIAL}),
    IdentifierKind.SERIAL_GENERIC: frozenset({FieldKind.IMEI_OR_SERIAL}),
    IdentifierKind.MSISDN: frozenset({FieldKind.MSISDN}),
}


def is_repeat(order: Order) -> bool:
    """Whether the order does the work of another once more, at no charge."""
    return order.price == 0 and order.events.filter(kind__in=("order.doing_again", "order.exchanging")).exists()


def former_of(order: Order) -> Order | None:
    """The order whose work this one does once more at no charge, or in whose exchange it stands; None for others."""
    if order.price != 0:
        return None
    told = order.events.filter(kind__in=("order.doing_again", "order.exchanging")).values_list("data", flat=True)
    number = next((data.get("number") for data in told), None)
    return Order.objects.filter(purchase=order.purchase_id, number=number).defer("result").first() if number else None


def has_open_repeat(order: Order) -> bool:
    """Whether another order that does this one's work once more may still bring something."""
    told = order.events.filter(kind__in=("order.done_again", "order.exchanged")).values_list("data", flat=True)
    numbers = [data.get("number") for data in told]
    return bool(numbers) and Order.objects.filter(number__in=numbers, state__in=sorted(OPEN)).exists()


def alternatives(former: Order) -> list[Service]:
    """The services that could be given in the place of the order's own: sold now, and in need of no other answers."""
    sold = Service.objects.filter(is_published=True, is_open=True).exclude(pk=former.service_id)
    return [service for service in sold.prefetch_related("fields").order_by("name") if _takes(service, former)]


def _takes(service: Service, former: Order) -> bool:
    """Whether the order's device and answers fill the form of a service."""
    fields = list(service.fields.all())
    kinds = _QUESTIONS.get(IdentifierKind(former.identifier_kind), frozenset())
    is_fit = any(field.is_identifier and field.kind in kinds for field in fields)
    return is_fit and answers_still_valid(fields, former.answers)


def place(former: Order, *, reason: str, actor: Actor, instead: Service | None = None) -> Order:
    """Place and pay it, in the caller's transaction. How often that may be is for the caller to say.

    ``instead``: another service than the former's, with its own promise of today. Raises ``TransitionRefused`` unless
    the former order is completed, ``Refused``: ``frozen`` while its purchase is held back, ``does_not_fit`` for a
    service that is not sold or wants other answers.
    """
    with transaction.atomic():
        former = lifecycle.lock(former.pk)
        if former.state != OrderState.COMPLETED:
            raise TransitionRefused(f"{former} is not completed")
        if former.purchase.frozen_for:
            raise Refused(_("The purchase is held back; nothing of it is bought now."), code="frozen")
        if instead is not None and instead not in alternatives(former):
            raise Refused(_("This service does not fit the order's device and answers."), code="does_not_fit")
        new = replacing.place_beside(
            former,
            price=Decimal(0),
            hold_seconds=0,
            # Staff let it go: it costs the shop more than it brings, and its device was here before.
            approved_at=clock.now(),
            is_recheck=former.is_recheck and instead is None,
            identifier=former.identifier,
            identifier_kind=former.identifier_kind,
            answers=_answers(former, instead),
            **(_promised(instead) if instead is not None else {}),
        )
        kinds = (
            ("order.done_again", "order.doing_again") if instead is None else ("order.exchanged", "order.exchanging")
        )
        told = {"reason": reason, "service": new.service_name}
        events.record(former, kinds[0], actor=actor, number=new.number, **told)
        events.record(new, kinds[1], actor=actor, number=former.number, to_state=new.state, **told)
        lifecycle.mark_paid(new.pk, actor=actor, at=clock.now(), kind="order.paid_by_shop")
    return new


def _answers(former: Order, instead: Service | None) -> dict[str, str]:
    if instead is None:
        return dict(former.answers)
    asked = {field.name for field in instead.fields.all() if not field.is_identifier}
    return {name: answer for name, answer in former.answers.items() if name in asked}


def _promised(service: Service) -> dict[str, Any]:
    """What an order of a service has of it; its time is the supplier's estimate."""
    return {
        "service_id": service.pk,
        "service_name": service.name,
        "service_kind": service.kind,
        "result_kind": service.result_kind,
        "average_minutes": service.average_minutes,
        "average_orders": 0,
        "average_days": 0,
        "guaranteed_minutes": service.guaranteed_minutes,
    }
