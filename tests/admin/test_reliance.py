"""Staff see what may be relied on at a supplier, and carry requests to cancel on by hand."""

from __future__ import annotations

import pytest

from orders import cancelling
from orders.models import CancelRequest, SupplierAttempt
from orders.states import CancelState, OrderState
from services import proving
from services.models import Capability, CapabilityProof, Supplier
from services.proving import Figures
from tests import factories
from tests.admin.test_actions import buttons, press, said
from tests.admin.test_catalogue import supplier_form
from tests.admin.test_queues import queues
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db
FINDS, ABSENT = Capability.FINDS_BY_REFERENCE, Capability.ABSENT_IS_PROOF


def page(client, row):
    return client.get(change_url(row)).content.decode()


def test_the_suppliers_page_says_what_it_rests_on(admin):
    supplier = factories.make_supplier()
    assert "not proven yet" in page(admin, supplier)
    proving.earn(supplier.pk, FINDS, Figures(30, [7] * 30))
    proving.override(supplier.pk, ABSENT, reason="their support says so", actor=SYSTEM)
    told = page(admin, supplier)
    assert "with 30 observations" in told
    assert "listed within 7 s" in told
    assert "switched on by shop" in told
    proving.refute(supplier.pk, FINDS, "REF-1 was accepted, and is not listed")
    told = page(admin, supplier)
    assert told.count("REF-1 was accepted, and is not listed") == 2, "what rests on it falls too"


def test_capabilities_are_no_boxes_on_the_form(admin):
    form = supplier_form(finds_by_reference="on", absent_is_proof="on", refuses_duplicates="on", settle_seconds=1)
    admin.post(list_url(Supplier) + "add/", form)
    supplier = Supplier.objects.get()
    assert not any(getattr(supplier, each) for each in Capability)
    assert supplier.settle_seconds == 600


def test_staff_switch_with_a_reason(admin):
    supplier = factories.make_supplier()
    assert press(admin, supplier, "switch-on", capability=ABSENT, reason="").status_code == 422
    assert press(admin, supplier, "switch-on", capability="api_key", reason="because").status_code == 422
    press(admin, supplier, "switch-on", capability=ABSENT, reason="measured by hand")
    assert Supplier.objects.get().absent_is_proof
    assert CapabilityProof.objects.get().actor_label == "sam@example.com"
    assert "switch-off" in buttons(admin, supplier)
    press(admin, supplier, "switch-off", capability=ABSENT, reason="not sure any more")
    assert not Supplier.objects.get().absent_is_proof


def test_losses_come_up_on_the_landing_page(admin):
    assert not {"Suppliers that lost a capability this week", "Bought for nothing this week"} & queues().keys()
    order = factories.make_order(OrderState.COMPLETED)
    attempt = order.supplier_attempts.get()
    SupplierAttempt.objects.filter(pk=attempt.pk).update(is_late_surprise=True)
    proving.override(attempt.supplier_id, ABSENT, reason="hope", actor=SYSTEM)
    proving.refute(attempt.supplier_id, ABSENT, "it was there")
    assert queues()["Suppliers that lost a capability this week"].count == 1
    assert queues()["Bought for nothing this week"].count == 1
    assert admin.get(queues()["Bought for nothing this week"].href).status_code == 200


def test_a_supplier_without_the_call_is_written_to_by_hand(admin):
    order = factories.make_order(OrderState.IN_PROCESS)
    answer = press(admin, order, "ask-to-cancel", reason="the customer changed her mind")
    assert "write to it" in said(answer)
    row = CancelRequest.objects.get()
    assert "the customer changed her mind" in page(admin, order)
    assert buttons(admin, order) == {"hold", "delay"}
    assert queues()["Requests to cancel at suppliers"].count == 1

    press(admin, row, "written", note="ticket 4711")
    assert "ticket 4711" in page(admin, row)
    assert press(admin, row, "answered", answer="to_ask", evidence="ticket 4711").status_code == 422
    press(admin, row, "answered", answer="refused", evidence="ticket 4711")
    order.refresh_from_db()
    assert order.state == OrderState.IN_PROCESS
    press(admin, row, "answered", answer="agreed", evidence="ticket 4711, second answer")

    order.refresh_from_db()
    row.refresh_from_db()
    assert (order.state, row.state) == (OrderState.CANCELLED, CancelState.AGREED)
    assert buttons(admin, row) == set()


def test_a_stale_answer_is_not_taken(admin):
    order = factories.make_order(OrderState.IN_PROCESS)
    row = cancelling.request(order.pk, reason="please", actor=SYSTEM)
    form = admin.get(change_url(row).removesuffix("change/") + "do/answered/")
    cancelling.settle(row.pk, CancelState.REFUSED, message="", actor=SYSTEM)
    version = form.context["form"].fields["version"].initial
    answer = admin.post(
        change_url(row).removesuffix("change/") + "do/answered/",
        {"version": version, "answer": "agreed", "evidence": "panel"},
    )
    assert "changed meanwhile" in said(answer)
    order.refresh_from_db()
    assert order.state == OrderState.IN_PROCESS


def test_support_reads_and_does_not_act(support):
    order = factories.make_order(OrderState.IN_PROCESS)
    row = cancelling.request(order.pk, reason="please", actor=SYSTEM)
    assert support.get(change_url(row)).status_code == 200
    assert buttons(support, row) == set()
