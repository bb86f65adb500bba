"""What the mail provider tells: only the authentic is stored, once, before it is acknowledged; and what follows."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db import InterfaceError, OperationalError

from orders import mail_events, mailing, tasks
from orders.models import ContactTask, MailEvent, OutgoingMail
from orders.models.mail import MailTrouble
from orders.models.mail_event import MailVerdict
from tests import factories
from tests.helpers.mail_events import ADDRESS, BOUNCE, SEED, event, post, send
from unlockshop.demo import mail_events as demo
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _key(settings):
    settings.SENDGRID_WEBHOOK_KEYS = [demo.public_key("former"), demo.public_key(SEED)]


def sent_mail(**kwargs) -> OutgoingMail:
    mail = OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True, **kwargs))
    OutgoingMail.objects.filter(pk=mail.pk).update(
        work_state=WorkState.DONE, sent_at=clock.now(), next_action_at=None, text="as sent"
    )
    return fresh(mail)


def fresh(mail: OutgoingMail) -> OutgoingMail:
    return OutgoingMail.objects.get(pk=mail.pk)


def tell(client, *events) -> None:
    """Post and let a worker apply."""
    assert post(client, list(events)).status_code == 200
    mail_events.process_due(MailEvent.objects.earliest("pk").pk)


def kinds(mail: OutgoingMail) -> list[str]:
    return list(mail.purchase.orders.get().events.filter(kind__startswith="mail.").values_list("kind", flat=True))


# --- The door


def test_an_authentic_post_is_stored_before_it_is_acknowledged(client):
    mail = sent_mail()

    assert post(client, [event(mail), event(mail, **BOUNCE)]).status_code == 200

    assert set(MailEvent.objects.values_list("kind", "mail_key", "work_state")) == {
        ("delivered", mail.key, WorkState.QUEUED),
        ("bounce", mail.key, WorkState.QUEUED),
    }
    assert "192.0.2.9" not in json.dumps(list(MailEvent.objects.values_list("payload", flat=True)))


def refused(response) -> bool:
    return response.status_code == 400 and not MailEvent.objects.exists()


def test_without_a_signature_nothing_is_stored(client):
    body = json.dumps([event()]).encode()
    good = demo.headers(SEED, body, int(clock.now().timestamp()))

    for missing in ("X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"):
        assert refused(send(client, body, {name: value for name, value in good.items() if name != missing}))
        for junk in ("", "!", "AAAA", "٣٣٣", "1" * 40, "-5", "1e9"):
            assert refused(send(client, body, {**good, missing: junk.encode().decode("latin-1")}))


def test_another_key_is_refused(client):
    assert refused(post(client, [event()], seed="somebody"))


def test_one_changed_byte_is_refused(client):
    body = json.dumps([event()]).encode()
    headers = demo.headers(SEED, body, int(clock.now().timestamp()))

    assert refused(send(client, body.replace(b"delivered", b"delivereD"), headers))
    assert send(client, body, headers).status_code == 200


@pytest.mark.parametrize("seconds", [301, 86_400, 8_000_000, -301])
def test_an_old_or_early_timestamp_is_refused(client, monday, seconds):
    assert refused(post(client, [event()], age=timedelta(seconds=seconds)))


def test_the_last_second_of_the_tolerance_is_good(client, monday):
    assert post(client, [event()], age=timedelta(seconds=300)).status_code == 200


def test_both_keys_are_good_while_one_replaces_the_other(client):
    assert post(client, [event()], seed="former").status_code == 200


def test_without_a_key_nothing_is_authentic(client, settings):
    settings.SENDGRID_WEBHOOK_KEYS = []

    assert refused(post(client, [event()]))


def test_a_replay_changes_nothing(client):
    mail = sent_mail()
    for _ in range(4):
        tell(client, event(mail, **BOUNCE))

    assert MailEvent.objects.get().deliveries == 4
    assert kinds(mail) == ["mail.bounced"]
    assert ContactTask.objects.count() == 1


def test_the_same_news_under_another_id_is_told_once(client):
    mail = sent_mail()

    for n in range(3):
        tell(client, event(mail, sg_event_id=f"other-{n}"))

    assert MailEvent.objects.count() == 3
    assert kinds(mail) == ["mail.delivered"]


def test_a_huge_body_is_refused_before_it_is_read(client):
    assert post(client, b"[" + b" " * 1024 * 1024 + b"]").status_code == 413


def test_another_content_type_and_method_are_refused(client):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert post(client, [event()], **{"Content-Type": kind}).status_code == 415
    assert client.get(ADDRESS).status_code == 405
    assert not MailEvent.objects.exists()


@pytest.mark.parametrize("body", [b" ", b"{}", b"null", b"[", b"\xff\xfe", b"[" * 100_000, b'{"event": "delivered"}'])
def test_what_is_no_list_of_events_is_refused_although_signed(client, body):
    assert refused(post(client, body))


def test_a_thousand_events_with_a_bad_one(client):
    mail = sent_mail()
    good = [event(mail, event="processed", sg_event_id=f"event-{n:04}") for n in range(999)]
    bad = {"event": ["bounce"], "sg_event_id": "\ud800", "mail_id": 7}

    assert post(client, [*good[:500], bad, *good[500:]]).status_code == 200
    tasks.process_mail_events(MailEvent.objects.order_by("pk").first().pk)

    assert MailEvent.objects.filter(kind="processed", work_state=WorkState.DONE).count() == 999
    lost = MailEvent.objects.exclude(kind="processed").get()
    assert (lost.verdict, lost.work_state) == (MailVerdict.UNREADABLE, WorkState.NEEDS_STAFF)
    assert "bounce" in lost.payload["raw"]


@pytest.mark.parametrize(
    "strange",
    [
        7, None, [], "x", {}, {"event": "delivered"}, {"sg_event_id": "e"},
        {"event": "delivered", "sg_event_id": "e" * 256},
        {"event": "x\x00", "sg_event_id": "e"},
        {"event": "delivered", "sg_event_id": "e", "timestamp": 1e308, "email": {"a": 1}, "reason": ["\x00"]},
        {"event": "delivered", "sg_event_id": "e", "timestamp": -1, "mail_id": "x" * 5000, "reason": "\x00" * 9000},
    ],
)  # fmt: skip
def test_a_strange_event_is_kept_and_breaks_nothing(client, strange):
    mail = sent_mail()

    tell(client, strange, event(mail))

    assert MailEvent.objects.count() == 2
    assert fresh(mail).delivered_at is not None


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_nothing_is_acknowledged_without_a_commit(client, monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error("the database is away")

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_create", fail)

    assert post(client, [event()]).status_code == 503


def test_a_key_that_is_none_is_found_at_start(settings):
    settings.SENDGRID_WEBHOOK_KEYS = ["nonsense", demo.public_key(SEED)]

    assert [error.id for error in run_checks()] == ["orders.E001"]


# --- What follows


def test_delivered_and_opened_are_on_mail_and_timeline(client, monday):
    mail = sent_mail()
    stamp = int(monday.timestamp())

    tell(client, event(mail, event="processed"), event(mail, timestamp=stamp - 60), event(mail, event="deferred"))
    tell(client, event(mail, event="open", sg_machine_open=True, sg_event_id="robot"))
    assert fresh(mail).opened_at is None
    tell(client, event(mail, event="open", timestamp=stamp - 5))
    tell(client, event(mail, event="open", timestamp=stamp, sg_event_id="again"))

    after = fresh(mail)
    assert after.delivered_at == monday - timedelta(seconds=60)
    assert after.opened_at == monday - timedelta(seconds=5)
    assert kinds(mail) == ["mail.delivered", "mail.opened"]


@pytest.mark.parametrize(
    ("news", "trouble", "column"),
    [
        (BOUNCE, MailTrouble.BOUNCED, "bounced_at"),
        ({**BOUNCE, "type": "blocked"}, MailTrouble.BLOCKED, "bounced_at"),
        ({"event": "dropped", "reason": "Bounced Address"}, MailTrouble.DROPPED, "bounced_at"),
        ({"event": "spamreport"}, MailTrouble.COMPLAINT, "complained_at"),
    ],
)
def test_a_mail_that_came_back_opens_a_task(client, monday, news, trouble, column):
    mail = sent_mail()

    tell(client, event(mail), event(mail, **news))

    after, task = fresh(mail), ContactTask.objects.get()
    assert getattr(after, column) is not None
    assert (after.trouble, task.trouble) == (trouble, trouble)
    assert (task.purchase, task.mail, task.address, task.owner) == (mail.purchase, mail, mail.to, "staff")
    assert task.due_at == monday + timedelta(hours=24)
    assert kinds(mail) == ["mail.delivered", f"mail.{column.removesuffix('_at')}"]


def test_the_customer_reads_that_a_mail_came_back_and_the_public_does_not(client):
    mail = sent_mail()
    tell(client, event(mail, **BOUNCE))
    order = mail.purchase.orders.get()

    assert "A mail to you came back" in client.get(order.get_absolute_url()).content.decode()
    public = client.get("/order-status-tracker/", {"q": order.number}).content.decode()
    assert order.number in public
    assert "came back" not in public


def test_a_purchase_has_one_open_task(client):
    mail = sent_mail()
    order = mail.purchase.orders.get()
    factories.bring_to(order, "completed")
    other = order.mails.get()

    tell(client, event(mail, **BOUNCE), event(other, **BOUNCE))

    assert ContactTask.objects.count() == 1
    assert fresh(other).work_state == WorkState.DONE, "a bounce proves that it was sent"


def test_events_of_nobody_are_let_lie(client):
    tell(client, event(), event(mail_id="P-NOBODY:confirmation:1", sg_event_id="x"))

    assert set(MailEvent.objects.values_list("work_state", "verdict")) == {(WorkState.DONE, MailVerdict.UNKNOWN_MAIL)}


@pytest.mark.parametrize("state", [WorkState.QUEUED, WorkState.UNCERTAIN, WorkState.NEEDS_STAFF, WorkState.CLAIMED])
@pytest.mark.parametrize("kind", ["processed", "delivered", "deferred", "bounce"])
def test_a_mail_of_unknown_outcome_is_settled_by_its_event(client, bank, state, kind):
    mail = OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True))
    started = clock.now() - timedelta(seconds=30)
    OutgoingMail.objects.filter(pk=mail.pk).update(
        work_state=state, send_started_at=started, lease_token="worker", lease_until=clock.now()
    )

    tell(client, event(mail, event=kind))

    after = fresh(mail)
    assert (after.work_state, after.sent_at, after.provider_id) == (WorkState.DONE, started, "abc")
    assert mail.purchase.number in after.text
    assert kinds(mail)[0] == "mail.sent"
    with clock.frozen(clock.now() + timedelta(hours=1)):
        mailing.deliver(mail.pk)
    assert kinds(mail).count("mail.sent") == 1
    assert not mailing.send_again(after)


def test_a_worker_that_was_overtaken_by_the_event_tells_nothing_twice(client, bank, monkeypatch):
    mail = OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True))

    class Slow:
        def send(self, message):
            tell(client, event(mail, event="processed"))
            return "late-answer"

    monkeypatch.setattr(mailing, "transport", Slow)
    mailing.deliver(mail.pk)

    assert kinds(mail) == ["mail.sent"]
    assert fresh(mail).provider_id == "abc"


def test_bulk_purchases_are_told_on_every_order(client):
    mail = sent_mail(imeis=tuple(map(factories.imei, range(5))))

    tell(client, event(mail, **BOUNCE))

    told = [order.events.filter(kind="mail.bounced").count() for order in mail.purchase.orders.all()]
    assert told == [1] * 5


def test_a_template_that_fails_leaves_the_event_for_later(client, monkeypatch):
    mail = OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True))
    monkeypatch.setattr(mailing, "render", lambda _mail: 1 / 0)

    tell(client, event(mail))

    assert MailEvent.objects.get().work_state == WorkState.QUEUED
    assert fresh(mail).delivered_at is None


def test_a_lost_ring_is_rung_again(client):
    mail = sent_mail()
    post(client, [event(mail, sg_event_id=secrets.token_hex(8)) for _ in range(3)])

    tasks.sweep()

    assert MailEvent.objects.filter(work_state=WorkState.QUEUED).count() in {0, 3}
    tasks.process_mail_events(MailEvent.objects.first().pk)
    assert not MailEvent.objects.exclude(work_state=WorkState.DONE).exists()
