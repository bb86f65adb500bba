"""Writing a fetched catalogue down: only what changed, and never anything that customers see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.models import Offer, SupplierService
from services.syncing.cleaning import Listed

BATCH: Final = 500
_TOLD: Final = ("name", "group", "kind", "cost", "time", "info", "form")
_WRITTEN: Final = (*_TOLD, "cost_currency", "form_changed", "gone_since", "gone_known", "known_at")


@dataclass(slots=True)
class Counts:
    """Rows that were new, that changed in any column, and that are missing now."""

    added: int = 0
    changed: int = 0
    gone: int = 0


def record(supplier_id: int, listed: Sequence[Listed], *, currency: str, moment: datetime) -> Counts:
    """Bring a supplier's rows in line with ``listed``, in the caller's transaction. ``currency`` is that of the costs.

    A service that an offer names already is known from the start, at the offers' cost. One that comes back after
    staff took note that it is gone, is new again.
    """
    rows = {row.service_id: row for row in SupplierService.objects.filter(supplier_id=supplier_id).select_for_update()}
    offered = _offered(supplier_id, currency)
    counts = Counts()
    written: list[SupplierService] = []
    for entry in listed:
        row = rows.get(entry.service_id)
        if row is None:
            written.append(_new(supplier_id, entry, currency, moment, offered))
            counts.added += 1
        elif _update(row, entry, currency):
            written.append(row)
            counts.changed += 1
    SupplierService.objects.bulk_create(
        written,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["supplier", "service_id"],
        update_fields=_WRITTEN,
    )
    here = {entry.service_id for entry in listed}
    missing = [row.pk for row in rows.values() if row.gone_since is None and row.service_id not in here]
    counts.gone = len(missing)
    for some in _chunks(missing):
        SupplierService.objects.filter(pk__in=some).update(gone_since=moment)
    SupplierService.objects.filter(supplier_id=supplier_id, gone_since__isnull=True).update(last_seen_at=moment)
    return counts


def _offered(supplier_id: int, currency: str) -> dict[str, list[Offer]]:
    found: dict[str, list[Offer]] = defaultdict(list)
    for offer in Offer.objects.filter(supplier_id=supplier_id):
        found[offer.supplier_service_id].append(offer)
    return found


def _new(
    supplier_id: int, entry: Listed, currency: str, moment: datetime, offered: dict[str, list[Offer]]
) -> SupplierService:
    row = SupplierService(
        supplier_id=supplier_id,
        service_id=entry.service_id,
        cost_currency=currency,
        known_name=entry.name,
        known_cost=entry.cost,
        known_currency=currency,
        known_form=entry.form,
        first_seen_at=moment,
        last_seen_at=moment,
    )
    _copy(row, entry)
    if entry.service_id in offered:
        offer = max(offered[entry.service_id], key=lambda offer: Decimal(offer.cost))
        row.known_at, row.known_cost, row.known_currency = moment, offer.cost, offer.cost_currency
    return row


def _update(row: SupplierService, entry: Listed, currency: str) -> bool:
    """Take over what the supplier tells now; whether anything is different."""
    is_same = all(getattr(row, name) == getattr(entry, name) for name in _TOLD) and row.cost_currency == currency
    if is_same and row.gone_since is None:
        return False
    _copy(row, entry)
    row.cost_currency = currency
    row.form_changed = row.form != row.known_form
    if row.gone_known:
        row.known_at = None
    row.gone_since, row.gone_known = None, False
    return True


def _copy(row: SupplierService, entry: Listed) -> None:
    for name in _TOLD:
        setattr(row, name, getattr(entry, name))


def _chunks(pks: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(pks), BATCH):
        yield pks[start : start + BATCH]
