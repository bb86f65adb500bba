"""Checks that cost nothing: no payment, a task for the browser, so many a day, and never another kind of service."""

from __future__ import annotations

import base64
import html
import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import altcha
import pytest
from django.test import Client

from orders import lifecycle, routing
from orders.models import Draft, Order, OrderEvent, OutgoingMail, Purchase
from orders.placing import place_purchase
from orders.right_data import RightData
from orders.states import OrderState
from payments.models import LedgerEntry, Payment, Refund
from refunds import correcting
from services.models import Offer, Service
from tests import factories
from tests.helpers.checkout import draft_at_check, send_details, send_device, shown_on
from tests.helpers.checks import check_service
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import free_checks, proof_of_work

pytestmark = pytest.mark.django_db

NO_PROOF = "Your browser has not solved the small task that keeps machines away."


@pytest.fixture(autouse=True)
def _easy_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_of_work, "ROUNDS", 1)


def free_service(**changes: Any) -> Service:
    return check_service(**{"price": "0", **changes})


def task_on(page: str) -> dict[str, Any]:
    found = re.search(r'data-proof="([^"]+)"', page)
    assert found
    task: dict[str, Any] = json.loads(html.unescape(found[1]))
    return task


def solved(task: dict[str, Any]) -> str:
    challenge = altcha.Challenge.from_dict(task)
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return base64.b64encode(json.dumps({"challenge": task, "solution": solution.to_dict()}).encode()).decode()


def order_free(client: Client, draft: Draft, **changes: Any) -> Any:
    """Open the page, solve its task, press the button."""
    address = f"/checkout/{draft.token}/check/"
    page = client.get(address)
    proof = changes.pop("proof", None)
    data = {"shown": shown_on(page), "proof": solved(task_on(page.content.decode())) if proof is None else proof}
    return client.post(address, {**data, **changes})


def test_it_is_ordered_without_a_payment_and_starts(client: Client) -> None:
    draft = draft_at_check(client, free_service())

    response = order_free(client, draft)

    purchase = Purchase.objects.get()
    assert response["Location"] == purchase.get_absolute_url()
    order = purchase.orders.get()
    assert (purchase.total, order.state) == (Decimal(0), OrderState.PAID)
    assert purchase.paid_at is not None
    assert not Payment.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert "Nothing to pay" in client.get(purchase.get_absolute_url()).content.decode()
    assert "Payment received" not in client.get(order.get_absolute_url()).content.decode()
    assert OrderEvent.objects.filter(order=order, kind="order.free").count() == 1


def test_it_goes_to_the_supplier_although_it_costs_the_shop(client: Client) -> None:
    service = free_service()
    order_free(client, draft_at_check(client, service))
    order = Order.objects.get()

    assert isinstance(routing.next_step(order), Offer)


def test_its_report_arrives_and_its_failure_refunds_nothing(client: Client) -> None:
    for ending in (OrderState.COMPLETED, OrderState.UNAVAILABLE):
        order = factories.make_order(ending, service=free_service(), imeis=(factories.imei(3),))
        assert order.state == ending
        kind = "completed" if ending == OrderState.COMPLETED else "unavailable"
        assert OutgoingMail.objects.filter(order=order, kind=kind).count() == 1
    assert not Refund.objects.exists()
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("proof", ["", "nonsense", "e30=", "x" * 5000, "é", base64.b64encode(b"[" * 3000).decode()])
def test_without_the_task_nothing_is_ordered(client: Client, proof: str) -> None:
    response = order_free(client, draft_at_check(client, free_service()), proof=proof)

    assert response.status_code == 422
    assert NO_PROOF in response.content.decode()
    assert not Purchase.objects.exists()


def test_a_proof_counts_for_its_draft_alone(client: Client) -> None:
    first, second = (draft_at_check(client, free_service(), factories.imei(n)) for n in (1, 2))
    proof = solved(task_on(client.get(f"/checkout/{first.token}/check/").content.decode()))

    assert order_free(client, second, proof=proof).status_code == 422
    assert order_free(client, first, proof=proof).status_code == 303


def test_a_proof_is_taken_once() -> None:
    proof = solved(json.loads(proof_of_work.task("one")))

    assert [proof_of_work.is_solved(proof, "one") for _ in range(2)] == [True, False]


def test_an_easier_an_altered_and_an_old_task_are_refused() -> None:
    task = json.loads(proof_of_work.task("one"))
    easier = {**task, "parameters": {**task["parameters"], "keyPrefix": ""}}
    unsigned = {"parameters": task["parameters"]}
    other = {**task, "parameters": {**task["parameters"], "data": {"for": "x"}}}
    for forged in (easier, other):
        assert not proof_of_work.is_solved(solved(forged), "one")
    document = {"challenge": unsigned, "solution": {"counter": 0, "derivedKey": "00"}}
    assert not proof_of_work.is_solved(base64.b64encode(json.dumps(document).encode()).decode(), "one")
    proof = solved(task)
    with clock.frozen(clock.now() + proof_of_work.VALID_FOR + timedelta(seconds=1)):
        assert not proof_of_work.is_solved(proof, "one")


@pytest.mark.parametrize("counter", [-1, 2**40, "0", None, True, 1.5])
def test_a_counter_that_is_none_is_refused(counter: Any) -> None:
    task = json.loads(proof_of_work.task("one"))
    document = {"challenge": task, "solution": {"counter": counter, "derivedKey": "00"}}

    assert not proof_of_work.is_solved(base64.b64encode(json.dumps(document).encode()).decode(), "one")


