"""The mail that tells of a broken promise of time: once for each time that passed, with what the terms give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from orders import clocks, events, lifecycle, mailing, promising
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from orders.states import OrderState
from payments import refunding
from payments.refunding import Grounds
from refunds import late_words, overdue, telling_late
from refunds.tasks import end_overdue
from services.promises import guaranteed_words
from tests import factories
from tests.refunds.test_overdue import LATE, MONDAY_NOON, PAST_CAP, SAM, SECOND, late_order
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db
S = OrderState
WHEN = "Thursday 26 November, 22:00 Madrid time"


def mails() -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(kind=MailKind.LATE).order_by("pk"))


def both(mail: OutgoingMail) -> tuple[str, str]:
    message = mailing.render(mail)
    return " ".join(message.text.split()), " ".join(message.html.split())


@pytest.mark.parametrize(
    ("given", "says"), [("10.00", "You may have your €8.90 back now"), ("18.90", "Write to us, and we look into it")]
)
def test_it_offers_no_more_than_is_left(given, says):
    order = late_order()
    payment = order.purchase.payments.get()
    refunding.request_refund(
        payment.pk, money=Money(Decimal(given), "EUR"), grounds=Grounds("goodwill", "by hand", "they insist"),
        actor=SAM, order_id=order.pk,
    )  # fmt: skip
    with clock.frozen(LATE):
        now = overdue.standing(Order.objects.get(pk=order.pk))
        assert now is not None
        assert says in late_words.offer(Order.objects.get(pk=order.pk), now)


@pytest.mark.parametrize("state", [S.PAID, S.ON_HOLD, S.IN_PROCESS, S.UNCERTAIN])
def test_it_is_told_once_when_the_time_has_passed(state):
    order = late_order(state)
    with clock.frozen(LATE - SECOND):
        end_overdue()
    assert mails() == []
    for later in (timedelta(0), timedelta(minutes=1), timedelta(days=3)):
        with clock.frozen(LATE + later):
            end_overdue()

    assert [mail.key for mail in mails()] == [f"{order.number}:late:1"]
    told = order.events.get(kind="order.late")
    assert (told.actor_kind, WHEN in events.customer_sentence(told)) == ("system", True)
    assert "G_GUARANTEED_TIME_EXCEEDED" in events.staff_sentence(told)


def test_it_says_what_happened_what_the_rule_gives_and_when_it_ends():
    order = late_order()
    with clock.frozen(LATE):
        end_overdue()
        for part in both(mails()[0]):
            assert f"We guaranteed the result by {WHEN}" in part
            assert "Our supplier has the order and works on it." in part
            assert "You may have your €18.90 back now, or go on waiting." in part
            assert "If there is no result by Friday 11 December, 22:00 Madrid time, we end the order" in part
            assert "The terms say:" in part
            assert order.get_absolute_url() in part
            assert "has moved on" not in part


@pytest.mark.parametrize("profile", ["imei_server", "imei_org", "imeishop"])
def test_where_nothing_is_guaranteed_it_does_not_say_so(client, profile):
    order = late_order(profile=profile)
    assert not order.is_guaranteed
    with clock.frozen(datetime(2026, 12, 3, 20, 0, 1, tzinfo=UTC)):
        end_overdue()
        late, confirmation = mails()[0], OutgoingMail.objects.get(kind=MailKind.CONFIRMATION)
        for part in both(late):
            assert "We expected the result by" in part
            assert "guarantee" not in part
            assert "Write to us, and we look into it" in part
    with clock.frozen(MONDAY_NOON):
        for part in both(confirmation):
            assert "not guaranteed" in part
            assert "this is guaranteed" not in part
        page = client.get(order.get_absolute_url()).content.decode()
        assert "not guaranteed" in page
        assert ", guaranteed" not in page
        assert "guaranteed" not in client.get("/order-status-tracker/", {"q": order.number}).content.decode()


@pytest.mark.parametrize("profile", ["default", "doctorsim"])
def test_where_it_is_guaranteed_the_confirmation_says_so(profile):
    late_order(profile=profile)

    for part in both(OutgoingMail.objects.get(kind=MailKind.CONFIRMATION)):
        assert f"at the latest by {WHEN}; this is guaranteed" in part


@pytest.mark.parametrize(("profile", "word"), [("default", "At most"), ("imei_org", "Expected within")])
def test_the_service_page_says_what_new_orders_are_promised(client, settings, profile, word):
    settings.REFUND_PROFILE = profile
    service = factories.make_service()

    page = client.get(service.get_absolute_url()).content.decode()

    assert word in page
    assert (guaranteed_words(service.guaranteed_minutes)[1:] in page) is (profile == "default")


def test_a_later_date_that_passes_too_is_told_anew():
    order = late_order()
    with clock.frozen(LATE):
        end_overdue()
        promising.move_due(order.pk, to=datetime(2026, 12, 3, 21, tzinfo=UTC), reason="slow", actor=SAM)
    with clock.frozen(datetime(2026, 12, 4, 9, tzinfo=UTC)):
        end_overdue()
        assert len(mails()) == 1
    for _twice in range(2):
        with clock.frozen(datetime(2026, 12, 4, 9, 0, 1, tzinfo=UTC)):
            end_overdue()
    assert len(mails()) == 2


def test_what_ended_or_ends_at_that_moment_is_not_told_of():
    order = late_order()
    with clock.frozen(LATE):
        lifecycle.complete(order.pk, result="Code: 1", supplier_name="X", actor=SYSTEM)
        assert not telling_late.tell(order.pk)
        end_overdue()
    capped = late_order(imei=factories.imei(7))
    with clock.frozen(PAST_CAP):
        end_overdue()
    assert (mails(), Order.objects.get(pk=capped.pk).state) == ([], S.CANCELLED)


def test_one_that_cannot_be_told_does_not_keep_the_others(monkeypatch):
    broken, order = late_order(), late_order(imei=factories.imei(7))
    ask = telling_late.overdue.standing

    def standing(asked):
        if asked.pk == broken.pk:
            raise ValueError
        return ask(asked)

    monkeypatch.setattr(telling_late.overdue, "standing", standing)
    with clock.frozen(LATE):
        assert telling_late.tell_late() == 1
        assert set(Order.objects.filter(clocks.late(LATE))) == {broken, order}
    assert mails()[0].order == order
