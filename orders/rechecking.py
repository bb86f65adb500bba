"""Checking a device again: who may have the re-check price, and which check a new one repeats.

Whoever holds the link of a finished check may repeat it. For ``Service.recheck_days`` after the report of a check at
the ordinary price the re-check price counts, for its repeats too; later the ordinary one. So a chain of repeats ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from orders.checking import is_finished_check
from orders.models import CheckRepeat, Draft, Order
from services.catalogue import price_of, recheck_price_of
from services.models import Service
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money


def repeated(draft: Draft) -> Order | None:
    """The finished check that the draft repeats: the same service, device and answers. No query where it has none."""
    former: Order | None = draft.recheck_of if draft.recheck_of_id else None
    return former if former is not None and is_repeat(former, draft.service_id, draft.devices, draft.answers) else None


def is_repeat(
    former: Order, service_id: int, devices: Sequence[Mapping[str, str]], answers: Mapping[str, str]
) -> bool:
    """Whether an order of these repeats ``former``."""
    is_same = former.service_id == service_id and former.answers == dict(answers)
    return is_finished_check(former) and is_same and [device["value"] for device in devices] == [former.identifier]


def price_each(draft: Draft, service: Service) -> Money:
    """What one device of the draft costs now. Raises ``Refused`` (``no_price``)."""
    former = repeated(draft)
    if former is not None and is_in_time(former, service, clock.now()):
        return recheck_price_of(service, currency=draft.currency, answers=draft.answers)
    return price_of(service, currency=draft.currency, answers=draft.answers)


def until(former: Order, service: Service) -> datetime | None:
    """Until when the finished check is repeated at the re-check price."""
    begin = _counts_from(former)
    return begin + timedelta(days=service.recheck_days) if begin else None


def _counts_from(former: Order) -> datetime | None:
    repeat: CheckRepeat | None = getattr(former, "repeats", None)
    return former.ended_at if repeat is None or repeat.counts_from is None else repeat.counts_from


def is_in_time(former: Order, service: Service, moment: datetime) -> bool:
    """Whether the re-check price counts at ``moment``."""
    end = until(former, service)
    return end is not None and moment < end


def note(orders: Sequence[Order], draft: Draft) -> None:
    """Keep which check the draft's orders repeat and since when their price counts, as they are placed."""
    former = repeated(draft)
    if former is not None:
        CheckRepeat.objects.bulk_create(
            CheckRepeat(order=order, former=former, counts_from=_counts_from(former) if _is_cheaper(order) else None)
            for order in orders
        )


def _is_cheaper(order: Order) -> bool:
    """Whether the order costs less than the ordinary price of today."""
    return bool(order.money != price_of(order.service, currency=order.currency, answers=order.answers))


def is_repeated_check(order: Order) -> bool:
    """Whether the order repeats a check, perhaps at the re-check price."""
    return CheckRepeat.objects.filter(order=order).exists()


def former_of(order: Order) -> Order | None:
    """The check that this one repeats, its result loaded; None for others and where the device was corrected since."""
    row = CheckRepeat.objects.select_related("former").filter(order=order).first()
    return row.former if row is not None and row.former.identifier == order.identifier else None