@pytest.mark.usefixtures("monday")
def test_so_many_a_day_for_a_visitor(client: Client, settings: Any) -> None:
    settings.FREE_CHECKS_PER_DAY = 2
    service = free_service()
    answers = [order_free(client, draft_at_check(client, service, factories.imei(n))).status_code for n in range(1, 4)]
    assert answers == [303, 303, 429]
    assert Purchase.objects.count() == 2


def free_from(address: str) -> Any:
    """A free check of the one device, ordered from an address."""
    client = Client(REMOTE_ADDR=address)
    return order_free(client, draft_at_check(client, free_service()))


@pytest.mark.usefixtures("monday")
def test_so_many_a_day_for_a_device_and_a_visitor(settings: Any) -> None:
    settings.FREE_CHECKS_PER_DEVICE = 1

    answers = [free_from("192.0.2.1"), free_from("192.0.2.1")]

    assert [answer.status_code for answer in answers] == [303, 429]
    assert "No more free checks today" in answers[1].content.decode()


@pytest.mark.usefixtures("monday")
def test_a_stranger_does_not_use_up_what_a_devices_owner_may_have(settings: Any) -> None:
    settings.FREE_CHECKS_PER_DEVICE, settings.FREE_CHECKS_PER_DEVICE_BY_ALL = 1, 2

    stranger = [free_from("192.0.2.1").status_code for _tries in range(4)]

    assert stranger == [303, 429, 429, 429]
    assert free_from("192.0.2.2").status_code == 303


@pytest.mark.usefixtures("monday")
def test_so_many_a_day_for_a_device_whoever_asks(settings: Any) -> None:
    settings.FREE_CHECKS_PER_DEVICE, settings.FREE_CHECKS_PER_DEVICE_BY_ALL = 1, 2

    assert [free_from(f"192.0.2.{n}").status_code for n in range(1, 4)] == [303, 303, 429]


def test_free_checks_are_ordered_one_by_one(client: Client) -> None:
    both = f"{factories.imei(1)}\n{factories.imei(2)}"

    response = send_device(client, free_service(), "", several=both)

    assert response.status_code == 422
    assert "Free checks are ordered one device at a time." in response.content.decode()


def test_no_door_orders_several_at_no_cost() -> None:
    draft = factories.make_draft(free_service(), imeis=(factories.imei(1), factories.imei(2)))

    with pytest.raises(Refused) as refused:
        place_purchase(
            draft, email=factories.ADA, language="en", consent=factories.consent(), is_demo=True,
            actor=factories.CUSTOMER,
        )  # fmt: skip

    assert refused.value.code == "one_free"
    assert not Purchase.objects.exists()


def test_several_that_become_free_on_the_way_go_back_to_their_devices(client: Client) -> None:
    service = check_service(price="5.00")
    send_device(client, service, "", several=f"{factories.imei(1)}\n{factories.imei(2)}")
    draft = Draft.objects.get()
    send_details(client, draft)
    service.prices.update(amount=0, recheck_amount=None)

    response = client.get(f"/checkout/{draft.token}/check/")

    assert response["Location"] == f"{service.get_absolute_url()}?draft={draft.token}"
    assert not Purchase.objects.exists()


def test_a_free_check_is_not_turned_into_one_of_another_device(client: Client) -> None:
    order_free(client, draft_at_check(client, free_service()))
    order = Order.objects.select_related("purchase").get()
    other = RightData(factories.imei(2), "imei", {})

    assert correcting.standing(order).code == "free"
    with pytest.raises(Refused) as refused:
        correcting.submit(order.pk, other, shown="at_once", actor=factories.CUSTOMER)
    assert refused.value.code == "free"
    assert Order.objects.get().identifier == order.identifier


def test_what_costs_something_has_no_task(client: Client) -> None:
    draft = draft_at_check(client, check_service(price="5.00"))
    page = client.get(f"/checkout/{draft.token}/check/").content.decode()

    assert "data-proof" not in page
    assert "proof.js" not in page
    assert not free_checks.is_free(draft)


def test_without_javascript_the_page_names_the_way_out(client: Client) -> None:
    draft = draft_at_check(client, free_service())
    page = client.get(f"/checkout/{draft.token}/check/").content.decode()

    assert "<noscript>" in page
    assert "Free checks need JavaScript" in page
    assert '"/services/?kind=check"' in page


@pytest.mark.parametrize("kind", ["unlock", "topup"])
def test_nothing_but_a_check_is_free(kind: str) -> None:
    draft = factories.make_draft(factories.make_service(price="0", kind=kind))

    with pytest.raises(Refused) as refused:
        place_purchase(
            draft,
            email=factories.ADA,
            language="en",
            consent=factories.consent(),
            is_demo=True,
            actor=factories.CUSTOMER,
        )
    assert refused.value.code == "not_free"
    assert not Purchase.objects.exists()


def test_the_catalogue_says_free(client: Client) -> None:
    service = free_service()

    for address in (service.get_absolute_url(), "/services/"):
        page = client.get(address).content.decode()
        assert re.search(r'class="price[^"]*">\s*Free\s*<', page), address
        assert "€0.00" not in page


def test_a_cancelled_one_refunds_nothing() -> None:
    order = factories.make_order(OrderState.PAID, service=free_service())
    lifecycle.cancel(order.pk, reason="asked", actor=SYSTEM)

    assert not Refund.objects.exists()
