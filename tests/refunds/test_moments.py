"""Every moment that matters to a customer is in the order's story and, unless the table says why not, in a mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from orders import correcting, events, investigating, mail_events, mailing
from orders.models import MailEvent, Order, OutgoingMail
from orders.models.mail import MailKind as M
from orders.right_data import RightData
from orders.states import Finding, OrderState
from payments import telling
from payments.models import Refund
from refunds import calling_off, overdue, telling_delays, telling_late
from refunds.telling_delays import Message
from tests import factories
from tests.helpers.mail_events import BOUNCE, SEED, event, post
from tests.refunds.test_overdue import DUE, LATE, MONDAY_NOON, PAST_CAP, SAM, late_order
from unlockshop.demo import mail_events as demo
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S = OrderState


def nothing(_order: Order) -> None:
    """The state itself is the moment."""


def delay(order: Order) -> None:
    telling_delays.tell(order.pk, Message("closed", DUE + timedelta(days=2)), batch="b", actor=SAM)


def correct(order: Order) -> None:
    data = RightData(factories.imei(77), "imei", {})
    correcting.correct(order.pk, data, rule="default", actor=factories.CUSTOMER)


def investigate(order: Order) -> None:
    row = investigating.ask(order.pk, note="", actor=factories.CUSTOMER)
    investigating.answer(row.pk, finding=Finding.WRONGLY_REJECTED, text="Ours.", evidence="panel", actor=SAM)


def be_late(order: Order) -> None:
    with clock.frozen(LATE):
        telling_late.tell(order.pk)


def be_capped(order: Order) -> None:
    with clock.frozen(PAST_CAP):
        overdue.end_overdue()


def call_off(order: Order) -> None:
    calling_off.call_off(order.pk, actor=factories.CUSTOMER)


def refund(order: Order) -> None:
    call_off(order)
    telling.tell_refunded(Refund.objects.get())


@dataclass(frozen=True)
class Moment:
    """What happens from where, the event that tells of it, and the mail, or why there is none."""

    state: S
    happens: Callable[[Order], None]
    event: str
    mail: M | None
    why_none: str = ""


TABLE = {
    "paid": Moment(S.PAID, nothing, "order.paid", M.CONFIRMATION),
    "held": Moment(S.ON_HOLD, nothing, "order.held", None, "Nothing for the customer to do; if it costs time, the "
                   "mails about a delay and about lateness tell."),
    "sent": Moment(S.SUBMITTING, nothing, "order.submitting", None, "The confirmation announced it."),
    "accepted": Moment(S.IN_PROCESS, nothing, "order.submitted", None, "The confirmation announced it."),
    "delayed": Moment(S.IN_PROCESS, delay, "order.delayed", M.DELAYED),
    "corrected": Moment(S.PAID, correct, "order.corrected", M.CORRECTION),
    "investigated": Moment(S.NOT_FOUND, investigate, "order.investigated", M.INVESTIGATION),
    "late": Moment(S.IN_PROCESS, be_late, "order.late", M.LATE),
    "capped": Moment(S.IN_PROCESS, be_capped, "order.run_out", M.CANCELLED),
    "cancelled": Moment(S.PAID, call_off, "order.called_off", M.CANCELLED),
    "not found": Moment(S.NOT_FOUND, nothing, "order.not_found", M.NOT_FOUND),
    "unavailable": Moment(S.UNAVAILABLE, nothing, "order.unavailable", M.UNAVAILABLE),
    "delivered": Moment(S.COMPLETED, nothing, "order.completed", M.COMPLETED),
    "refunded": Moment(S.PAID, refund, "money.refunded", M.REFUNDED),
}  # fmt: skip
# Where the moment names a time, it is told by the calendar of the order's terms.
NAMES_A_TIME = {"paid", "delayed", "corrected", "late", "delivered"}


@pytest.mark.parametrize("name", TABLE)
def test_each_moment_is_in_the_story_and_in_a_mail(client, name):
    moment = TABLE[name]
    order = late_order(moment.state)
    with clock.frozen(MONDAY_NOON):
        moment.happens(order)

    told = order.events.get(kind=moment.event)
    sentence = events.customer_sentence(told)
    assert sentence
    page = client.get(order.get_absolute_url()).content.decode()
    assert sentence.replace("'", "&#x27;") in page
    if moment.mail is None:
        assert moment.why_none
        assert set(OutgoingMail.objects.values_list("kind", flat=True)) == {M.CONFIRMATION}
        return
    mail = OutgoingMail.objects.filter(kind=moment.mail).get()
    assert mail.created_at == told.at
    with clock.frozen(told.at):
        message = mailing.render(mail)
    for part in (message.text, message.html):
        assert order.number in part
        assert ("Madrid time" in part) is (name in NAMES_A_TIME)


def test_a_mail_that_came_back_is_told_on_the_page_for_there_is_no_address(client, settings):
    settings.SENDGRID_WEBHOOK_KEYS = [demo.public_key(SEED)]
    order = factories.make_order(S.PAID)
    mail = order.purchase.mails.get()
    OutgoingMail.objects.filter(pk=mail.pk).update(
        work_state=WorkState.DONE, sent_at=clock.now(), next_action_at=None, text="as sent"
    )
    assert post(client, [event(OutgoingMail.objects.get(pk=mail.pk), **BOUNCE)]).status_code == 200
    mail_events.process_due(MailEvent.objects.latest("pk").pk)

    sentence = events.customer_sentence(order.events.get(kind="mail.bounced"))
    assert sentence in client.get(order.get_absolute_url()).content.decode()
    assert OutgoingMail.objects.count() == 1


def test_the_page_gives_the_time_of_the_terms_and_lets_the_browser_add_its_own(client):
    order = late_order()
    with clock.frozen(MONDAY_NOON):
        page = client.get(order.get_absolute_url()).content.decode()

    assert 'datetime="2026-11-26T21:00:00Z" data-zone="Europe/Madrid">' in page


def test_a_hold_that_lasts_is_told_as_lateness():
    """Why a hold needs no mail of its own."""
    order = late_order(S.ON_HOLD)
    with clock.frozen(LATE):
        assert telling_late.tell(order.pk)
    assert Order.objects.get(pk=order.pk).state == S.ON_HOLD
