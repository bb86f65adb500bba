"""Mailing staff what ``services.noticing`` noted, once each.

A mail whose sending has no known outcome is not sent again unless the provider says that it has none: the notice
stands on the staff pages anyway, and twice is worse than once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import gettext as _

from orders.mailing import ATTEMPTS_CAP, LEASE, MailMessage, transport
from services.models.health import StaffNotice
from unlockshop.kernel import clock, work
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable
from unlockshop.kernel.work import WorkState

CATEGORY: Final = "staff_notice"


def deliver(notice_id: int) -> None:
    """Mail the notice if that is due and nobody else does."""
    notice = work.claim(StaffNotice, notice_id, lease=LEASE)
    if notice is not None:
        with work.guarded(notice, cap=ATTEMPTS_CAP):
            _deliver(notice)


def _deliver(notice: StaffNotice) -> None:
    if not settings.STAFF_EMAIL:
        work.finish(notice)
        return
    if notice.send_started_at is not None and not _is_provably_unsent(notice):
        return
    held = StaffNotice.objects.filter(pk=notice.pk, work_state=WorkState.CLAIMED, lease_token=notice.lease_token)
    if held.update(send_started_at=clock.now()) != 1:
        return
    try:
        transport().send(_message(notice))
    except Retryable as error:
        held.update(send_started_at=None)
        work.retry_or_give_up(notice, str(error), cap=ATTEMPTS_CAP)
    except Refused as error:
        work.release(notice, work_state=WorkState.NEEDS_STAFF, next_action_at=None, last_error=str(error)[:500])
    except OutcomeUnknown as error:
        settled = clock.now() + timedelta(seconds=settings.MAIL_SETTLE_SECONDS)
        work.release(notice, work_state=WorkState.QUEUED, next_action_at=settled, last_error=str(error)[:500])
    else:
        work.finish(notice, sent_at=clock.now())


def _is_provably_unsent(notice: StaffNotice) -> bool:
    """A former sending has no recorded outcome: what the provider knows of it. Settles the row unless it is unsent."""
    assert notice.send_started_at is not None
    settled = notice.send_started_at + timedelta(seconds=settings.MAIL_SETTLE_SECONDS)
    if clock.now() < settled:
        work.release(notice, work_state=WorkState.QUEUED, next_action_at=settled)
        return False
    try:
        accepted = transport().was_accepted(_message(notice).mail_id)
    except Retryable as error:
        work.retry_or_give_up(notice, str(error), cap=ATTEMPTS_CAP)
        return False
    if accepted:
        work.finish(notice, sent_at=notice.send_started_at)
    elif accepted is None:
        work.release(
            notice, work_state=WorkState.UNCERTAIN, next_action_at=None, last_error="sent or not? provider cannot tell"
        )
    return accepted is False


def _message(notice: StaffNotice) -> MailMessage:
    subject = f"{settings.SHOP_NAME}: {notice.get_kind_display()}: {notice.supplier.name}"
    where = f"{settings.BASE_URL}/admin/services/supplier/{notice.supplier_id}/change/"
    hint = "" if notice.ended_at == notice.created_at else _("You get no second mail about it until it is over.")
    return MailMessage(
        mail_id=f"notice-{notice.pk}",
        to=settings.STAFF_EMAIL,
        subject=" ".join(subject.split())[:200],
        text=f"{notice.text}\n\n{where}\n\n{hint}\n",
        html=format_html("<p>{}</p><p>{}</p><p>{}</p>", notice.text, where, hint),
        category=CATEGORY,
    )
