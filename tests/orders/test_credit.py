"""Credit at suppliers: told, foretold, run out of, and back; staff hear of it once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from orders import advancing, dispatching, forwarding, notifying, tasks
from orders.models import Order
from orders.states import OrderState
from services import balances, breaking, tallying
from services.models import Supplier
from services.models.health import BreakerState, NoticeKind, StaffNotice, SupplierBalance, SupplierHealth
from services.suppliers.base import Account
from tests import factories
from tests.helpers.race import at_once
from tests.helpers.suppliers import ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db

S = OrderState
NO_FUNDS = Refused("not enough credit", code="funds")


class Mailbox:
    """A transport that keeps what it is given, or fails as told."""

    sent: list = []
    errors: list = []
    knows: bool | None = None

    def send(self, message):
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(message)
        return "id"

    def was_accepted(self, _mail_id):
        return self.knows


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    settings.MAIL_TRANSPORT = "tests.orders.test_credit.Mailbox"
    settings.STAFF_EMAIL = "staff@example.com"
    Mailbox.sent, Mailbox.errors, Mailbox.knows = [], [], None
    ScriptedClient.reset()


def paid_orders(count: int, **supplier) -> list[Order]:
    made = factories.make_supplier(**{"adapter": "scripted", "calls_at_once": 8, **supplier})
    service = factories.make_service(supplier=made)
    imeis = tuple(factories.imei(serial) for serial in range(count))
    return list(factories.make_purchase(service, imeis=imeis, paid=True).orders.order_by("pk"))


def tell(credit: str | None, currency: str = "EUR", **script) -> SupplierBalance:
    """The supplier is asked for our credit and tells this."""
    ScriptedClient.reset(account=[Account(Decimal(credit) if credit else None, currency)], **script)
    balances.watch_active()
    balance = SupplierBalance.objects.get()
    SupplierBalance.objects.update(next_action_at=clock.now())
    balances.ask(balance.pk)
    balance.refresh_from_db()
    return balance


def states() -> set[str]:
    return set(Order.objects.values_list("state", flat=True))


def mail_notices() -> None:
    for notice in StaffNotice.objects.all():
        notifying.deliver(notice.pk)


@pytest.mark.parametrize("path", ["single", "batch"])
def test_out_of_credit_from_the_first_refusal_to_the_last_order(monday, path):
    orders = paid_orders(30)

    def send() -> None:
        if path == "batch":
            dispatching.dispatch()
        else:
            for order in orders:
                forwarding.forward(order.pk)

    tell("12.00")
    tried = 0
    for minute in range(20):
        with clock.frozen(monday + timedelta(minutes=minute)):
            ScriptedClient.reset(place=[NO_FUNDS] * 30, account=[Account(Decimal("2.00"), "EUR")])
            advancing.wake_orders()
            send()
            for pk in SupplierBalance.objects.values_list("pk", flat=True):
                balances.ask(pk)
            mail_notices()
            tried += asked("place")
    assert states() == {S.PAID}
    # On the batch path as many as may be under way at once find out together.
    assert tried <= (8 if path == "batch" else 1) + 4
    assert [notice.kind for notice in StaffNotice.objects.all()] == [NoticeKind.OUT_OF_CREDIT]
    assert [mail.to for mail in Mailbox.sent] == ["staff@example.com"]
    page = Client().get(orders[0].get_absolute_url()).content.decode()
    assert "credit" not in page.lower().replace("credit card", "")

    with clock.frozen(monday + timedelta(minutes=21)):
        tell("500.00")
        for _sweep in range(2):
            advancing.wake_orders()
            send()
        assert states() == {S.IN_PROCESS}
        assert SupplierHealth.objects.get().breaker == BreakerState.CLOSED
        assert StaffNotice.objects.get().ended_at == clock.now()
        mail_notices()
    assert len(Mailbox.sent) == 1

    with clock.frozen(monday + timedelta(hours=1)):
        balances.ran_short(Supplier.objects.get().pk, Decimal(10), "EUR")
        mail_notices()
    assert len(Mailbox.sent) == 2, "a new episode"


def test_without_a_balance_a_trial_order_finds_out(monday):
    paid_orders(3)
    ScriptedClient.reset(place=[NO_FUNDS] * 3)
    dispatching.dispatch()
    tell(None)
    assert StaffNotice.objects.get().ended_at is None
    with clock.frozen(SupplierHealth.objects.get().trial_at):
        ScriptedClient.reset()
        Order.objects.update(next_action_at=clock.now())
        dispatching.dispatch()
        advancing.wake_orders()
        dispatching.dispatch()
        assert states() == {S.IN_PROCESS}
        assert StaffNotice.objects.get().ended_at is not None


@pytest.mark.parametrize("path", [dispatching.dispatch, lambda: forwarding.forward(Order.objects.earliest("pk").pk)])
def test_an_order_that_the_credit_does_not_cover_is_not_tried(monday, path):
    paid_orders(1)
    tell("9.99")

    path()

    assert (asked("place"), states()) == (0, {S.PAID})
    assert StaffNotice.objects.get().kind == NoticeKind.OUT_OF_CREDIT
    with clock.frozen(monday + timedelta(minutes=1)):
        tell("10.00")
        advancing.wake_orders()
        path()
        assert (states(), StaffNotice.objects.get().ended_at) == ({S.IN_PROCESS}, clock.now())


@pytest.mark.parametrize("why", ["other currency", "it may owe", "told long ago", "does not tell"])
def test_what_the_credit_is_not_known_to_forbid_is_tried(monday, why):
    paid_orders(1, may_owe=why == "it may owe")
    tell(None if why == "does not tell" else "1.00", "USD" if why == "other currency" else "EUR")

    with clock.frozen(monday + timedelta(minutes=31 if why == "told long ago" else 1)):
        dispatching.dispatch()

    assert states() == {S.IN_PROCESS}


def test_cheap_orders_go_while_a_dear_one_waits_and_staff_hear_once(monday):
    cheap, dear = paid_orders(2)
    dear_service = factories.make_service(supplier=Supplier.objects.get())
    dear_service.offers.update(cost=50)
    Order.objects.filter(pk=dear.pk).update(service=dear_service, price=60)
    for minute in range(0, 30, 2):
        with clock.frozen(monday + timedelta(minutes=minute)):
            tell("20.00")
            advancing.wake_orders()
            dispatching.dispatch()

    cheap.refresh_from_db()
    assert (cheap.state, states()) == (S.IN_PROCESS, {S.IN_PROCESS, S.PAID})
    assert StaffNotice.objects.filter(kind=NoticeKind.OUT_OF_CREDIT).count() == 1


def test_an_episode_ends_when_nothing_waits_for_credit_any_more(monday):
    supplier = factories.make_supplier(adapter="scripted")
    balances.ran_short(supplier.pk, Decimal(50), "EUR")
    tell("20.00")
    assert StaffNotice.objects.get().ended_at is None
    with clock.frozen(monday + timedelta(minutes=16)):
        tell("20.00")
    assert StaffNotice.objects.get().ended_at is not None


def test_forecast_rests_on_what_accepted_orders_cost(monday):
    supplier = factories.make_supplier(adapter="scripted")
    for hours in range(1, 7):
        with clock.frozen(monday - timedelta(hours=hours)):
            tallying.add([tallying.Tally(supplier.pk, "accepted", 1, Decimal("5.00"), "EUR")] * 2)
            tallying.add([tallying.Tally(supplier.pk, "accepted", 1, Decimal(99), "USD")])

    found = balances.forecast(tell("90.00"))

    assert (found.per_hour, found.lasts) == (10, timedelta(hours=9))
    notice = StaffNotice.objects.get()
    assert notice.kind == NoticeKind.LOW_BALANCE
    assert notice.text.endswith("90.00 EUR left. Empty in 9 h at this rate.")
    tell("150.00")
    assert StaffNotice.objects.get().ended_at is None, "no alarm that comes and goes"
    tell("240.00")
    assert StaffNotice.objects.get().ended_at is not None


def test_alarm_below_a_sum(monday):
    factories.make_supplier(adapter="scripted", alarm_balance=Decimal(50), alarm_hours=None)
    tell("50.00")
    assert not StaffNotice.objects.exists()
    tell("49.99")
    assert StaffNotice.objects.get().kind == NoticeKind.LOW_BALANCE


@pytest.mark.parametrize(
    "answer", [Retryable("down"), Refused("key", code="auth"), OutcomeUnknown("?"), KeyError("bug")]
)
def test_a_supplier_that_does_not_tell_is_asked_again_later(monday, answer):
    factories.make_supplier(adapter="scripted")
    tell("7.00")
    SupplierBalance.objects.update(next_action_at=monday)
    ScriptedClient.reset(account=[answer])

    balances.ask(SupplierBalance.objects.get().pk)

    row = SupplierBalance.objects.get()
    assert (row.credit, row.work_state) == (7, WorkState.QUEUED)
    assert row.next_action_at > monday + timedelta(minutes=1)
    assert row.last_error


@pytest.mark.parametrize("credit", ["NaN", "Infinity", "1E+40", "-1E+40"])
def test_a_credit_that_is_no_sum_is_not_believed(monday, credit):
    factories.make_supplier(adapter="scripted")
    assert tell(credit, "euro\x00" if credit == "NaN" else "EUR").credit is None


def test_only_what_is_due_is_asked_and_only_once(monday):
    supplier = factories.make_supplier(adapter="scripted")
    factories.make_supplier(adapter="scripted", is_active=False)
    balances.watch_active()
    row = SupplierBalance.objects.get(supplier=supplier)
    for _ring in range(5):
        tasks_before = asked("account")
        balances.ask(row.pk)
    assert (asked("account"), tasks_before) == (1, 1)
    balances.ask_soon(supplier.pk)
    balances.ask(row.pk)
    assert asked("account") == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_workers_that_find_out_together_tell_once():
    supplier = factories.make_supplier(adapter="scripted")

    done = at_once(8, lambda _n: balances.ran_short(supplier.pk, Decimal(10), "EUR"))

    assert [each for each in done if each is not None] == []
    assert StaffNotice.objects.count() == 1


def test_nobody_to_mail_nothing_mailed(settings, monday):
    settings.STAFF_EMAIL = ""
    balances.ran_short(factories.make_supplier().pk, Decimal(1), "EUR")
    tasks.sweep()
    mail_notices()
    assert (Mailbox.sent, StaffNotice.objects.get().work_state) == ([], WorkState.DONE)


@pytest.mark.parametrize(("knows", "mails", "state"), [(True, 0, "done"), (False, 1, "done"), (None, 0, "uncertain")])
def test_a_notice_whose_sending_is_unclear_is_not_sent_blindly(monday, settings, knows, mails, state):
    balances.ran_short(factories.make_supplier().pk, Decimal(1), "EUR")
    Mailbox.errors, Mailbox.knows = [Retryable("busy"), OutcomeUnknown("timed out")], knows
    for minutes in (0, 5, 10, 30, 60):
        with clock.frozen(monday + timedelta(minutes=minutes)):
            mail_notices()
    assert (len(Mailbox.sent), StaffNotice.objects.get().work_state) == (mails, state)


def test_a_breaker_that_staff_close_lets_all_go(monday):
    paid_orders(3)
    ScriptedClient.reset(place=[Refused("key", code="auth")] * 3)
    dispatching.dispatch()
    ScriptedClient.reset()
    assert breaking.close(Supplier.objects.get().pk)
    tasks.sweep()
    dispatching.dispatch()
    assert states() == {S.IN_PROCESS}
