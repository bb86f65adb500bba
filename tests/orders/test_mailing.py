"""Mails leave once, through the real SendGrid library, into the demo mailbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import requests

from orders import mailing
from orders.models import OutgoingMail, Purchase
from orders.models.mail import MailKind
from orders.states import OrderState
from tests import factories
from tests.helpers.processes import running_bank
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db


def owed() -> OutgoingMail:
    return OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True, email=f"{clock.now():%f}@example.com"))


def inbox(bank: str, mail: OutgoingMail) -> list[dict]:
    return requests.get(f"{bank}/mailbox.json", params={"to": mail.to}, timeout=5).json()


def fresh(mail: OutgoingMail) -> OutgoingMail:
    return OutgoingMail.objects.get(pk=mail.pk)


def test_a_mail_is_sent_once_however_often_it_is_rung(bank):
    mail = owed()

    for _ in range(5):
        mailing.deliver(mail.pk)

    assert len(inbox(bank, mail)) == 1
    assert fresh(mail).work_state == WorkState.DONE
    assert fresh(mail).provider_id
    assert mail.purchase.orders.get().events.filter(kind="mail.sent").count() == 1


def test_a_mail_says_who_it_is_for_and_carries_our_id(bank):
    mail = owed()

    mailing.deliver(mail.pk)

    received = inbox(bank, mail)[0]
    assert received["recipient"] == mail.to
    assert received["custom_args"]["mail_id"] == mail.key
    assert received["subject"].startswith(mail.purchase.orders.get().number)
    assert mail.purchase.orders.get().number in received["text"]


def test_a_mail_lists_the_devices_as_the_basket_does():
    purchase = factories.make_purchase(imeis=tuple(map(factories.imei, (3, 1, 2))), paid=True)

    text = mailing.render(purchase.mails.get()).text

    numbers = list(purchase.orders.order_by("position").values_list("number", flat=True))
    assert sorted(numbers, key=text.index) == numbers


def test_a_mail_owed_twice_is_a_database_error():
    mail = owed()

    with pytest.raises(Exception, match=r"(?i)unique"):
        mailing.queue_for_purchase(mail.purchase, MailKind.CONFIRMATION)


def test_a_dead_mail_provider_is_tried_again_later(settings):
    settings.SENDGRID_HOST = "http://127.0.0.1:9"
    mail = owed()

    mailing.deliver(mail.pk)

    assert fresh(mail).work_state == WorkState.QUEUED
    assert fresh(mail).send_started_at is None
    assert fresh(mail).next_action_at > clock.now()


@pytest.mark.parametrize("accepted", [True, False])
def test_a_lost_worker_is_cleared_up_by_asking_the_provider(bank, accepted):
    mail = owed()
    if accepted:
        mailing.transport().send(mailing.render(mail))
    OutgoingMail.objects.filter(pk=mail.pk).update(send_started_at=clock.now())

    with clock.frozen(clock.now() + timedelta(minutes=1)):
        mailing.deliver(mail.pk)
        assert fresh(mail).work_state == WorkState.QUEUED, "not before it has settled"
    with clock.frozen(clock.now() + timedelta(minutes=20)):
        mailing.deliver(mail.pk)
        mailing.deliver(mail.pk)

    assert fresh(mail).work_state == WorkState.DONE
    assert len(inbox(bank, mail)) == 1


def test_a_provider_that_does_not_answer_is_asked_again_and_staff_decide_at_last(settings):
    mail = owed()
    OutgoingMail.objects.filter(pk=mail.pk).update(send_started_at=clock.now())
    settings.SENDGRID_HOST = "http://127.0.0.1:9"

    with clock.frozen(clock.now() + timedelta(minutes=20)):
        mailing.deliver(mail.pk)
        assert fresh(mail).work_state == WorkState.QUEUED
        assert fresh(mail).send_started_at is not None, "it may be out; it is not simply sent again"
    OutgoingMail.objects.filter(pk=mail.pk).update(attempts=mailing.ATTEMPTS_CAP)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        mailing.deliver(mail.pk)
        assert fresh(mail).work_state == WorkState.UNCERTAIN


def test_where_the_provider_cannot_tell_staff_decide(settings, bank):
    mail = owed()
    OutgoingMail.objects.filter(pk=mail.pk).update(send_started_at=clock.now())
    right_key, settings.SENDGRID_API_KEY = settings.SENDGRID_API_KEY, "SG.not-allowed"

    with clock.frozen(clock.now() + timedelta(minutes=20)):
        mailing.deliver(mail.pk)
    assert fresh(mail).work_state == WorkState.UNCERTAIN

    settings.SENDGRID_API_KEY = right_key
    assert mailing.send_again(mail)
    mailing.deliver(mail.pk)
    assert fresh(mail).work_state == WorkState.DONE
    assert not mailing.send_again(mail)


@pytest.mark.parametrize(
    ("fault", "state"), [("429", WorkState.QUEUED), ("500", WorkState.QUEUED), ("timeout_after", WorkState.QUEUED)]
)
def test_faults_of_the_mail_provider_never_double_a_mail(tmp_path: Path, settings, fault, state):
    faults = f'{{"{fault}": 1, "timeout_seconds": 0.2}}'
    mail = owed()
    with running_bank(tmp_path, "--mail-faults", faults) as url:
        settings.SENDGRID_HOST = url
        mailing.deliver(mail.pk)
        assert fresh(mail).work_state == state
    with running_bank(tmp_path) as url:
        settings.SENDGRID_HOST = url
        with clock.frozen(clock.now() + timedelta(hours=1)):
            for _ in range(3):
                mailing.deliver(mail.pk)
        assert len(inbox(url, mail)) == 1
    assert fresh(mail).work_state == WorkState.DONE


def test_a_refused_mail_waits_for_staff(settings, bank):
    settings.SENDGRID_API_KEY = "SG.wrong"
    mail = owed()

    mailing.deliver(mail.pk)

    assert fresh(mail).work_state == WorkState.NEEDS_STAFF


@pytest.mark.parametrize(
    "state", [OrderState.COMPLETED, OrderState.UNAVAILABLE, OrderState.NOT_FOUND, OrderState.CANCELLED]
)
def test_every_end_has_a_mail_that_renders(state):
    order = factories.make_order(state)

    message = mailing.render(order.mails.get())

    assert message.subject.startswith(order.number)
    assert order.secret in message.text
    assert order.secret in message.html
    assert ("12345678" in message.text) == (state == OrderState.COMPLETED)
    assert "12345678" not in message.subject


def test_purchase_survives_its_mails(bank):
    mail = owed()
    mailing.deliver(mail.pk)

    with pytest.raises(Exception, match=r"(?i)protect|referenc"):
        Purchase.objects.get(pk=mail.purchase_id).delete()
