"""Cancelling before forwarding: by the frozen terms, in one act with the refund, and never beside a purchase."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import checks
from django.test import Client
from django.urls import reverse

from orders import forwarding, freezing, lifecycle, mailing
from orders.cancel_links import token_of
from orders.models import Order, OutgoingMail
from orders.states import AttemptOutcome, HoldReason, OrderState
from payments import refunding
from payments.models import Payment, Refund
from payments.refunding import Grounds
from payments.states import DisputeState, PaymentState, RefundState
from refunds import calling_off
from refunds.policy.published import profiles
from tests import factories
from tests.admin.conftest import make_payment
from tests.helpers.disputes import Bank
from tests.helpers.suppliers import ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db
S = OrderState
TEN_MINUTES = 600


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def paid_order(*, profile: str = "default 2026-11", hold: int = TEN_MINUTES, imeis=(factories.IMEI,)) -> Order:
    """A paid order under a profile, with its captured payment."""
    draft = factories.make_draft(imeis=imeis)
    consent = factories.consent(refund_profile=profile, hold_seconds=hold)
    purchase = factories.place_purchase(
        draft, email=factories.ADA, language="en", consent=consent, is_demo=True, actor=factories.CUSTOMER
    )
    factories.paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=clock.now())
    order = purchase.orders.order_by("position").first()
    make_payment(order)
    Payment.objects.update(amount=purchase.total)
    return order


def call_off(order: Order) -> Refund | None:
    return calling_off.call_off(order.pk, actor=factories.CUSTOMER)


def state_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


# --- The hold


@pytest.mark.parametrize(
    ("profile", "kind", "seconds"),
    [
        ("default", "unlock", 600), ("default", "check", 0), ("default", "topup", 0),
        ("doctorsim", "unlock", 600), ("doctorsim", "check", 0),
        ("imei_org", "unlock", 0), ("imei_server", "unlock", 0), ("imeishop", "unlock", 0),
    ],
)  # fmt: skip
def test_the_hold_is_the_profiles_for_the_kind(settings, profile, kind, seconds):
    settings.REFUND_PROFILE, settings.DEMO_HOLD_SECONDS = profile, None

    assert calling_off.hold_seconds(kind) == seconds


def test_the_demo_shortens_the_hold_and_never_makes_one(settings):
    settings.DEMO_HOLD_SECONDS = 5

    assert [calling_off.hold_seconds(kind) for kind in ("unlock", "check")] == [5, 0]


def test_a_paid_order_waits_for_the_end_of_its_hold(monday):
    order = paid_order()
    assert order.forward_after == order.next_action_at == monday + timedelta(minutes=10)

    with clock.frozen(monday + timedelta(minutes=9, seconds=59)):
        forwarding.forward(order.pk)
        assert asked("place") == 0
    with clock.frozen(monday + timedelta(minutes=10)):
        forwarding.forward(order.pk)
    assert asked("place") == 1


def test_an_order_keeps_the_terms_of_its_checkout(settings, monday):
    order = paid_order(profile="imei_org 2026-11", hold=0)
    settings.REFUND_PROFILE = "default"

    with pytest.raises(Refused) as refused:
        call_off(order)

    assert refused.value.code == "D_CANCELLATION_NOT_OFFERED"
    assert state_of(order) == S.PAID


def test_an_unknown_profile_is_found_at_start(settings):
    settings.REFUND_PROFILE = "nobody"

    assert "refunds.E001" in [error.id for error in checks.run_checks()]


# --- The act


@pytest.mark.parametrize(
    ("profile", "minutes", "rule"),
    [
        ("default", 9, "default 2026-11 G_CANCEL_WINDOW DSIM-CANCEL-2"),
        ("default", 60, "default 2026-11 G_CANCEL_BEFORE_SUBMISSION IMEISHOP-4"),
        ("doctorsim", 9, "doctorsim 2026-11 G_CANCEL_WINDOW DSIM-CANCEL-2"),
        ("doctorsim", 60, "doctorsim 2026-11 G_STATUTORY_WITHDRAWAL DSIM-CANCEL-1"),
        ("imei_server", 0, "imei_server 2026-11 G_CANCEL_BEFORE_SUBMISSION HOUSE-BEFORE-SUBMISSION"),
        ("imeishop", 0, "imeishop 2026-11 G_CANCEL_BEFORE_SUBMISSION"),
    ],
)
def test_what_has_not_left_is_cancelled_and_refunded_by_a_named_rule(monday, profile, minutes, rule):
    order = paid_order(profile=f"{profile} 2026-11")

    with clock.frozen(monday + timedelta(minutes=minutes)):
        refund = call_off(order)

    assert refund.rule.startswith(rule)
    assert (refund.money, refund.order, refund.state) == (order.money, order, RefundState.REQUESTED)
    assert state_of(order) == S.CANCELLED
    told = order.events.get(kind="order.called_off")
    assert (told.data["rule"], told.actor_kind, told.ip) == (refund.rule, "customer", "192.0.2.7")
    assert set(profiles()) >= {profile}


def test_one_order_of_a_bulk_purchase_gets_its_own_price_back():
    order = paid_order(imeis=(factories.imei(1), factories.imei(2), factories.imei(3)))

    assert call_off(order).money == order.money
    assert sorted(order.purchase.orders.values_list("state", flat=True)) == [S.CANCELLED, S.PAID, S.PAID]


def test_pressing_again_refunds_nothing_more():
    order = paid_order()

    assert call_off(order) == call_off(order)
    assert Refund.objects.count() == 1
    assert OutgoingMail.objects.filter(kind="cancelled").count() == 1


def test_a_free_order_is_cancelled_without_a_refund():
    order = paid_order()
    Order.objects.filter(pk=order.pk).update(price=0)

    assert call_off(order) is None
    assert state_of(order) == S.CANCELLED


@pytest.mark.parametrize("state", [S.SUBMITTING, S.UNCERTAIN, S.IN_PROCESS])
def test_what_has_left_is_not_cancelled(state):
    order = paid_order()
    factories.bring_to(order, state)

    with pytest.raises(Refused) as refused:
        call_off(order)

    assert refused.value.code == "left"
    assert (state_of(order), Refund.objects.count()) == (state, 0)


@pytest.mark.parametrize("state", [S.COMPLETED, S.UNAVAILABLE, S.NOT_FOUND])
def test_what_is_over_is_not_cancelled(state):
    order = paid_order()
    factories.bring_to(order, state)

    with pytest.raises(Refused, match="over"):
        call_off(order)


def test_on_hold_it_can_be_cancelled_unless_a_supplier_may_have_it():
    order, bought = paid_order(), paid_order()
    lifecycle.hold(order.pk, reason=HoldReason.NEEDS_APPROVAL, actor=SYSTEM)
    factories.bring_to(bought, S.UNCERTAIN)
    lifecycle.hold(bought.pk, reason=HoldReason.UNCERTAIN_PURCHASE, actor=SYSTEM)

    assert call_off(order) is not None
    with pytest.raises(Refused, match="left"):
        call_off(bought)


def test_what_came_back_from_a_supplier_unbought_can_be_cancelled():
    order = paid_order()
    attempt = factories.make_attempt(order)
    lifecycle.start_submitting(order.pk, attempt=attempt, actor=SYSTEM)
    factories.set_outcome(attempt, AttemptOutcome.NOT_SENT)
    lifecycle.back_to_paid(order.pk, "order.not_sent", retry_at=clock.now(), actor=SYSTEM)

    assert call_off(order) is not None


def test_a_frozen_purchase_is_for_staff():
    order = paid_order()
    freezing.freeze(order.purchase_id, reason=HoldReason.FRAUD_WARNING, actor=SYSTEM)

    with pytest.raises(Refused) as refused:
        call_off(order)

    assert refused.value.code == "H_FRAUD_REVIEW"
    assert (state_of(order), Refund.objects.count()) == (S.ON_HOLD, 0)


def test_during_a_dispute_nothing_is_cancelled_or_refunded():
    order = paid_order()
    payment = order.purchase.payments.get()
    payment.disputes.create(
        provider_ref="dp_1", amount=payment.amount, currency=payment.currency, state=DisputeState.NEEDS_RESPONSE,
        provider_status="needs_response", opened_at=clock.now() - timedelta(minutes=1),
    )  # fmt: skip

    with pytest.raises(Refused):
        call_off(order)

    assert (state_of(order), Refund.objects.count()) == (S.PAID, 0)


class CoarseBank(Bank):
    """Moves money in whole fives only."""

    def step(self, currency: str) -> Decimal:
        return Decimal(5)


def test_a_refund_that_is_refused_undoes_the_cancellation(settings):
    order = paid_order()
    settings.PAYMENT_PROVIDERS = {"stripe": "tests.refunds.test_calling_off.CoarseBank"}

    with pytest.raises(Refused, match="in steps of"):
        call_off(order)

    assert (state_of(order), order.events.filter(kind="order.called_off").count()) == (S.PAID, 0)


def given_back(order: Order, amount: Decimal) -> None:
    """Staff gave some of the price back before."""
    grounds = Grounds("goodwill", "said sorry", override="the customer insists")
    money = Money(amount, order.currency)
    payment = Payment.objects.get()
    refunding.request_refund(
        payment.pk, money=money, grounds=grounds, actor=staff(1, "sam@example.com"), order_id=order.pk
    )


def test_an_order_given_back_in_part_is_cancelled_and_gives_the_rest():
    order = paid_order()
    given_back(order, Decimal("5.00"))

    refund = call_off(order)

    assert (state_of(order), refund.money) == (S.CANCELLED, Money(Decimal("13.90"), "EUR"))
    mail = mailing.render(OutgoingMail.objects.get(kind="cancelled"))
    for text in (mail.text, mail.html):
        assert "€13.90 go back" in " ".join(text.split())
    assert call_off(order) == refund


def test_one_given_back_whole_is_cancelled_by_that_and_not_for_money():
    order = paid_order()
    given_back(order, order.price)

    assert state_of(order) == S.CANCELLED
    assert call_off(order) == Refund.objects.get()


def test_without_a_payment_of_record_it_is_cancelled_and_owed():
    order = paid_order()
    Payment.objects.update(state=PaymentState.PARKED, captured_at=None)

    assert call_off(order) is None
    assert state_of(order) == S.CANCELLED


# --- The pages


def cancel_page(order: Order) -> str:
    return reverse("order-cancel", args=[order.secret])


def mail_link(order: Order) -> str:
    return reverse("cancel-by-mail", args=[token_of(order)])


PAGES = pytest.mark.parametrize("address", [cancel_page, mail_link])


@PAGES
def test_reading_asks_and_pressing_cancels(client, address):
    order = paid_order()

    for method in (client.get, client.head, client.get):
        assert method(address(order)).status_code == 200
    assert state_of(order) == S.PAID
    page = client.get(address(order)).content.decode()
    assert "We hold your order back for 10 minutes" in page
    assert "€18.90" in page

    answer = client.post(address(order))
    assert (answer.status_code, answer["Location"]) == (303, address(order))
    assert state_of(order) == S.CANCELLED
    done = client.get(address(order)).content.decode()
    assert "is cancelled" in done
    assert "DSIM-CANCEL-2" in done
    assert "Yes, cancel" not in done


@PAGES
def test_too_late_is_said_with_what_happens_instead(client, address):
    order = paid_order()
    factories.bring_to(order, S.IN_PROCESS)

    assert "has left for our supplier" in client.get(address(order)).content.decode()
    answer = client.post(address(order))

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "was not cancelled" in page
    assert "we ask the supplier to stop" in page
    assert "Yes, cancel" not in page


def test_other_methods_and_a_missing_form_token_are_refused():
    order, strict = paid_order(), Client(enforce_csrf_checks=True)

    assert strict.post(cancel_page(order)).status_code == 403
    assert strict.post(mail_link(order)).status_code == 403
    assert Client().put(cancel_page(order)).status_code == 405
    assert state_of(order) == S.PAID


def test_the_mails_link_opens_nothing_but_cancelling(client):
    order = paid_order()

    page = client.get(mail_link(order))

    assert order.secret not in page.content.decode()
    assert order.identifier not in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "noindex" in page["X-Robots-Tag"]


def test_a_link_that_was_made_up_or_is_too_old_cancels_nothing(client, monday):
    order = paid_order()
    link = mail_link(order)
    other = paid_order()

    forged = link.replace(order.number, other.number)
    assert forged != link
    for bad in (forged, link[:-3] + "x/", reverse("cancel-by-mail", args=[order.number])):
        assert client.post(bad).status_code == 404
    with clock.frozen(monday + timedelta(days=31)):
        assert client.post(link).status_code == 410
    assert {state_of(order), state_of(other)} == {S.PAID}
    with clock.frozen(monday + timedelta(days=30)):
        assert client.post(link).status_code == 303


def test_the_confirmation_offers_it_while_the_order_is_held(monday):
    order = paid_order()
    mail = order.purchase.mails.get()

    assert "You can cancel" in mailing.render(mail).text
    assert f"/cancel/{order.number}" in mailing.render(mail).html
    with clock.frozen(monday + timedelta(minutes=11)):
        assert "You can cancel" not in mailing.render(mail).text


def test_the_mail_about_it_says_that_the_money_is_on_its_way():
    order = paid_order()
    call_off(order)

    message = mailing.render(OutgoingMail.objects.get(kind="cancelled"))

    assert "€18.90 go back" in message.text
    assert "€18.90 go back" in message.html
    assert "Our staff arrange it" not in message.text


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (S.AWAITING_PAYMENT, ""), (S.PAID, "Cancel this order"), (S.ON_HOLD, "Cancel this order"),
        (S.SUBMITTING, "Too late to cancel"), (S.UNCERTAIN, "Too late to cancel"),
        (S.IN_PROCESS, "Too late to cancel"), (S.COMPLETED, ""), (S.CANCELLED, ""), (S.EXPIRED, ""),
    ],
)  # fmt: skip
def test_the_orders_page_says_how_it_stands(client, state, says):
    order = factories.make_order(state)

    page = client.get(order.get_absolute_url()).content.decode()

    assert says in page
    assert ("cancel-title" in page) == bool(says)


def test_without_cancelling_in_the_terms_there_is_no_button(client):
    order = paid_order(profile="imei_org 2026-11", hold=0)

    page = client.get(order.get_absolute_url()).content.decode()

    assert "offer no cancellation" in page
    assert "Cancel this order" not in page
    assert client.post(cancel_page(order)).status_code == 409
