"""Opening the report of a finished check to others, by a code, and closing it again. The customer alone decides."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from orders import events
from orders.checking import is_finished_check, report_of
from orders.lifecycle import lock
from orders.models import CheckCertificate, Order
from unlockshop.kernel import clock, codes
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused


def issue(order_id: int, *, actor: Actor) -> CheckCertificate:
    """Make the order's certificate; one that is there already is returned as it is.

    Raises ``Refused``: ``no_report`` where there is no finished check with a readable report, ``other_device`` where
    the report names another IMEI than the one that was ordered.
    """
    with transaction.atomic():
        order = lock(order_id)
        report = report_of(order)
        if report is None:
            raise Refused(_("Only a report that we can read becomes a certificate."), code="no_report")
        if report.is_other_device:
            raise Refused(_("The report names another IMEI than the one that was ordered."), code="other_device")
        row: CheckCertificate
        row, is_new = CheckCertificate.objects.get_or_create(order=order)
        if not is_new and row.withdrawn_at is None:
            return row
        if not is_new:
            row.code, row.issued_at, row.withdrawn_at = codes.new_certificate_code(), clock.now(), None
            row.save(update_fields=["code", "issued_at", "withdrawn_at"])
        events.record(order, "certificate.issued", actor=actor, code=row.code)
        return row


def withdraw(order_id: int, *, actor: Actor) -> bool:
    """Close the order's certificate for good; False where none is open."""
    with transaction.atomic():
        order = lock(order_id)
        row = CheckCertificate.objects.filter(order=order, withdrawn_at=None).first()
        if row is None:
            return False
        row.withdrawn_at = max(clock.now(), row.issued_at)
        row.save(update_fields=["withdrawn_at"])
        events.record(order, "certificate.withdrawn", actor=actor, code=row.code)
        return True


def certificate_of(order: Order) -> CheckCertificate | None:
    """The order's open certificate. No query where it was loaded with ``select_related``."""
    row: CheckCertificate | None = getattr(order, "certificate", None)
    return row if row is not None and row.withdrawn_at is None else None


def find(code: str) -> CheckCertificate | None:
    """The open certificate with this code, however it is typed; unknown and withdrawn ones are alike. One query."""
    normal = codes.normalise_certificate_code(code)
    if not normal:
        return None
    row = CheckCertificate.objects.select_related("order").filter(code=normal, withdrawn_at=None).first()
    return row if row is not None and is_finished_check(row.order) else None
