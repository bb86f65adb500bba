"""The mails: what they say, that text and HTML agree, and that foreign text stays text."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from orders import correcting, investigating, lifecycle
from orders.mailing import MailMessage, queue_for_order, queue_for_purchase, render
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from orders.right_data import RightData
from orders.states import Finding, OrderState
from payments import refunding
from payments.models import Refund
from payments.refunding import Grounds
from payments.states import RefundState
from refunds import telling_delays, telling_late
from refunds.telling_delays import Message
from services.models import ResultKind
from tests import factories
from tests.helpers.disputes import captured
from tests.refunds.claims import paid_order
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db

STATE_OF = {
    MailKind.COMPLETED: OrderState.COMPLETED,
    MailKind.UNAVAILABLE: OrderState.UNAVAILABLE,
    MailKind.NOT_FOUND: OrderState.NOT_FOUND,
    MailKind.CANCELLED: OrderState.CANCELLED,
}
ABOUT_THE_MONEY = {MailKind.PAYMENT_FAILED, MailKind.REFUNDED, MailKind.REFUND_RETURNED}
EVIL = '<b>Sorry</b> & "bye"\x00\x07\u202egnp.exe\r\nsecond line'


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.hrefs.append(dict(attrs)["href"] or "")


def links(html: str) -> list[str]:
    parser = _Links()
    parser.feed(html)
    return parser.hrefs


def words(html: str) -> str:
    """The HTML's text, spaces folded."""
    body = re.sub(r"<!--.*?-->|<style>.*?</style>", "", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", body).replace("&amp;", "&").replace("&#x27;", "'").replace("&quot;", '"')
    return " ".join(text.split())


def mail_of(kind: MailKind) -> tuple[MailMessage, Order]:
    """The mail as the shop itself would send it."""
    if kind in STATE_OF:
        order = factories.make_order(STATE_OF[kind])
        return render(OutgoingMail.objects.get(order=order, kind=kind)), order
    if kind == MailKind.DELAYED:
        order = factories.make_order(OrderState.IN_PROCESS)
        message = Message("The supplier is closed.", clock.now() + timedelta(days=2))
        telling_delays.tell(order.pk, message, batch="one", actor=SYSTEM)
        return render(OutgoingMail.objects.get(order=order, kind=kind)), order
    if kind == MailKind.LATE:
        order = factories.make_order(OrderState.IN_PROCESS)
        with clock.frozen(order.result_due_at + timedelta(seconds=1)):
            assert telling_late.tell(order.pk)
        return render(OutgoingMail.objects.get(order=order, kind=kind)), order
    if kind == MailKind.CORRECTION:
        order = factories.make_order(OrderState.PAID, imeis=(factories.imei(1),))
        data = RightData(factories.IMEI, "imei", {})
        order = correcting.correct(order.pk, data, rule="default", actor=factories.CUSTOMER)
        return render(OutgoingMail.objects.get(kind=kind)), order
    if kind == MailKind.INVESTIGATION:
        order = factories.make_order(OrderState.NOT_FOUND)
        row = investigating.ask(order.pk, note="", actor=factories.CUSTOMER)
        finding = Finding.WRONGLY_REJECTED
        investigating.answer(row.pk, finding=finding, text="It was <our> fault.", evidence="panel", actor=SYSTEM)
        return render(OutgoingMail.objects.get(kind=kind)), order
    purchase = factories.make_purchase(paid=kind == MailKind.CONFIRMATION)
    order = purchase.orders.get()
    if kind == MailKind.CLAIM:
        facts = {"title": "Your claim is approved", "text": "The money leaves us soon."}
        return render(queue_for_order(order, kind, facts=facts)), order
    mail = OutgoingMail.objects.filter(kind=kind).first() or queue_for_purchase(purchase, kind)
    return render(mail), order


@pytest.mark.parametrize("kind", MailKind)
def test_mail_is_whole_in_text_and_html(kind: MailKind) -> None:
    message, order = mail_of(kind)

    assert message.subject.startswith((f"{order.number}: ", f"{order.purchase.number}: "))
    for part in (message.text, words(message.html)):
        assert order.number in part
        assert order.service_name in part
        assert "35-417803-685978-9" in part
        assert "help@unlockshop.example" in part
        assert "This is a demo purchase: no money moved." in part
    assert not re.search(r"{[{%#]|\bNone\b|&#|&amp;|&lt;", message.text)
    assert "\n\n\n" not in message.text
    assert not re.search(r"[ \t]+\n", message.text)
    assert "{{" not in message.html
    assert "{%" not in message.html


@pytest.mark.parametrize("kind", MailKind)
def test_mail_has_one_call_to_action_to_the_secret_page(kind: MailKind) -> None:
    message, order = mail_of(kind)

    page = order.purchase if kind in ABOUT_THE_MONEY else order
    url = f"http://testserver{page.get_absolute_url()}"
    assert message.html.count('class="button"') == 1
    assert url in links(message.html)
    assert url in message.text
    own = [href for href in links(message.html) if not href.startswith("mailto:")]
    assert all(href.startswith("http://testserver/") for href in own)


@pytest.mark.parametrize("kind", MailKind)
def test_subject_holds_neither_code_nor_device(kind: MailKind) -> None:
    message, order = mail_of(kind)

    for secret in ("12345678", "not eligible", "no record", order.identifier, order.purchase.email):
        assert secret not in message.subject
    assert "\n" not in message.subject


def test_confirmation_says_what_was_bought_and_what_happens_next(monday: object) -> None:
    message, _ = mail_of(MailKind.CONFIRMATION)

    for part in (message.text, words(message.html)):
        assert "We have received your payment of €18.90" in part
        assert "Price: €18.90" in part
        assert "about 30 hours by the supplier's estimate, not guaranteed" in part
        assert "at the latest by Thursday 26 November, 12:00 UTC; this is guaranteed" in part
        assert "UNLOCKSHOP" in part
        assert "add orders@unlockshop.example to your contacts" in part
        assert "We submit the order to our supplier" in part


def test_confirmation_of_several_orders_lists_each() -> None:
    imeis = tuple(factories.imei(n) for n in range(3))
    purchase = factories.make_purchase(imeis=imeis, paid=True)
    message = render(OutgoingMail.objects.get(purchase=purchase, kind=MailKind.CONFIRMATION))

    assert message.subject == f"{purchase.number}: thank you, your 3 orders are paid"
    assert f"http://testserver{purchase.get_absolute_url()}" in links(message.html)
    for order in purchase.orders.all():
        for part in (message.text, message.html):
            assert part.count(order.number) == 1
            assert part.count(order.secret) == 1


@pytest.mark.parametrize("result_kind", ResultKind)
def test_completed_carries_result_and_instructions(result_kind: ResultKind) -> None:
    service = factories.make_service(result_kind=result_kind)
    order = factories.make_order(OrderState.COMPLETED, service=service)
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.COMPLETED))

    for part in (message.text, words(message.html)):
        assert "CODE: 12345678" in part
        assert "Important:" in part
    assert "    CODE: 12345678\n" in message.text
    assert ("After 3 wrong tries stop and write to us" in message.text) == (result_kind == ResultKind.CODE)


