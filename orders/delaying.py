"""Telling customers that their order is delayed, and what follows: they cancel in time, or the order goes on.

Every notice is a row with an event and a mail, written in one act. The hours in which the customer may cancel count
from the delivery of that mail. As long as nobody has told of its delivery they do not run, and a mail that came back
stops them: silence then means nothing, and cancelling stays open. Who may cancel, and by which clause, is judged above
(``refunds.calling_off``); here it is only kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from orders import events, lifecycle, mailing, moments, promising
from orders.models import DelayNotice, Order, OutgoingMail
from orders.models.delay_notice import DelayOutcome, DelaySource
from orders.models.mail import MailKind
from orders.states import UNDER_WAY
from unlockshop.kernel import calendars, clock, work
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused, TransitionRefused

HOUR: Final = 3600
# A delivery of which nobody told within this time is shown to staff.
UNCONFIRMED: Final = timedelta(hours=24)
WISH_KEEPS_BACK: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class News:
    """What the customer is told. ``answer_hours`` and ``words``, for the mail, come from the order's profile."""

    reason: str
    new_date: datetime | None
    source: DelaySource = DelaySource.STAFF
    supplier_message: str = ""
    answer_hours: int | None = None
    words: Mapping[str, str] = field(default_factory=dict)


def tell(order_id: int, news: News, *, batch: str, actor: Actor) -> DelayNotice | None:
    """Write the notice, its event and its mail; a notice in force is replaced. None where this batch told it before.

    Raises ``Refused`` (``reason_required``, ``past_date``, ``past_cap``, ``cancelled_already``), and
    ``TransitionRefused`` for an order that is not paid or is over.
    """
    reason = news.reason.replace("\x00", "").strip()[:500]
    if not reason:
        raise Refused(_("a reason is required"), code="reason_required")
    if news.new_date is not None and news.new_date <= clock.now():
        raise Refused(_("the new date is past"), code="past_date")
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if order.delay_notices.filter(batch=batch).exists():
            return None
        if order.state not in UNDER_WAY:
            raise TransitionRefused(f"{order} is {order.get_state_display()}: there is nothing to delay")
        if is_past_cap(order, news.new_date):
            raise Refused(past_cap_words(order), code="past_cap")
        former = in_force(order)
        if former is not None and former.wished_at is not None:
            raise Refused(_("the customer has cancelled it"), code="cancelled_already")
        if former is not None:
            close(former, DelayOutcome.REPLACED)
        mail = mailing.queue_for_order(order, MailKind.DELAYED, facts={"reason": reason, **news.words})
        notice: DelayNotice = DelayNotice.objects.create(
            order=order,
            mail=mail,
            batch=batch,
            source=news.source,
            reason=reason,
            supplier_message=news.supplier_message.replace("\x00", "").strip()[:500],
            new_date=news.new_date,
            answer_hours=news.answer_hours,
            told_by=actor.label[:254],
        )
        told = {"expected": expected_words(order, notice), "reason": reason, "message": notice.supplier_message}
        events.record(order, "order.delayed", actor=actor, **told)
        if news.new_date is not None and order.promised_until is not None and news.new_date > order.promised_until:
            promising.move_due(order_id, to=news.new_date, reason=reason, actor=actor)
    return notice


def is_past_cap(order: Order, new_date: datetime | None) -> bool:
    """Whether the order ends by itself before the date: then nobody may be told to wait for it."""
    return new_date is not None and order.cap_at is not None and new_date > order.cap_at


def past_cap_words(order: Order) -> str:
    """For staff: why a date behind the order's hard cap cannot be told, and what can."""
    assert order.cap_at is not None
    return _(
        "By its terms this order ends by itself at %(cap)s, before the new date. Give a date up to then, or say that "
        "no date is known."
    ) % {"cap": moments.place_words(order, order.cap_at)}


def expected_words(order: Order, notice: DelayNotice) -> str:
    """The new date, or that there is none; names nothing else, for the public tracker tells it too."""
    if notice.new_date is None:
        return _("No new date is known yet.")
    return _("New date: %(moment)s.") % {"moment": moments.place_words(order, notice.new_date)}


def in_force(order: Order) -> DelayNotice | None:
    """The notice that the customer may still answer, with its mail."""
    rows: QuerySet[DelayNotice] = order.delay_notices.filter(outcome="")
    return rows.select_related("mail").defer("mail__text").first()


def with_delays(orders: QuerySet[Order]) -> QuerySet[Order]:
    """The orders with ``is_delayed``, so that ``latest`` need not ask for one that never was."""
    return orders.annotate(is_delayed=Exists(DelayNotice.objects.filter(order=OuterRef("pk"))))


