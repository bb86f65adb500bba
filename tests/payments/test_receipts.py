"""A receipt says what was bought, paid and given back, and adds up."""

from __future__ import annotations

import io
from decimal import Decimal

import pypdf
import pytest
from django.test import Client
from django.utils import translation

from orders.models import Order, Purchase
from orders.states import OrderState
from payments import receipts
from payments.models import Payment, Refund
from payments.receipt_pdf import render_pdf
from payments.states import DisputeState as D
from payments.states import RefundState
from tests import factories
from tests.helpers.disputes import captured
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db


def bought(devices: int = 1) -> tuple[Order, Payment]:
    purchase = factories.make_purchase(imeis=tuple(factories.imei(n) for n in range(devices)), paid=True)
    order = purchase.orders.order_by("pk").first()
    factories.bring_to(order, OrderState.UNAVAILABLE)
    return order, captured(order)


def given_back(payment: Payment, amount: str, *, order: Order | None = None, state=RefundState.SUCCEEDED) -> Refund:
    return Refund.objects.create(
        payment=payment, order=order, amount=Decimal(amount), currency=payment.currency, state=state, rule="r",
        reason="x", actor_kind="staff", provider_ref=f"re_{amount}", succeeded_at=clock.now(),
    )  # fmt: skip


def words(purchase: Purchase) -> str:
    content = render_pdf(receipts.receipt_of(purchase))
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def test_the_lines_add_up_to_what_was_paid_and_kept():
    order, payment = bought(2)
    given_back(payment, "10.00", order=order)
    given_back(payment, "3.00", state=RefundState.FAILED)

    found = receipts.receipt_of(order.purchase)

    assert sum(line.price for line in found.orders) == found.total.amount == order.purchase.total
    assert [refund.amount for refund in found.refunds] == [Decimal("10.00")]
    assert found.kept.amount == found.total.amount - 10


@pytest.mark.parametrize(
    ("state", "withdrawn", "taken", "kept"),
    [(D.LOST, True, "8.00", "5.90"), (D.NEEDS_RESPONSE, True, "8.00", "5.90"), (D.WON, False, None, "13.90")],
)
def test_what_the_bank_took_back_was_not_kept(client: Client, state, withdrawn, taken, kept):
    order, payment = bought()
    given_back(payment, "5.00", order=order)
    payment.disputes.create(
        provider_ref="dp_1", state=state, amount=Decimal("8.00"), currency="EUR", funds_withdrawn=withdrawn,
        closed_at=None if state == D.NEEDS_RESPONSE else clock.now(),
    )  # fmt: skip

    found = receipts.receipt_of(order.purchase)

    assert found.kept.amount == Decimal(kept)
    assert (found.taken_back and found.taken_back.amount) == (taken and Decimal(taken))
    page = client.get(f"{order.purchase.get_absolute_url()}receipt/").content.decode()
    for text in (page, words(order.purchase)):
        assert ("Taken back by the bank for a dispute" in text) == (taken is not None)
        assert ("–€8.00" in text) == (taken is not None)
        assert f"€{kept}" in text


def test_the_bank_takes_no_more_than_was_paid():
    order, payment = bought()
    given_back(payment, "18.90", order=order)
    payment.disputes.create(
        provider_ref="dp_1", state=D.LOST, amount=Decimal("18.90"), currency="EUR", funds_withdrawn=True,
        closed_at=clock.now(),
    )  # fmt: skip

    assert receipts.receipt_of(order.purchase).kept.amount == 0


def test_a_purchase_that_is_not_paid_has_none(client: Client):
    purchase = factories.make_purchase()

    with pytest.raises(Refused) as refused:
        receipts.receipt_of(purchase)

    assert refused.value.code == "not_paid"
    for address in ("receipt/", "receipt.pdf"):
        response = client.get(f"{purchase.get_absolute_url()}{address}")
        assert (response.status_code, response["Location"]) == (302, purchase.get_absolute_url())


def test_the_paper_names_seller_buyer_lines_and_refunds(settings):
    settings.SELLER_NAME, settings.SELLER_TAX_ID = "Unlock Ltd", "GB1"
    settings.SELLER_ADDRESS = "1 High Street| London "
    order, payment = bought()
    given_back(payment, "5.00", order=order)

    text = words(order.purchase)

    for each in ("Unlock Ltd", "1 High Street", "London", "GB1", order.purchase.number, order.number, "card"):
        assert each in text
    assert "Given back on" in text
    assert order.purchase.email in text


def test_a_letter_that_the_font_lacks_is_its_number_and_arabic_is_told_in_english():
    order, _payment = bought()
    Order.objects.filter(pk=order.pk).update(service_name="解锁 <b>")

    with translation.override("ar"):
        text = words(order.purchase)

    assert "[U+89E3]" in text
    assert "<b>" in text
    assert "Receipt" in text


def test_the_same_receipt_is_the_same_file():
    order, _payment = bought()

    first, second = (render_pdf(receipts.receipt_of(order.purchase)) for _ in range(2))

    assert first == second


def test_many_lines_take_more_pages():
    order, _payment = bought(60)

    content = render_pdf(receipts.receipt_of(order.purchase))

    assert len(pypdf.PdfReader(io.BytesIO(content)).pages) > 1
    assert words(order.purchase).count("U-") == 60


def test_the_page_and_the_file_behind_the_secret_link(client: Client):
    order, payment = bought()
    Order.objects.filter(pk=order.pk).update(service_name="<script>alert(1)</script>")
    given_back(payment, "5.00", order=order)
    address = order.purchase.get_absolute_url()

    page = client.get(f"{address}receipt/")
    file = client.get(f"{address}receipt.pdf")

    body = page.content.decode()
    assert "<script>alert" not in body
    assert "Given back on" in body
    assert "noindex" in body
    assert (file["Content-Type"], file["Content-Disposition"]) == (
        "application/pdf", f'attachment; filename="receipt-{order.purchase.number}.pdf"'
    )  # fmt: skip
    assert file.content.startswith(b"%PDF")
    assert f"{address}receipt/" in client.get(address).content.decode()
    assert client.get("/purchases/nobody/receipt/").status_code == 404