@pytest.mark.parametrize("kind", [MailKind.UNAVAILABLE, MailKind.NOT_FOUND])
def test_undelivered_quotes_the_note_and_says_that_the_money_is_owed_back(kind: MailKind) -> None:
    message, order = mail_of(kind)

    assert f"> {order.supplier_note}" in message.text
    assert order.supplier_note in message.html
    for part in (message.text, words(message.html)):
        assert ("That money is owed back to the payment method" in part) == (kind == MailKind.UNAVAILABLE)
        assert "You paid €18.90 for this order." in part


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("default 2026-11", "By its terms our staff find out first why the device was not found."),
        ("doctorsim 2026-11", "That money is owed back to the payment method you paid with."),
    ],
)
def test_the_money_for_a_device_that_was_not_found_is_told_as_the_terms_decide(rules: str, said: str) -> None:
    order = paid_order(OrderState.NOT_FOUND, profile=rules)
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.NOT_FOUND))

    for part in (message.text, words(message.html)):
        assert said in part
    assert "owed back" not in message.subject


@pytest.mark.parametrize(
    ("given", "says", "is_in_subject"),
    [
        ("10.00", "Of the €18.90 that you paid for this order €8.90 are still owed back", True),
        ("18.90", "The money for this order is on its way back to you.", False),
    ],
)
@pytest.mark.parametrize("kind", [MailKind.UNAVAILABLE, MailKind.NOT_FOUND, MailKind.CANCELLED])
def test_what_was_given_back_before_is_not_owed_again(
    kind: MailKind, given: str, says: str, is_in_subject: bool
) -> None:
    order = factories.make_order(STATE_OF[kind])
    refunding.request_refund(
        captured(order).pk, money=Money(Decimal(given), "EUR"), order_id=order.pk, actor=SYSTEM,
        grounds=Grounds("goodwill", "said sorry"),
    )  # fmt: skip
    message = render(OutgoingMail.objects.get(order=order, kind=kind))

    if kind == MailKind.NOT_FOUND and is_in_subject:
        says = (
            "Of the €18.90 that you paid for this order €8.90 were not given back yet. By its terms our staff find out"
        )
    for part in (message.text, words(message.html)):
        assert says in part
        assert "You paid €18.90 for this order." not in part
    assert ("owed back" in message.subject) == (is_in_subject and kind == MailKind.UNAVAILABLE)
    assert ("your money" in message.subject) == (is_in_subject and kind != MailKind.CANCELLED)


