"""Staff read what customers wrote, and act on it."""

from __future__ import annotations

import pytest

from orders.models import InboundMail, Order
from orders.models.inbound_mail import InboundVerdict
from orders.states import OrderState as S
from tests import factories
from tests.admin.conftest import make_payment
from tests.admin.test_actions import buttons, press, said, url_of
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import change_url, list_url
from unlockshop.kernel.work import WorkState


@pytest.fixture
def mail(db) -> InboundMail:
    order = factories.make_order(S.PAID)
    make_payment(order)
    return InboundMail.objects.create(
        key="k", purchase=order.purchase, sender=factories.ADA, subject="<b>bold</b>", verdict="staff",
        text=f"<script>alert(1)</script>\n> http://shop/orders/{order.secret}/", reason="unclear", owner="staff",
        due_at=clock.now(), work_state=WorkState.DONE, next_action_at=None,
    )  # fmt: skip


def test_what_was_written_is_text_and_opens_no_page(admin, mail):
    page = admin.get(change_url(mail)).content.decode()

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "&lt;b&gt;bold" in page
    assert mail.purchase.orders.get().secret not in page
    assert "Not clear what it asks for" in admin.get(list_url(InboundMail, "task=open")).content.decode()


def test_cancel_what_it_asks_for(admin, mail):
    answer = press(admin, mail, "cancel", evidence="she asks to cancel")

    assert "is cancelled" in said(answer)
    assert Order.objects.get().state == S.CANCELLED
    mail.refresh_from_db()
    assert (mail.closed_at is None, mail.outcome) == (False, "she asks to cancel")
    assert buttons(admin, mail) == set()


def test_done(admin, mail):
    assert press(admin, mail, "done", evidence="").status_code == 422
    press(admin, mail, "done", evidence="answered by hand")

    mail.refresh_from_db()
    assert mail.outcome == "answered by hand"
    assert Order.objects.get().state == S.PAID


def test_without_a_purchase_there_is_nothing_to_cancel(admin, mail):
    InboundMail.objects.update(purchase=None)
    mail.refresh_from_db()

    assert buttons(admin, mail) == {"done"}


def test_what_needs_nobody_has_no_buttons(admin, mail):
    InboundMail.objects.update(verdict=InboundVerdict.AUTOMATIC, reason="")
    mail.refresh_from_db()

    assert buttons(admin, mail) == set()


def test_who_may_only_look_does_nothing(support, mail):
    assert support.get(change_url(mail)).status_code == 200
    assert support.post(url_of(mail, "cancel"), {"evidence": "I want to"}).status_code == 403


def test_further_mails_of_the_sender_are_counted_and_read_on_the_task(admin, mail):
    InboundMail.objects.create(
        key="k2", purchase=mail.purchase, sender=factories.ADA, text="<b>second</b> mail", verdict="joined", task=mail,
        work_state=WorkState.DONE, next_action_at=None, is_truncated=True,
    )  # fmt: skip
    before = mail.further
    InboundMail.objects.filter(pk=mail.pk).update(further=before + 1)

    page = admin.get(change_url(mail)).content.decode()

    assert "Further mails of the sender: 1" in page
    assert "&lt;b&gt;second&lt;/b&gt; mail" in page
    joined = InboundMail.objects.get(key="k2")
    assert "Only its beginning is kept" in admin.get(change_url(joined)).content.decode()
    assert buttons(admin, joined) == set()
