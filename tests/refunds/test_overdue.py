"""Late orders: what the page offers, the one button, and the end at the hard cap; each once and by a named rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from orders import cancelling, clocks, events, forwarding, freezing, lifecycle, mailing, polling, promising, turnaround
from orders.models import CancelRequest, Order, OutgoingMail, SupplierAttempt
from orders.models.mail import MailKind
from orders.states import AttemptOutcome, CancelState, HoldReason, OrderState
from payments import booking, ledger, refunding
from payments.models import LedgerTransaction, Payment, Refund
from payments.refunding import Grounds
from payments.states import DisputeState
from refunds import overdue
from refunds.policy.assessing import assess
from refunds.policy.published import profile as published
from refunds.tasks import end_overdue
from services.suppliers.base import Feature
from tests import factories
from tests.admin.conftest import make_payment
from tests.helpers.race import at_once
from tests.helpers.suppliers import ScriptedClient
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db
S = OrderState
SAM = staff(1, "sam@example.com")
SECOND = timedelta(seconds=1)
MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
# Three business days of 12 hours from Tuesday's opening; not overrun before Friday's opening.
DUE = datetime(2026, 11, 26, 21, tzinfo=UTC)
LATE = datetime(2026, 11, 27, 9, 0, 1, tzinfo=UTC)
# Ten business days on, 8 December being a day off; not overrun before Monday's opening.
CAP = datetime(2026, 12, 11, 21, tzinfo=UTC)
PAST_CAP = datetime(2026, 12, 14, 9, 0, 1, tzinfo=UTC)
PROFILES = {"default": ("madrid", 10), "doctorsim": ("madrid", None), "imei_server": ("weekday_utc", None),
            "imeishop": ("weekday_utc", None), "imei_org": ("la", None)}  # fmt: skip


def late_order(
    state: S = S.IN_PROCESS, *, profile: str = "default", price: str = "18.90", imei: str = factories.IMEI
) -> Order:
    """An order that was paid on Monday, with its payment, brought to a state at once."""
    calendar, cap = PROFILES[profile]
    with clock.frozen(MONDAY_NOON):
        service = factories.make_service(price=price, kind="unlock" if Decimal(price) else "check")
        consent = factories.consent(refund_profile=f"{profile} 2026-11", calendar=calendar, hard_cap_days=cap)
        draft = factories.make_draft(service, imeis=(imei,))
        purchase = factories.place_purchase(
            draft, email=factories.ADA, language="en", consent=consent, is_demo=True,
            actor=factories.CUSTOMER,
        )  # fmt: skip
        if Decimal(price):
            factories.paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=MONDAY_NOON)
        order = purchase.orders.get()
        if Decimal(price):
            make_payment(order)
            Payment.objects.filter(purchase=purchase).update(amount=purchase.total)
        factories.bring_to(order, state)
    order.refresh_from_db()
    return order


def state_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def page_of(client, order: Order) -> str:
    return " ".join(client.get(order.get_absolute_url()).content.decode().split())


def press(client, order: Order):
    return client.post(reverse("order-money-back", args=[order.secret]))


# --- On the customer's press, past the guarantee


def test_nothing_is_offered_while_the_time_runs(client):
    order = late_order()
    for moment in (DUE, DUE + SECOND, LATE - SECOND):
        with clock.frozen(moment):
            assert overdue.standing(order) is None
            assert "Give me my money back" not in page_of(client, order)
            assert press(client, order).status_code == 409
    assert (state_of(order), Refund.objects.count()) == (S.IN_PROCESS, 0)


@pytest.mark.parametrize("state", [S.PAID, S.ON_HOLD, S.IN_PROCESS])
def test_past_the_guarantee_one_press_gives_the_money_back_once(client, state):
    order = late_order(state)
    with clock.frozen(LATE):
        page = page_of(client, order)
        assert "We are late" in page
        assert "Give me my money back" in page
        assert press(client, order).status_code == 303
        assert press(client, order).status_code == 303

    refund = Refund.objects.get()
    assert refund.rule.startswith("default 2026-11 G_GUARANTEED_TIME_EXCEEDED DSIM-DEL-5 DSIM-DEL-6")
    assert (refund.money, refund.order_id, refund.actor_kind) == (order.money, order.pk, "customer")
    assert state_of(order) == S.CANCELLED
    assert "Give me my money back" not in page_of(client, order)


def test_the_page_says_when_it_ends_by_itself(client):
    order = late_order()
    with clock.frozen(LATE):
        assert "Friday 11 December, 22:00 Madrid time" in page_of(client, order)


def test_reading_the_address_of_the_button_does_nothing(client):
    order = late_order()
    with clock.frozen(LATE):
        assert client.get(reverse("order-money-back", args=[order.secret])).status_code == 302
    assert state_of(order) == S.IN_PROCESS


@pytest.mark.parametrize(
    ("profile", "may", "code"),
    [
        ("default", True, "G_GUARANTEED_TIME_EXCEEDED"),
        ("doctorsim", True, "G_GUARANTEED_TIME_EXCEEDED"),
        ("imei_server", False, "D_LATE_NOT_GROUND"),
        ("imei_org", False, "D_LATE_NOT_GROUND"),
    ],
)
def test_the_profile_says_what_being_late_gives(client, profile, may, code):
    order = late_order(profile=profile)
    with clock.frozen(datetime(2026, 12, 3, 20, 0, 1, tzinfo=UTC)):
        now = overdue.standing(order)
        assert (now.may, now.code, now.ends_at is None) == (may, code, profile != "default")
        assert ("Give me my money back" in page_of(client, order)) is may
        assert ("Write to us, and we look into it" in page_of(client, order)) is not may
        assert press(client, order).status_code == (303 if may else 409)
    assert Refund.objects.count() == may


def test_a_hard_cap_on_request_is_a_right_from_its_first_second(client):
    """imei_server: the stated time and ten business days, for the asking, and never by itself."""
    order = late_order(profile="imei_server")
    cap = datetime(2026, 12, 11, 23, 59, 59, tzinfo=UTC)
    with clock.frozen(cap):
        assert not overdue.standing(order).may
    with clock.frozen(cap + SECOND):
        assert overdue.standing(order).code == "G_HARD_CAP_EXCEEDED"
        assert overdue.end_overdue() == 0
        assert press(client, order).status_code == 303


def test_a_later_time_that_was_told_counts(client):
    order = late_order()
    with clock.frozen(MONDAY_NOON):
        promising.move_due(order.pk, to=datetime(2026, 12, 3, 21, tzinfo=UTC), reason="slow", actor=SAM)
    with clock.frozen(datetime(2026, 12, 4, 9, tzinfo=UTC)):
        assert press(client, order).status_code == 409
    with clock.frozen(datetime(2026, 12, 4, 9, 0, 1, tzinfo=UTC)):
        assert press(client, order).status_code == 303


@pytest.mark.parametrize("outcome", [AttemptOutcome.UNKNOWN, AttemptOutcome.IN_FLIGHT])
def test_while_nobody_knows_who_has_it_staff_come_first(client, outcome):
    order = late_order(S.UNCERTAIN)
    SupplierAttempt.objects.update(outcome=AttemptOutcome.UNKNOWN)
    with clock.frozen(MONDAY_NOON):
        lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, actor=SYSTEM)
    SupplierAttempt.objects.update(outcome=outcome)
    order.refresh_from_db()

    with clock.frozen(PAST_CAP):
        assert overdue.standing(order).code == overdue.UNCLEAR
        assert "first find out whether our supplier has your order" in page_of(client, order)
        assert press(client, order).status_code == 409
        assert overdue.end_overdue() == 0
    assert (state_of(order), Refund.objects.count()) == (S.ON_HOLD, 0)


def test_a_disputed_order_gives_nothing_back_by_itself(client):
    order = late_order(S.PAID)
    payment = Payment.objects.get()
    payment.disputes.create(
        provider_ref="dp_1", state=DisputeState.NEEDS_RESPONSE, amount=payment.amount, currency=payment.currency,
        opened_at=MONDAY_NOON,
    )  # fmt: skip
    freezing.freeze(order.purchase_id, reason=HoldReason.DISPUTE, actor=SYSTEM)

    with clock.frozen(PAST_CAP):
        assert overdue.end_overdue() == 0
        assert press(client, order).status_code == 409
    assert (state_of(order), Refund.objects.count()) == (S.ON_HOLD, 0)


# --- By itself, at the hard cap


@pytest.mark.parametrize("state", [S.PAID, S.ON_HOLD, S.IN_PROCESS])
def test_at_the_cap_the_order_ends_and_the_money_goes_back_once(state):
    order = late_order(state)
    for moment in (LATE, CAP, CAP + SECOND, PAST_CAP - SECOND):
        with clock.frozen(moment):
            end_overdue()
    assert (state_of(order), Refund.objects.count()) == (state, 0)

    with clock.frozen(PAST_CAP):
        end_overdue()
        end_overdue()

    assert state_of(order) == S.CANCELLED
    refund = Refund.objects.get()
    assert refund.rule.startswith("default 2026-11 G_HARD_CAP_EXCEEDED IMEISERVER-2.3 DSIM-DEL-5")
    assert (refund.money, refund.actor_kind) == (order.money, "system")


def test_the_mail_names_the_rule():
    order = late_order()
    with clock.frozen(PAST_CAP):
        end_overdue()
        message = mailing.render(OutgoingMail.objects.get(kind=MailKind.CANCELLED))

    for text in (message.text, " ".join(message.html.split())):
        assert "It was not finished in time. €18.90 go back" in text
        assert "default 2026-11 G_HARD_CAP_EXCEEDED IMEISERVER-2.3 DSIM-DEL-5" in text
        assert published("default").clauses["DSIM-DEL-5"].sentence[:40] in text
    told = order.events.get(kind="order.run_out")
    assert told.actor_kind == "system"


def test_what_a_silent_supplier_has_is_a_loss_and_a_failure():
    order = late_order()
    attempt = order.supplier_attempts.get()
    with clock.frozen(PAST_CAP):
        end_overdue()
        booking.book_supplier_losses()
        turnaround.fold()
        figures = turnaround.turnaround([order.service_id], 7)[order.service_id]

    assert LedgerTransaction.objects.filter(key=ledger.supplier_loss_key(attempt)).count() == 1
    assert (figures.count, figures.completed, figures.success_rate) == (1, 0, 0.0)


@pytest.fixture
def _asks(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset(Feature.CANCEL)


@pytest.mark.usefixtures("_asks")
def test_at_the_cap_the_supplier_is_asked_to_drop_it_and_dropped_it_is_no_loss():
    order = late_order()
    with clock.frozen(PAST_CAP):
        end_overdue()
        end_overdue()
        wanted = CancelRequest.objects.get()
        assert (wanted.state, state_of(order)) == (CancelState.TO_ASK, S.CANCELLED)
        assert not order.supplier_attempts.get().is_late_surprise
        assert booking.book_supplier_losses() == 0
        assert "is asked to drop it" in events.staff_sentence(order.events.get(kind="order.run_out"))

        cancelling.ask(wanted.pk)

        assert CancelRequest.objects.get().state == CancelState.AGREED
        attempt = order.supplier_attempts.get()
        assert (attempt.outcome, attempt.is_late_surprise) == (AttemptOutcome.REJECTED, False)
        assert (booking.book_supplier_losses(), Refund.objects.count()) == (0, 1)


@pytest.mark.usefixtures("_asks")
@pytest.mark.parametrize("answer", [CancelState.REFUSED, CancelState.TOO_LATE])
def test_a_request_that_is_open_at_the_cap_decides_whether_it_is_a_loss(answer):
    order = late_order()
    with clock.frozen(LATE):
        cancelling.request(order.pk, reason="she asked", actor=SAM)
    with clock.frozen(PAST_CAP):
        end_overdue()
        wanted = CancelRequest.objects.get()
        assert wanted.reason == "she asked"
        assert booking.book_supplier_losses() == 0

        cancelling.settle(wanted.pk, answer, message="no", actor=SAM)

        assert order.supplier_attempts.get().is_late_surprise
        assert (booking.book_supplier_losses(), Refund.objects.count()) == (1, 1)


@pytest.mark.usefixtures("_asks")
def test_a_supplier_that_said_too_late_is_not_asked_again():
    order = late_order()
    with clock.frozen(LATE):
        wanted = cancelling.request(order.pk, reason="she asked", actor=SAM)
        cancelling.settle(wanted.pk, CancelState.TOO_LATE, message="", actor=SAM)
    with clock.frozen(PAST_CAP):
        end_overdue()

    assert CancelRequest.objects.count() == 1
    assert order.supplier_attempts.get().is_late_surprise


@pytest.mark.usefixtures("_asks")
def test_a_late_customer_who_takes_the_money_has_the_supplier_asked_too(client):
    order = late_order()
    with clock.frozen(LATE):
        assert press(client, order).status_code == 303

    assert CancelRequest.objects.get().state == CancelState.TO_ASK
    assert not order.supplier_attempts.get().is_late_surprise


def test_what_no_supplier_has_is_no_loss():
    late_order(S.PAID)
    with clock.frozen(PAST_CAP):
        end_overdue()

    assert booking.book_supplier_losses() == 0


def test_an_answer_that_comes_after_the_end_changes_nothing(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    order = late_order()
    with clock.frozen(PAST_CAP):
        end_overdue()
        polling.poll(order.pk)
        forwarding.forward(order.pk)

    assert (state_of(order), order.supplier_attempts.count()) == (S.CANCELLED, 1)


def test_a_delivered_order_keeps_its_money_with_us():
    late_order(S.COMPLETED)
    with clock.frozen(PAST_CAP):
        assert overdue.end_overdue() == 0
    assert not Refund.objects.exists()


def test_a_free_order_ends_without_a_refund():
    order = late_order(S.PAID, price="0.00")
    with clock.frozen(PAST_CAP):
        assert overdue.end_overdue() == 1
    assert (state_of(order), Refund.objects.count()) == (S.CANCELLED, 0)


@pytest.mark.parametrize("state", [S.UNCERTAIN, S.IN_PROCESS])
def test_a_late_free_order_is_offered_no_money(client, state):
    order = late_order(state, price="0.00")
    with clock.frozen(datetime(2026, 12, 4, 9, 0, 1, tzinfo=UTC)):
        text = page_of(client, order)
        assert (overdue.standing(order).code == overdue.UNCLEAR) == (state == S.UNCERTAIN)
        assert "We are late: what you may do now" in text
        assert "money back" not in text.partition("We are late: what you may do now")[2].partition("</section>")[0]
        if state == S.UNCERTAIN:
            assert "Write to us, and we look into it" in text


def test_one_that_cannot_end_does_not_keep_the_others():
    stuck, order = late_order(), late_order(imei=factories.imei(7))
    payment = Payment.objects.get(purchase=stuck.purchase)
    payment.disputes.create(
        provider_ref="dp_1", state=DisputeState.NEEDS_RESPONSE, amount=payment.amount, currency=payment.currency,
    )  # fmt: skip
    with clock.frozen(PAST_CAP):
        assert overdue.end_overdue() == 1
        assert Order.objects.filter(clocks.past_cap(PAST_CAP)).get() == stuck

    assert (state_of(stuck), state_of(order)) == (S.IN_PROCESS, S.CANCELLED)
    assert Refund.objects.get(actor_kind="system").order_id == order.pk


def test_one_given_back_in_part_ends_and_gives_the_rest():
    order = late_order()
    goodwill = Grounds("goodwill", "said sorry", override="it may still be delivered")
    payment = Payment.objects.get(purchase=order.purchase)
    refunding.request_refund(
        payment.pk, money=Money(Decimal(1), "EUR"), grounds=goodwill, actor=SAM, order_id=order.pk
    )
    with clock.frozen(PAST_CAP):
        assert overdue.end_overdue() == 1

    assert state_of(order) == S.CANCELLED
    assert Refund.objects.get(actor_kind="system").amount == order.price - 1


def test_orders_from_before_the_cap_was_kept_never_end_by_themselves():
    order = late_order()
    Order.objects.update(hard_cap_days=None, cap_at=None)
    with clock.frozen(datetime(2027, 6, 1, 12, tzinfo=UTC)):
        assert overdue.end_overdue() == 0
    assert state_of(order) == S.IN_PROCESS


def test_nothing_is_given_back_without_a_late_order():
    order = late_order()
    with clock.frozen(MONDAY_NOON), pytest.raises(Refused) as refused:
        overdue.give_back(order.pk, actor=SYSTEM, is_asked=True)
    assert refused.value.code == overdue.NOT_LATE
    with clock.frozen(LATE), pytest.raises(Refused) as refused:
        overdue.give_back(order.pk, actor=SYSTEM, is_asked=False)
    assert refused.value.code == "D_LATE_NOT_GROUND"


def test_the_engine_and_the_order_count_the_same():
    order = late_order()
    judged = assess(overdue.facts_of(order, "supplier_event", LATE), published("default"))

    assert (judged.deadline("guarantee_end"), judged.deadline("hard_cap")) == (order.result_due_at, order.cap_at)


@pytest.mark.django_db(transaction=True)
def test_pressed_and_swept_at_once_it_is_given_back_once():
    order = late_order()

    def act(n: int) -> None:
        if n % 2:
            overdue.end_overdue()
        else:
            overdue.give_back(order.pk, actor=factories.CUSTOMER, is_asked=True)

    with clock.frozen(PAST_CAP):
        assert at_once(6, act) == [None] * 6

    assert Refund.objects.count() == 1
    assert OutgoingMail.objects.filter(kind=MailKind.CANCELLED).count() == 1
