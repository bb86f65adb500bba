"""A customer whose mail came back: the address is put right once, what came back goes out again, links stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from orders import mailing, reaching
from orders.models import ContactTask, OutgoingMail
from orders.states import OrderState
from tests import factories
from tests.admin.conftest import make_contact_task
from unlockshop.kernel import clock
from unlockshop.kernel.actors import staff
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db
SAM = staff(1, "sam@example.com", "192.0.2.1")


def test_the_address_is_corrected_and_what_came_back_is_sent_again(bank):
    task = make_contact_task()
    order = task.purchase.orders.get()
    secret = order.secret

    sent = reaching.correct_and_send(task.pk, address="right@example.com", evidence="typing mistake", actor=SAM)

    assert sent == 1
    again = task.mail.replaced_by
    assert (again.to, again.kind, again.key) == ("right@example.com", task.mail.kind, f"{task.mail.key}~2")
    mailing.deliver(again.pk)
    again.refresh_from_db()
    assert secret in again.text
    order.refresh_from_db()
    task.refresh_from_db()
    assert (order.secret, order.purchase.email) == (secret, "right@example.com")
    assert (task.closed_by, task.outcome) == ("sam@example.com", "typing mistake")
    told = order.events.get(kind="mail.readdressed")
    assert (told.data["former"], told.data["to"], told.actor_label) == (task.address, "right@example.com", SAM.label)


def test_mails_still_to_be_sent_follow_the_address():
    task = make_contact_task()
    factories.bring_to(task.purchase.orders.get(), OrderState.COMPLETED)

    reaching.correct_and_send(task.pk, address="right@example.com", evidence="phone", actor=SAM)

    assert OutgoingMail.objects.get(kind="completed").to == "right@example.com"


def test_a_second_bounce_is_a_second_task_and_a_third_mail():
    task = make_contact_task()
    reaching.correct_and_send(task.pk, address="second@example.com", evidence="phone", actor=SAM)
    again = task.mail.replaced_by
    OutgoingMail.objects.filter(pk=again.pk).update(bounced_at=clock.now(), trouble="bounced")
    again.refresh_from_db()

    second = reaching.open_task(again)
    reaching.correct_and_send(second.pk, address="third@example.com", evidence="phone", actor=SAM)

    assert again.replaced_by.key == f"{task.mail.key}~3"
    assert again.replaced_by.to == "third@example.com"


def test_a_closed_task_is_done_once():
    task = make_contact_task()
    reaching.reached(task.pk, evidence="phone", actor=SAM)

    for act in (
        lambda: reaching.reached(task.pk, evidence="phone", actor=SAM),
        lambda: reaching.correct_and_send(task.pk, address="x@example.com", evidence="phone", actor=SAM),
    ):
        with pytest.raises(Refused, match="closed"):
            act()
    assert OutgoingMail.objects.count() == 1
    assert task.purchase.orders.get().events.filter(kind="mail.reached").count() == 1


def test_evidence_is_needed():
    task = make_contact_task()

    with pytest.raises(Refused, match="evidence"):
        reaching.correct_and_send(task.pk, address="x@example.com", evidence=" ", actor=SAM)


def test_the_database_keeps_one_open_task_and_an_outcome_for_each_closed_one():
    task = make_contact_task()
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactTask.objects.create(
            purchase=task.purchase, mail=task.mail, trouble="bounced", address="a@b.c",
            due_at=clock.now() + timedelta(hours=1),
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactTask.objects.filter(pk=task.pk).update(closed_at=clock.now())


def test_staff_do_it_on_the_page(admin):
    task = make_contact_task()
    page = admin.get(f"/admin/orders/contacttask/{task.pk}/change/").content.decode()
    assert "no such user" in page
    assert "Correct the address" in page
    form = admin.get(f"/admin/orders/contacttask/{task.pk}/do/readdress/")
    data = {"version": form.context["form"]["version"].value(), "address": "nonsense", "evidence": "phone"}

    refused = admin.post(f"/admin/orders/contacttask/{task.pk}/do/readdress/", data)
    assert refused.status_code == 422
    data["address"] = "right@example.com"
    done = admin.post(f"/admin/orders/contacttask/{task.pk}/do/readdress/", data, follow=True)

    assert "1 mail is sent there again" in done.content.decode()
    assert OutgoingMail.objects.get(replaces=task.mail).to == "right@example.com"


def test_who_only_looks_has_no_button(support):
    task = make_contact_task()

    page = support.get(f"/admin/orders/contacttask/{task.pk}/change/").content.decode()

    assert "Correct the address" not in page
    assert support.post(f"/admin/orders/contacttask/{task.pk}/do/reached/", {"evidence": "phone"}).status_code == 403
