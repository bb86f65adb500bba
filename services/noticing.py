"""Telling staff: once of what lasts, from when it begins until it is over; each time of what merely happens."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from services.models.health import NoticeKind, StaffNotice
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState


def begin(kind: NoticeKind, supplier_id: int, text: str) -> bool:
    """Tell staff, unless they were told and it is not over yet; False then. In the caller's transaction."""
    if is_on(kind, supplier_id):
        return False
    # Where two workers find out together, the database lets one of them tell.
    StaffNotice.objects.bulk_create([_notice(kind, supplier_id, text)], ignore_conflicts=True)
    return True


def tell(kind: NoticeKind, supplier_id: int, text: str) -> None:
    """Mail staff about something that happened and does not last. In the caller's transaction."""
    notice = _notice(kind, supplier_id, text)
    notice.ended_at = notice.created_at
    notice.save(force_insert=True)


def _notice(kind: NoticeKind, supplier_id: int, text: str) -> StaffNotice:
    is_mailed = bool(settings.STAFF_EMAIL)
    return StaffNotice(
        kind=kind,
        supplier_id=supplier_id,
        text=text.replace("\x00", "")[:300],
        work_state=WorkState.QUEUED if is_mailed else WorkState.DONE,
        next_action_at=clock.now() if is_mailed else None,
    )


def end(kind: NoticeKind, supplier_id: int) -> bool:
    """It is over; the next time staff are told anew. False when it was not on."""
    rows = StaffNotice.objects.filter(kind=kind, supplier=supplier_id, ended_at__isnull=True)
    return rows.update(ended_at=clock.now()) == 1


def open_notices() -> QuerySet[StaffNotice]:
    """What goes on now, oldest first, with the supplier."""
    rows = StaffNotice.objects.filter(ended_at__isnull=True).select_related("supplier")
    return rows.defer("supplier__api_key").order_by("pk")


def is_on(kind: NoticeKind, supplier_id: int) -> bool:
    """Whether staff were told and it is not over."""
    return StaffNotice.objects.filter(kind=kind, supplier=supplier_id, ended_at__isnull=True).exists()