def latest(order: Order) -> DelayNotice | None:
    """The notice in force, or the one whose new date holds since nobody answered it."""
    if getattr(order, "is_delayed", True) is False:
        return None
    rows: QuerySet[DelayNotice] = order.delay_notices.filter(outcome__in=["", DelayOutcome.WENT_ON])
    return rows.select_related("mail").defer("mail__text").first()


def delivered_at(notice: DelayNotice) -> datetime | None:
    """When the customer had the mail; None while nobody told of it, and once it came back."""
    return None if notice.mail.bounced_at else notice.mail.delivered_at


def set_clock(mail: OutgoingMail) -> None:
    """The mail was delivered or came back: the hours to answer start or stop. The caller has locked the order."""
    for notice in DelayNotice.objects.filter(mail=mail, outcome=""):
        began = None if mail.bounced_at else mail.delivered_at
        end = None
        if began is not None and notice.answer_hours is not None:
            end = calendars.elapsed_end(began, notice.answer_hours * HOUR)
        DelayNotice.objects.filter(pk=notice.pk).update(answer_by=end)


def follow(mail: OutgoingMail, again: OutgoingMail) -> None:
    """The mail is sent once more: from now on that one's delivery counts."""
    DelayNotice.objects.filter(mail=mail).update(mail=again, answer_by=None)


def due(*, limit: int = work.SWEEP_LIMIT) -> list[int]:
    """Notices whose hours passed in silence, oldest first. The last second still belongs to the customer."""
    rows = DelayNotice.objects.filter(outcome="", answer_by__lt=clock.now(), new_date__isnull=False, wished_at=None)
    return list(rows.order_by("answer_by").values_list("pk", flat=True)[:limit])


def go_on(notice_id: int) -> bool:
    """Nobody cancelled in time: the order goes on with the new date. False when that is not, or no longer, so."""
    order_id = DelayNotice.objects.values_list("order_id", flat=True).get(pk=notice_id)
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if order.state not in UNDER_WAY or notice_id not in due_of(order):
            return False
        notice = DelayNotice.objects.get(pk=notice_id)
        close(notice, DelayOutcome.WENT_ON)
        events.record(order, "order.went_on", actor=SYSTEM, expected=expected_words(order, notice))
    return True


def due_of(order: Order) -> list[int]:
    """The order's notices whose hours passed in silence: one at most."""
    rows = order.delay_notices.filter(outcome="", answer_by__lt=clock.now(), new_date__isnull=False, wished_at=None)
    return list(rows.values_list("pk", flat=True))


def sweep() -> int:
    """Let orders go on whose customers did not answer; close notices of orders that ended. How many went on."""
    ended = DelayNotice.objects.filter(outcome="", wished_at=None, order__ended_at__isnull=False)
    for notice in ended.select_related("order")[: work.SWEEP_LIMIT]:
        with transaction.atomic():
            order = lifecycle.lock(notice.order_id)
            if order.ended_at is not None:
                close(notice, DelayOutcome.ENDED)
    return sum(go_on(notice_id) for notice_id in due())


def close(notice: DelayNotice, outcome: DelayOutcome) -> None:
    """The notice is in force no more. The caller has locked the order."""
    DelayNotice.objects.filter(pk=notice.pk, outcome="").update(outcome=outcome, closed_at=clock.now())


def wish(notice: DelayNotice, *, actor: Actor) -> None:
    """The customer cancels while nobody can tell whether a supplier has the order: kept, and carried out once one can.

    The caller has locked the order. Wishing twice is once.
    """
    rows = DelayNotice.objects.filter(pk=notice.pk, outcome="", wished_at=None)
    if rows.update(wished_at=clock.now(), wished_from=actor.ip):
        # Should it turn out that no supplier has it, it is not sent to one again before the wish is carried out.
        Order.objects.filter(pk=notice.order_id).update(forward_after=clock.now() + WISH_KEEPS_BACK)
        events.record(lifecycle.lock(notice.order_id), "order.cancel_wished", actor=actor)


def wished() -> QuerySet[DelayNotice]:
    """Notices whose customers cancelled and whose orders are not cancelled yet."""
    return DelayNotice.objects.filter(outcome="", wished_at__isnull=False).order_by("wished_at")


def unconfirmed() -> QuerySet[DelayNotice]:
    """Notices of open orders whose mail nobody knows to have arrived, a day after they were written. For staff."""
    old = Q(outcome="", created_at__lt=clock.now() - UNCONFIRMED, order__ended_at=None, wished_at=None)
    unknown = Q(mail__delivered_at=None) | Q(mail__bounced_at__isnull=False)
    return DelayNotice.objects.filter(old & unknown, answer_hours__isnull=False).order_by("created_at")
