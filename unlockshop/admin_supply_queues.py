"""What waits for staff on the suppliers' side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Min
from django.utils.translation import gettext as _

from orders import cancelling
from orders.admin.supplier_health import state_cell
from orders.models import CancelRequest, SupplierAttempt
from orders.states import CANCELS_FOR_STAFF
from services import breaking, noticing, proving
from services.models import Supplier, SupplierService
from services.syncing.differences import counted, to_decide
from unlockshop.admin_lines import Queue
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import age, change_url, list_url, moment

_SHOWN_FOR: Final = timedelta(days=7)


def supply_queues(user: Any) -> list[Queue]:
    """What waits on the suppliers' side, as far as this person may see it."""
    for_staff: list[Queue] = []
    if user.has_perm("services.view_supplier"):
        for_staff += [*_notices(), _troubled_suppliers(), _paused_suppliers(), *_lost_capabilities()]
    if user.has_perm("services.view_supplierservice"):
        for_staff.append(_catalogue_differences())
    if user.has_perm("orders.view_supplierattempt"):
        for_staff += _late_surprises()
    if user.has_perm("orders.view_cancelrequest"):
        for_staff.append(_cancels())
    return for_staff


def _notices() -> list[Queue]:
    """What staff were told of once and is not over; each links to its supplier."""
    return [
        Queue(str(notice), 1, change_url(notice.supplier), age(notice.created_at), notice.text)
        for notice in noticing.open_notices()
    ]


def _troubled_suppliers() -> Queue:
    rows = Supplier.objects.filter(breaking.in_trouble(), is_active=True).select_related("health")
    found = list(rows.defer("api_key").order_by("health__since"))
    notes = ", ".join(f"{supplier.name}: {state_cell(supplier).text}" for supplier in found)
    since = age(found[0].health.since) if found else ""
    return Queue(_("Suppliers in trouble"), len(found), list_url(Supplier, "health=trouble"), since, notes)


def _paused_suppliers() -> Queue:
    paused = Supplier.objects.filter(paused_until__gt=clock.now()).values_list("name", "paused_until")
    names = ", ".join(_("%(name)s until %(moment)s") % {"name": n, "moment": moment(until)} for n, until in paused)
    return Queue(_("Suppliers paused"), len(paused), list_url(Supplier), due=names)


def _catalogue_differences() -> Queue:
    counts = counted(SupplierService.objects.all())
    kinds = ", ".join(f"{kind.label} {count}" for kind, count in counts.items() if count)
    href = list_url(SupplierService, "difference=any")
    return Queue(
        _("Suppliers' services to decide about"), to_decide(SupplierService.objects.all()).count(), href, due=kinds
    )


def _lost_capabilities() -> list[Queue]:
    """What suppliers lost lately to a counter-example; nothing to show while all holds."""
    lost = list(proving.refuted_since(clock.now() - _SHOWN_FOR))
    if not lost:
        return []
    names = "; ".join(f"{proof}: {proof.ended_because}" for proof in lost[:3])
    return [
        Queue(
            _("Suppliers that lost a capability this week"),
            len(lost),
            list_url(Supplier),
            age(lost[-1].ended_at),
            due=names,
            is_late=True,
        )
    ]


def _late_surprises() -> list[Queue]:
    """Orders that were given up and then turned out to be bought: losses."""
    rows = SupplierAttempt.objects.filter(is_late_surprise=True, created_at__gt=clock.now() - _SHOWN_FOR)
    row = rows.aggregate(count=Count("pk"), since=Min("created_at"))
    if not row["count"]:
        return []
    href = list_url(SupplierAttempt, "is_late_surprise__exact=1")
    return [Queue(_("Bought for nothing this week"), row["count"], href, age(row["since"]), is_late=True)]


def _cancels() -> Queue:
    rows = cancelling.for_staff().order_by()
    row = rows.aggregate(count=Count("pk"), since=Min("created_at"))
    states = ",".join(sorted(CANCELS_FOR_STAFF))
    href = list_url(CancelRequest, f"state__in={states}")
    return Queue(_("Requests to cancel at suppliers"), row["count"], href, age(row["since"]))
