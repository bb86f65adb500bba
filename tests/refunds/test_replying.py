"""Cancelling by a reply to the confirmation: only what is clear, authentic and allowed; all else is for staff."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from orders import cancel_words, inbound, mailing, reply_addresses, sendgrid_inbound
from orders.models import CancelRequest, DelayNotice, InboundMail, Order, OutgoingMail
from orders.models.inbound_mail import InboundReason, InboundVerdict
from orders.models.mail import MailKind
from orders.states import HoldReason, OrderState
from payments.models import Refund
from refunds import replying, telling_delays
from refunds.telling_delays import Message
from tests import factories
from tests.helpers.replies import DOMAIN, SECRET, post, reply
from tests.helpers.suppliers import ScriptedClient
from tests.refunds.test_calling_off import paid_order, state_of
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S = OrderState
V = InboundVerdict
R = InboundReason
CLERK = factories.Actor(factories.ActorKind.STAFF, ident="1", label="sam@example.com")


@pytest.fixture(autouse=True)
def _inbound(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    settings.SENDGRID_INBOUND_SECRETS = ["the former word", SECRET]
    settings.INBOUND_MAIL_DOMAIN = DOMAIN
    ScriptedClient.reset()


def arrive(client, fields) -> InboundMail:
    """Post, and let a worker do what it asks for."""
    assert post(client, fields).status_code == 200
    mail = InboundMail.objects.latest("pk")
    for due in replying.due():
        replying.process(due)
    return InboundMail.objects.get(pk=mail.pk)


def became(mail: InboundMail) -> tuple[str, str]:
    return mail.verdict, mail.reason


def answers() -> list[str]:
    return [mailing.render(mail).text for mail in OutgoingMail.objects.filter(kind=MailKind.REPLY)]


# --- The address


def test_the_confirmation_asks_for_replies_to_an_address_of_its_own(settings):
    mail = paid_order().purchase.mails.get()
    message = mailing.render(mail)

    local, _at, domain = message.reply_to.partition("@")
    assert (domain, len(local) <= 64, local == local.lower()) == (DOMAIN, True, True)
    assert "answer this mail" in message.text
    assert reply_addresses.purchase_number(message.reply_to.upper()) == mail.purchase.number
    settings.INBOUND_MAIL_DOMAIN = ""
    assert mailing.render(mail).reply_to == ""
    assert "answer this mail" not in mailing.render(mail).text


def test_other_mails_keep_no_such_address():
    order = factories.make_order(S.COMPLETED)

    assert mailing.render(order.purchase.mails.get(kind=MailKind.COMPLETED)).reply_to == ""


def test_no_other_address_names_a_purchase(settings):
    purchase, other = paid_order().purchase, factories.make_purchase(imeis=(factories.imei(900),))
    good = reply_addresses.address_of(purchase)
    swapped = good.replace(purchase.number.replace("-", "").lower(), other.number.replace("-", "").lower())

    for bad in (
        "",
        "@",
        swapped,
        good[:-1],
        f"x{good}",
        good.replace("reply.", "other."),
        f"reply-p-{'a' * 20}@{DOMAIN}",
    ):
        assert reply_addresses.purchase_number(bad) == ""
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one" * 8
    assert reply_addresses.purchase_number(good) == purchase.number


# --- The door


def test_only_the_secret_address_takes_mail(client, settings):
    fields = reply(paid_order().purchase)

    for wrong in ("x", "the former wor", "%20"):
        assert post(client, fields, f"/webhooks/sendgrid/inbound/{wrong}/").status_code == 404
    assert client.get(f"/webhooks/sendgrid/inbound/{SECRET}/").status_code == 405
    settings.SENDGRID_INBOUND_SECRETS = [""]
    assert post(client, fields).status_code == 404
    assert not InboundMail.objects.exists()


def test_it_is_stored_before_it_is_acknowledged_and_once(client):
    fields = reply(paid_order().purchase)
    for _ in range(3):
        assert post(client, fields).status_code == 200

    mail = InboundMail.objects.get()
    assert (mail.deliveries, mail.work_state, mail.sender) == (3, WorkState.QUEUED, factories.ADA)


def test_another_message_or_address_is_another_mail(client):
    one, other = paid_order().purchase, factories.make_purchase(imeis=(factories.imei(900),), paid=True)
    for fields in (reply(one, "cancel"), reply(one, "hello"), reply(other, "cancel", headers="Message-ID: <1@x>\n")):
        post(client, fields)

    assert InboundMail.objects.count() == 3


def test_without_a_message_id_the_same_mail_is_still_one(client):
    purchase = paid_order().purchase
    for text in ("cancel", "cancel", "cancel it"):
        post(client, reply(purchase, text, headers=""))

    assert InboundMail.objects.count() == 2


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_the_database_it_is_to_be_tried_again(client, monkeypatch, error):
    def away(*_args, **_kwargs):
        raise error

    fields = reply(paid_order().purchase)
    monkeypatch.setattr(inbound, "transaction", type("T", (), {"atomic": staticmethod(away)}))

    assert post(client, fields).status_code == 503


def test_hostile_posts(client):
    address = f"/webhooks/sendgrid/inbound/{SECRET}/"
    for body, kind, status in (
        (b"{}", "application/json", 415),
        (b"x", "multipart/form-data", 400),
        (b"junk", "multipart/form-data; boundary=x", 200),
        (b"a=1", "application/x-www-form-urlencoded", 415),
    ):
        assert client.post(address, body, content_type=kind).status_code == status, (body, kind)
    assert post(client, {str(n): "x" for n in range(201)}).status_code == 400


def test_more_than_any_mail_is_refused_unread(client, settings):
    settings.MAX_BODY_BYTES, settings.MAX_INBOUND_MAIL_BYTES = 4000, 5000

    for _time in range(2):
        assert post(client, reply(text="x" * 6000)).status_code == 413
    assert client.post("/order-status-tracker/", b"x" * 4000, content_type="text/plain").status_code != 413
    other = "/webhooks/sendgrid/inbound/not-the-word/"
    assert client.post(other, {"text": "x" * 6000}).status_code == 404
    for due in replying.due():
        replying.process(due)
    note = InboundMail.objects.get()
    assert became(note) == (V.STAFF, R.NO_PURCHASE)
    assert note.deliveries == 2
    assert "too large to be read" in note.subject
    assert list(inbound.for_staff()) == [note]


def test_the_largest_mail_that_the_provider_takes_is_not_refused(client):
    files = {"attachment1": SimpleUploadedFile("1.mov", b"\xff" * 30 * 1024 * 1024)}

    assert became(arrive(client, {**reply(paid_order().purchase), **files})) == (V.CANCELLED, "")


def test_strange_fields_are_bounded_and_stay_text(client):
    order = paid_order()
    fields = reply(
        order.purchase, "<script>alert(1)</script>\u202e\x00" + "y" * 30_000, subject="s\r\nBcc: x" * 100,
        envelope="[" * 5000, dkim="d" * 9000, SPF="p" * 900, charsets='{"text": "no-such-charset", "subject": 7}',
    )  # fmt: skip
    mail = arrive(client, fields)

    assert became(mail) == (V.STAFF, R.TOO_LONG)  # the address is read from the header where the envelope is none
    assert (len(mail.text), len(mail.subject), len(mail.dkim), len(mail.spf)) == (20_000, 200, 500, 40)
    assert "\u202e" not in mail.text
    assert "\n" not in mail.subject


def test_attachments_are_read_past(client):
    order = paid_order()
    files = {f"attachment{n}": SimpleUploadedFile(f"{n}.jpg", b"\xff" * 700_000) for n in range(3)}

    assert became(arrive(client, {**reply(order.purchase), **files})) == (V.CANCELLED, "")


def test_each_field_is_read_in_its_charset(client):
    fields = reply(paid_order().purchase, "Grüße")
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in (
            *((name, str(value).encode()) for name, value in fields.items() if name not in {"text", "charsets"}),
            ("text", "Grüße".encode("iso-8859-1")),
            ("charsets", b'{"text": "iso-8859-1"}'),
        )
    )
    client.post(f"/webhooks/sendgrid/inbound/{SECRET}/", body + b"--b--\r\n", "multipart/form-data; boundary=b")

    assert InboundMail.objects.get().text == "Grüße"


# --- A clear wish


CLEAR = [
    "cancel",
    "Cancel.",
    "CANCEL!",
    "Please cancel my order",
    "  \n\ncancel\n",
    "Hi,\nplease cancel this order. Thanks!",
    "I'd like to cancel my order, thank you",
    "I’d like to cancel",
    "cancel\n\nOn Mon, 23 Nov 2026, Shop wrote:\n> do not cancel",
    "Cancel please\n\n-- \nAda, who never cancels",
    "cancel\n\n-----Original Message-----\nFrom: Shop\nNo",
    "Cancel\n> You can cancel until 12:10?",
    "cancel\nOn Mon, 23 Nov 2026 at 12:00, Unlockshop\n<orders@x.example> wrote:\n\n> x",
]
UNCLEAR = [
    "",
    "?",
    "hello",
    "Please do not cancel my order",
    "Don't cancel",
    "Can I cancel?",
    "How do I cancel",
    "Is it cancelled?",
    "cancel if it is not done by Friday",
    "Cancel only the second one",
    "I changed my mind, cancel the cancellation",
    "Where is my order? Otherwise cancel",
    "cancel " + "and " * 100,
    "Cancel 2 of them",
    "cancelled my flight today",
    "> cancel",
    "On Monday you wrote:\n> cancel",
    "stop",
    "Cancelar",
    "I want my money back",
]


@pytest.mark.parametrize("text", CLEAR)
def test_a_clear_wish(text):
    assert cancel_words.wish_in(text, ["en"]) == cancel_words.Wish()


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_leaves_a_doubt_is_no_wish(text):
    assert cancel_words.wish_in(text, ["en"]) is None


@pytest.mark.parametrize(
    ("language", "text"), [("es", "Cancelar"), ("de", "Bitte stornieren."), ("fr", "Annulez, merci")]
)
def test_languages_that_the_shop_speaks(language, text):
    assert cancel_words.wish_in(text, [language])
    assert cancel_words.wish_in(text, ["en"]) is None


def test_a_reply_cancels_what_has_not_left(client):
    order = paid_order()

    mail = arrive(client, reply(order.purchase, "Please cancel."))

    assert became(mail) == (V.CANCELLED, "")
    assert (state_of(order), Refund.objects.get().money) == (S.CANCELLED, order.money)
    assert OutgoingMail.objects.filter(kind=MailKind.CANCELLED).count() == 1
    assert answers() == []  # the mail "Cancelled" is the answer
    assert order.events.filter(kind="mail.received").count() == 1


def test_the_same_mail_again_changes_nothing(client):
    order = paid_order()
    fields = reply(order.purchase)
    arrive(client, fields)
    arrive(client, fields)
    replying.process(InboundMail.objects.get().pk)

    assert (Refund.objects.count(), OutgoingMail.objects.filter(kind=MailKind.CANCELLED).count()) == (1, 1)


def test_cancelled_before_it_is_answered(client):
    order = paid_order()
    arrive(client, reply(order.purchase, "cancel"))

    with clock.frozen(clock.now() + replying.LEASE):
        mail = arrive(client, reply(order.purchase, "please cancel"))

    assert became(mail) == (V.ANSWERED, "")
    assert f"{order.number} is cancelled." in answers()[0]


def several() -> list[Order]:
    order = paid_order(imeis=tuple(factories.imei(n) for n in (31, 32, 33)))
    return list(order.purchase.orders.order_by("position"))


def test_a_wish_about_a_purchase_goes_for_all_its_orders(client):
    orders = several()

    assert became(arrive(client, reply(orders[0].purchase))) == (V.CANCELLED, "")
    assert {state_of(order) for order in orders} == {S.CANCELLED}
    assert Refund.objects.count() == 3


def test_a_wish_that_names_an_order_goes_for_that_one(client):
    orders = several()

    arrive(client, reply(orders[0].purchase, f"cancel {orders[1].number}"))

    assert [state_of(order) for order in orders] == [S.PAID, S.CANCELLED, S.PAID]


def test_a_number_of_another_purchase_is_not_clear(client):
    order, other = several()[0], factories.make_order(imeis=(factories.imei(99),))

    assert became(arrive(client, reply(order.purchase, f"cancel {other.number}"))) == (V.STAFF, R.UNCLEAR)
    assert state_of(order) == state_of(other) == S.PAID


def test_some_have_left_and_the_customer_is_told_of_each(client):
    orders = several()
    factories.bring_to(orders[0], S.IN_PROCESS)

    mail = arrive(client, reply(orders[0].purchase))

    assert became(mail) == (V.ANSWERED, "")
    assert [state_of(order) for order in orders] == [S.IN_PROCESS, S.CANCELLED, S.CANCELLED]
    assert CancelRequest.objects.get().order == orders[0]
    (text,) = answers()
    assert f"{orders[0].number} has left for our supplier. We ask it to stop" in text
    assert f"{orders[1].number} is cancelled." in text


def test_where_the_terms_ask_no_supplier_the_answer_says_so(client):
    order = paid_order(profile="doctorsim 2026-11")
    factories.bring_to(order, S.IN_PROCESS)

    assert became(arrive(client, reply(order.purchase))) == (V.ANSWERED, "")
    assert not CancelRequest.objects.exists()
    assert "can no longer be cancelled" in answers()[0]


def test_after_a_notice_of_delay_a_reply_cancels_there(client):
    order = paid_order()
    factories.bring_to(order, S.IN_PROCESS)
    telling_delays.tell(order.pk, Message("closed", None), batch="b", actor=CLERK)

    assert became(arrive(client, reply(order.purchase))) == (V.CANCELLED, "")
    assert (state_of(order), DelayNotice.objects.get().outcome) == (S.CANCELLED, "cancelled")


def test_what_is_over_stays_so(client):
    order = paid_order()
    factories.bring_to(order, S.COMPLETED)

    assert became(arrive(client, reply(order.purchase))) == (V.ANSWERED, "")
    assert "nothing to cancel" in answers()[0]
    assert not Refund.objects.exists()


def test_a_frozen_purchase_is_for_a_person(client):
    order = paid_order()
    order.purchase.frozen_for = HoldReason.FRAUD_WARNING
    order.purchase.save()

    assert became(arrive(client, reply(order.purchase))) == (V.STAFF, R.TERMS)
    assert state_of(order) == S.PAID
    assert "Our staff must look" in answers()[0]


# --- For staff, or for nobody


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied\n", "Auto-Submitted: auto-generated; x=y\n", "Precedence: bulk\n",
        "Precedence: Auto_Reply\n", "X-Autoreply: yes\n", "List-Id: <x>\n", "Return-Path: <>\n", "Return-Path: \n",
        "X-Auto-Response-Suppress: All\n", "x-auto-response-suppress: OOF, AutoReply\n", "Precedence: LIST\n",
        "Auto-Submitted: no\nAuto-Submitted: auto-replied\n", "List-Unsubscribe: <mailto:x@y>\n",
        "Precedence: first\nPrecedence: junk\n", "X-Failed-Recipients: x@y\n",
        "Content-Type: multipart/report; report-type=delivery-status\n",
    ],
)  # fmt: skip
def test_machines_are_stored_and_ignored(client, headers):
    order = paid_order()

    mail = arrive(client, reply(order.purchase, headers=headers))

    assert became(mail) == (V.AUTOMATIC, "")
    assert (state_of(order), answers()) == (S.PAID, [])


@pytest.mark.parametrize(
    "who", [{"envelope_from": ""}, {"envelope_from": "<>"}, {"sender": "MAILER-DAEMON@example.com"}]
)
def test_bounces_are_ignored(client, who):
    order = paid_order()

    assert became(arrive(client, reply(order.purchase, **who))) == (V.AUTOMATIC, "")
    assert state_of(order) == S.PAID


def test_a_person_says_that_no_machine_wrote(client):
    order = paid_order()

    assert became(arrive(client, reply(order.purchase, headers="Auto-Submitted: no\n")))[0] == V.CANCELLED


@pytest.mark.parametrize(
    "sender",
    ["ben@example.com", "ada@example.com.evil.example", "ada+x@example.com", "ada@example.com>, <ben@x.example"],
)
def test_another_sender_is_for_staff(client, sender):
    order = paid_order()

    assert became(arrive(client, reply(order.purchase, sender=sender))) == (V.STAFF, R.OTHER_SENDER)
    assert state_of(order) == S.PAID
    assert OutgoingMail.objects.get(kind=MailKind.REPLY).to == factories.ADA


def test_the_case_of_an_address_is_no_difference(client):
    assert became(arrive(client, reply(paid_order().purchase, sender="ADA@Example.COM")))[0] == V.CANCELLED


@pytest.mark.parametrize(
    ("spf", "dkim", "envelope_from", "is_good"),
    [
        ("pass", "none", "ada@example.com", True), ("pass", "{@example.com : pass}", "x@evil.example", True),
        ("fail", "{@mail.example.com : pass}", "x@evil.example", True), ("none", "none", "ada@example.com", True),
        ("", "", "ada@example.com", True), ("fail", "none", "ada@example.com", False),
        ("softfail", "{@evil.example : pass}", "ada@example.com", False),
        ("neutral", "{@example.com : fail}", "", False),
        ("pass", "{@example.com : fail}", "x@evil.example", False),
    ],
)  # fmt: skip
def test_the_checks_of_origin_count(client, spf, dkim, envelope_from, is_good):
    order = paid_order()
    envelope_from = envelope_from or "bounce@mail.example"

    mail = arrive(client, reply(order.purchase, SPF=spf, dkim=dkim, envelope_from=envelope_from))

    assert became(mail) == ((V.CANCELLED, "") if is_good else (V.STAFF, R.NOT_AUTHENTIC))
    assert (state_of(order) == S.CANCELLED) is is_good


def test_what_is_unclear_is_a_task_and_the_customer_hears_so_once(client):
    order = paid_order()
    first, *others = [
        arrive(client, reply(order.purchase, text)) for text in ("Where is it?", "Still waiting", "Do not cancel")
    ]

    task = inbound.for_staff().get()
    assert became(first) == (V.STAFF, R.UNCLEAR)
    assert [became(mail) for mail in others] == [(V.JOINED, "")] * 2
    assert [mail.task for mail in others] == [task, task]
    assert (task.pk, task.further, task.owner) == (first.pk, 2, "staff")
    assert task.due_at - task.received_at >= inbound.DUE
    assert len(answers()) == 1
    assert "a person reads it" in answers()[0]
    assert order.events.filter(kind="mail.received").count() == 1
    assert state_of(order) == S.PAID


def test_a_strangers_open_task_does_not_silence_the_answer_to_the_customer(client):
    order = paid_order()
    for n in range(3):
        arrive(client, reply(order.purchase, f"hello {n}", sender=f"eve{n}@evil.example"))
    assert len(answers()) == 1

    arrive(client, reply(order.purchase, "Where is it?"))
    arrive(client, reply(order.purchase, "Where is it now?"))

    assert len(answers()) == 2


def test_another_sender_or_purchase_is_another_task_and_so_is_a_mail_after_the_task(client):
    order, other = paid_order(), factories.make_purchase(imeis=(factories.imei(900),), paid=True)
    arrive(client, reply(order.purchase, "hello"))
    arrive(client, reply(order.purchase, "hello there", sender="eve@evil.example"))
    arrive(client, reply(other, "hello you"))
    assert inbound.for_staff().count() == 3
    for n in range(3):
        arrive(client, reply(None, f"no purchase {n}"))
    assert (inbound.for_staff().count(), inbound.for_staff().get(purchase=None).further) == (4, 2)

    inbound.close(inbound.for_staff().first().pk, evidence="answered", actor=CLERK)
    assert became(arrive(client, reply(order.purchase, "and again"))) == (V.STAFF, R.UNCLEAR)
    assert inbound.for_staff().count() == 4


def test_a_clear_wish_is_carried_out_though_a_task_is_open(client):
    order = paid_order()
    arrive(client, reply(order.purchase, "hello"))

    assert became(arrive(client, reply(order.purchase, "cancel"))) == (V.CANCELLED, "")
    assert state_of(order) == S.CANCELLED


def test_the_database_keeps_one_task_for_a_sender(client):
    order = paid_order()
    task = arrive(client, reply(order.purchase, "hello"))
    columns = {"sender": task.sender, "verdict": "staff", "reason": "unclear", "owner": "staff", "due_at": clock.now()}

    for purchase in (order.purchase, None, None):
        made = InboundMail(key=f"k{InboundMail.objects.count()}", purchase=purchase, **columns)
        if purchase is not None or InboundMail.objects.filter(purchase=None).exists():
            with pytest.raises(IntegrityError), transaction.atomic():
                made.save()
        else:
            made.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        InboundMail.objects.filter(pk=task.pk).update(verdict="joined")


@pytest.mark.parametrize("size", [sendgrid_inbound.MOST_OF_FIELD + 1, 1024 * 1024 + 1, 5 * 1024 * 1024])
def test_a_huge_text_is_kept_in_part_and_read_by_a_person(client, size):
    order = paid_order()

    mail = arrive(client, reply(order.purchase, "cancel\n> " + "x" * size, html="y" * size, subject="z" * size))

    assert became(mail) == (V.STAFF, R.TOO_LONG)
    assert (mail.is_truncated, len(mail.text), len(mail.subject)) == (True, sendgrid_inbound.MOST_TEXT, 200)
    assert mail.text.startswith("cancel")
    assert state_of(order) == S.PAID
    assert "a person reads it" in answers()[0]


def test_what_fits_is_not_called_cut(client):
    assert not arrive(client, reply(paid_order().purchase, "hello " * 3000)).is_truncated


def test_fields_that_no_mail_has_are_read_past(client):
    order = paid_order()

    mail = arrive(client, {"extra": "x" * 3_000_000, **reply(order.purchase), "more": "y" * 3_000_000})

    assert (became(mail), mail.is_truncated) == ((V.CANCELLED, ""), False)


def test_what_fails_again_and_again_ends_as_a_task(client, monkeypatch):
    order = paid_order()

    def fails(*_args, **_kwargs):
        raise ValueError

    monkeypatch.setattr(replying.calling_off, "call_off", fails)
    post(client, reply(order.purchase, "cancel"))
    (mail_id,) = replying.due()
    now = clock.now()
    for n in range(replying.ATTEMPTS_CAP + 3):
        with clock.frozen(now + timedelta(hours=2 * n)):
            replying.process(mail_id)

    mail = InboundMail.objects.get()
    assert (became(mail), mail.attempts) == ((V.STAFF, R.FAILED), replying.ATTEMPTS_CAP)
    assert (mail.owner, list(inbound.for_staff())) == ("staff", [mail])
    assert "a person reads it" in answers()[0]
    assert replying.due() == []


@pytest.mark.parametrize("named", [True, False])
def test_a_mail_that_kills_its_workers_ends_as_a_task(client, named):
    """Nothing is written down by a worker that is lost; the count of tries is, before it begins."""
    post(client, reply(paid_order().purchase if named else None, "cancel"))
    InboundMail.objects.update(attempts=replying.ATTEMPTS_CAP)
    (mail_id,) = replying.due()

    replying.process(mail_id)

    assert became(InboundMail.objects.get()) == (V.STAFF, R.FAILED)
    assert not Refund.objects.exists()


def test_a_mail_that_names_no_purchase_is_kept(client):
    assert became(arrive(client, reply())) == (V.STAFF, R.NO_PURCHASE)
    assert answers() == []


def test_a_forged_address_names_none(client):
    order = paid_order()
    to = f"reply-{order.purchase.number.replace('-', '').lower()}-{'a' * 20}@{DOMAIN}"

    assert became(arrive(client, reply(order.purchase, to=to))) == (V.STAFF, R.NO_PURCHASE)
    assert state_of(order) == S.PAID


def test_a_mail_without_text_is_read_from_its_html(client):
    order = paid_order()

    mail = arrive(client, reply(order.purchase, text="", html="<div>Cancel<br></div><style>x</style>"))

    assert became(mail)[0] == V.CANCELLED


def test_staff_cancel_for_the_customer_and_close(client):
    order = paid_order()
    mail = arrive(client, reply(order.purchase, "I have changed my mind about this"))

    said = replying.cancel_for(mail, evidence="she wrote so", actor=CLERK)

    assert said == [f"{order.number} is cancelled."]
    closed = InboundMail.objects.get()
    assert (state_of(order), closed.closed_by, closed.outcome) == (S.CANCELLED, CLERK.label, "she wrote so")
    with pytest.raises(Refused, match="closed already"):
        replying.cancel_for(closed, evidence="again", actor=CLERK)
    with pytest.raises(Refused, match="closed already"):
        inbound.close(mail.pk, evidence="again", actor=CLERK)


@pytest.mark.parametrize(
    "columns", [{"verdict": "staff"}, {"verdict": "lost"}, {"closed_at": "2026-11-23T00:00Z"}, {"key": ""}]
)
def test_the_database_repeats_the_rules(columns):
    mail = InboundMail.objects.create(key=hashlib.sha256(b"1").hexdigest(), next_action_at=clock.now())

    with pytest.raises(IntegrityError), transaction.atomic():
        InboundMail.objects.filter(pk=mail.pk).update(**columns)


def test_a_refund_that_cannot_be_asked_for_is_not_half_done(client, settings):
    order = paid_order()
    settings.PAYMENT_PROVIDERS = {"stripe": "tests.refunds.test_calling_off.CoarseBank"}

    mail = arrive(client, reply(order.purchase))

    assert (state_of(order), Refund.objects.count()) == (S.PAID, 0)
    assert became(mail) == (V.ANSWERED, "")


def test_a_forged_mail_does_not_name_the_task_of_the_real_ones(client):
    order = paid_order()
    forged = arrive(client, reply(order.purchase, "hello", SPF="softfail", dkim="none"))
    assert became(forged) == (V.STAFF, R.NOT_AUTHENTIC)

    real = arrive(client, reply(order.purchase, "hello?"))

    forged.refresh_from_db()
    assert became(real) == (V.JOINED, "")
    assert became(forged) == (V.STAFF, R.UNCLEAR)