def test_once_it_has_gone_out_the_mail_says_so() -> None:
    order = factories.make_order(OrderState.UNAVAILABLE)
    refund = refunding.request_refund(
        captured(order).pk,
        money=order.money,
        grounds=Grounds("owed", "not delivered"),
        actor=SYSTEM,
        order_id=order.pk,
    )
    Refund.objects.filter(pk=refund.pk).update(
        state=RefundState.SUCCEEDED,
        work_state="done",
        succeeded_at=clock.now(),
        next_action_at=None,
        provider_ref="re_1",
    )

    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.UNAVAILABLE))

    for part in (message.text, words(message.html)):
        assert "The money for this order was given back." in part


def test_cancelled_names_no_reason_of_the_staff() -> None:
    message, _ = mail_of(MailKind.CANCELLED)

    assert "asked for" not in message.text + message.html
    assert "owed back" in message.text


def test_free_order_owes_nothing_back() -> None:
    order = factories.make_order(OrderState.PAID, service=factories.make_service(price="0.00", kind="check"))
    lifecycle.cancel(order.pk, reason="asked for", actor=SYSTEM)
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.CANCELLED))

    assert "owed back" not in message.text + message.html


def test_foreign_text_cannot_become_markup_or_hide() -> None:
    order = factories.make_order(OrderState.IN_PROCESS)
    lifecycle.mark_unavailable(order.pk, note=EVIL, supplier_name="S", actor=SYSTEM)
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.UNAVAILABLE))

    assert "<b>Sorry" not in message.html
    assert "&lt;b&gt;Sorry&lt;/b&gt; &amp;" in message.html
    assert '> <b>Sorry</b> & "bye"gnp.exe\n> second line\n' in message.text
    for part in (message.text, message.html):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", part)


def test_mail_sent_late_says_that_the_order_has_moved_on() -> None:
    order = factories.make_order(OrderState.UNAVAILABLE)
    lifecycle.resubmit(order.pk, reason="new source", actor=SYSTEM)
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.UNAVAILABLE))

    for part in (message.text, words(message.html)):
        assert "Since this mail was written the order has moved on. Its state now: Paid." in part
        assert "owed back to the payment method" not in part


def test_failed_payment_leads_back_to_the_purchase() -> None:
    message, order = mail_of(MailKind.PAYMENT_FAILED)

    assert message.subject == f"{order.purchase.number}: the payment did not go through"
    assert "Nothing was charged for this try." in message.text
    assert "Your order is saved until" in message.text


def test_failed_payment_of_a_purchase_paid_meanwhile_asks_for_nothing() -> None:
    purchase = factories.make_purchase(paid=True)
    message = render(queue_for_purchase(purchase, MailKind.PAYMENT_FAILED))

    for part in (message.text, words(message.html)):
        assert "there is nothing left to do" in part
        assert "is saved until" not in part


def test_a_second_end_of_the_same_kind_is_a_second_mail() -> None:
    order = factories.make_order(OrderState.COMPLETED)

    assert render(queue_for_order(order, MailKind.COMPLETED)).mail_id.endswith(":2")
