"""Ordering again what is under way already: which devices of a basket that is, and that the customer means it.

The rule of the checkout. Two purchases placed before either is paid pass it both; ``orders.routing`` then holds the
order that comes second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from orders.models import Draft, Order
from orders.states import UNDER_WAY
from unlockshop.kernel.errors import Refused


def under_way(draft: Draft) -> list[str]:
    """The draft's identifiers whose very work, by service and answers, a paid and open order is about. One query.

    An unpaid order does not count: nobody can stand in another customer's way without paying.
    """
    identifiers = [device["value"] for device in draft.devices]
    busy = _busy(Order.objects.filter(service_id=draft.service_id), identifiers, draft.answers)
    return [identifier for identifier in identifiers if identifier in busy]


def is_under_way_besides(order: Order, identifier: str, answers: Mapping[str, str]) -> bool:
    """Whether an order besides this one is about the same work for ``identifier``: for a correction of it."""
    others = Order.objects.filter(service_id=order.service_id).exclude(pk=order.pk)
    return bool(_busy(others, [identifier], answers))


def want_again(draft: Draft, identifiers: Sequence[str]) -> None:
    """Keep that the customer was shown these as under way and wants them all the same."""
    if draft.repeats != list(identifiers):
        draft.repeats = list(identifiers)
        draft.save(update_fields=["repeats"])


def refuse_unwanted(draft: Draft) -> None:
    """Raise ``Refused`` (``under_way``) when work is under way that the customer has not asked for again."""
    if set(under_way(draft)) - set(draft.repeats):
        raise Refused(_("This is already under way."), code="under_way")


def _busy(orders: QuerySet[Order], identifiers: Sequence[str], answers: Mapping[str, str]) -> set[str]:
    rows = orders.filter(identifier__in=identifiers, state__in=sorted(UNDER_WAY)).order_by()
    return {identifier for identifier, given in rows.values_list("identifier", "answers") if given == answers}
