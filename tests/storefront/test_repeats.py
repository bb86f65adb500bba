"""Nobody pays for what is under way already without having been asked, and nobody learns more than that."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from orders import dispatching, paying
from orders.models import Draft, Order, Purchase
from orders.states import HoldReason, OrderState
from services.models import Service, ServicePrice
from tests.factories import BEN, IMEI, imei, make_order, make_service, make_supplier
from tests.helpers.checkout import draft_at_check, send_check, send_details, send_device, shown_on
from tests.helpers.suppliers import ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.storefront import checkout_repeats, checkout_views

pytestmark = pytest.mark.django_db

S = OrderState
NOTE = "This work is already under way for this device."
TICK = "Order it again all the same. It costs the full price once more."
MISSING = "This is already under way. Tick the box if you want it again all the same, or change your order."


def check_page(client: Client, draft: Draft) -> str:
    response = client.get(f"/checkout/{draft.token}/check/")
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def under_way(**changes: Any) -> Order:
    """Somebody else's order that is paid and at the supplier."""
    return make_order(S.IN_PROCESS, email=BEN, **changes)


def placed_by_ada() -> list[Order]:
    return list(Order.objects.exclude(purchase__email=BEN).order_by("pk"))


def test_without_the_tick_nothing_is_ordered(client: Client) -> None:
    other = under_way()
    draft = draft_at_check(client, other.service)
    page = check_page(client, draft)
    assert page.count(NOTE) == page.count(TICK) == 1
    assert MISSING not in page

    refused = send_check(client, draft)

    assert refused.status_code == 422
    page = html.unescape(refused.content.decode())
    assert page.count(MISSING) == 2, "in the summary and at the box"
    assert '<a href="#id_again">' in page
    assert 'id="id_again_error"' in page
    assert 'aria-invalid="true"' in page
    assert "<title>Error:" in "".join(page.split("\n")).replace("<title> ", "<title>")
    assert not placed_by_ada()


def test_with_the_tick_it_is_ordered_on_purpose(client: Client) -> None:
    draft = draft_at_check(client, under_way().service)

    assert send_check(client, draft, again="on").status_code == 303

    order = Purchase.objects.get(draft_token=draft.token).orders.get()
    assert order.is_recheck
    assert TICK in order.purchase.checklist


def test_nothing_is_told_of_the_other_order(client: Client) -> None:
    other = under_way()
    alone = check_page(client, draft_at_check(client, make_service()))
    page = check_page(client, draft_at_check(client, other.service))

    for secret in (other.number, other.purchase.number, other.secret, BEN, "in process", "Ordered on", "Bought"):
        assert secret.casefold() not in page.casefold(), secret
    assert "under way" not in alone


def test_nothing_is_asked_for_what_is_not_under_way(client: Client) -> None:
    service = make_service(fields=(("imei", "imei"), ("model", "model")))
    make_order(S.AWAITING_PAYMENT, service=service, email=BEN)
    make_order(S.COMPLETED, service=service, email=BEN)
    Order.objects.update(answers={"model": "A"})
    make_order(S.IN_PROCESS, service=service, email=BEN, imeis=(imei(1),))
    for model, device in (("A", IMEI), ("B", IMEI), ("A", imei(1))):
        draft = draft_at_check(client, service, device, answer_model=model)
        assert NOTE not in check_page(client, draft), (model, device)
        assert send_check(client, draft).status_code == 303
    assert [order.is_recheck for order in placed_by_ada()] == [False, False, False]


def test_in_a_basket_every_device_is_named_and_one_tick_counts_for_all(client: Client) -> None:
    service = under_way(imeis=(imei(1),)).service
    under_way(service=service, imeis=(imei(3),))
    draft = draft_at_check(client, service, several="\n".join(imei(serial) for serial in (1, 2, 3)))
    page = check_page(client, draft)
    assert page.count(NOTE) == 2
    assert "Order all 2 marked ones again all the same. Each costs the full price once more." in page
    items = [item.split("</li>")[0] for item in page.split('<li class="stack stack--tight">')[1:]]
    assert [NOTE in item for item in items] == [False, True, False, True]
    assert send_check(client, draft).status_code == 422

    assert send_check(client, draft, again="on").status_code == 303

    orders = Purchase.objects.get(draft_token=draft.token).orders.order_by("position")
    assert [order.is_recheck for order in orders] == [False, True, False, True]


@pytest.mark.parametrize(
    ("kind", "note", "tick", "missing"),
    [
        (
            {"kind": "check", "result_kind": "report"},
            "This check is already under way for this device.",
            "Check it again all the same. A re-check is a fresh look and costs the full price.",
            "Tick the box if you want a re-check, or change the device.",
        ),
        (
            {"kind": "topup", "result_kind": "topup", "fields": (("msisdn", "msisdn"),), "country": "FR"},
            "This top-up is already under way for this phone number.",
            TICK,
            MISSING,
        ),
    ],
)
def test_checks_and_topups_have_words_of_their_own(
    client: Client, kind: dict[str, Any], note: str, tick: str, missing: str
) -> None:
    service = make_service(**kind)
    number = "+33612345678" if kind["kind"] == "topup" else IMEI
    first = draft_at_check(client, service, number)
    send_check(client, first)
    paying.mark_purchase_paid(Purchase.objects.get().pk, actor=SYSTEM, at=clock.now())

    draft = draft_at_check(client, service, number)

    page = check_page(client, draft)
    assert note in page
    assert tick in page
    assert missing in html.unescape(send_check(client, draft).content.decode())


def test_paid_by_somebody_after_the_page_was_opened_is_asked(client: Client) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    page = client.get(f"/checkout/{draft.token}/check/")
    under_way(service=service)

    refused = client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page)})

    assert refused.status_code == 422
    assert html.unescape(refused.content.decode()).count(MISSING) == 2
    assert not placed_by_ada()


def test_paid_by_somebody_in_the_middle_of_placing_is_asked(client: Client, monkeypatch: Any) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    page = client.get(f"/checkout/{draft.token}/check/")
    place = checkout_views.place_purchase

    def place_later(*args: Any, **kwargs: Any) -> Purchase:
        under_way(service=service)
        return place(*args, **kwargs)

    monkeypatch.setattr(checkout_views, "place_purchase", place_later)
    refused = client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page)})

    assert refused.status_code == 409
    assert html.unescape(refused.content.decode()).count(MISSING) == 2
    assert not placed_by_ada()
    monkeypatch.undo()
    assert (
        client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(refused), "again": "on"}).status_code == 303
    )
    assert placed_by_ada()[0].is_recheck


def test_a_tick_for_one_device_is_none_for_another(client: Client) -> None:
    service = under_way(imeis=(imei(1),)).service
    draft = draft_at_check(client, service, imei(1), several=imei(2))
    page = client.get(f"/checkout/{draft.token}/check/")
    under_way(service=service, imeis=(imei(2),))

    answer = client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page), "again": "on"})

    assert answer.status_code == 409
    assert "Something has changed" in answer.content.decode()
    assert not placed_by_ada()


def test_the_tick_outlasts_a_new_price_but_not_another_device(client: Client) -> None:
    service = under_way().service
    draft = draft_at_check(client, service)
    page = client.get(f"/checkout/{draft.token}/check/")
    assert "checked" not in page.content.decode()
    ServicePrice.objects.update(amount="25.00")

    priced = client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page), "again": "on"})

    assert (priced.status_code, "checked" in priced.content.decode()) == (409, True)
    send_device(client, service, imei(1), query=f"?draft={draft.token}")
    send_device(client, service, IMEI, query=f"?draft={draft.token}")
    draft.refresh_from_db()
    assert draft.repeats == []
    assert "checked" not in check_page(client, draft)


def test_two_placed_at_once_and_then_both_paid_the_second_is_held(client: Client, settings: Any) -> None:
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()
    service = make_service(supplier=make_supplier(adapter="scripted"))
    for _ in range(2):
        draft = draft_at_check(client, service)
        assert send_check(client, draft).status_code == 303
    for purchase in Purchase.objects.order_by("pk"):
        paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=clock.now())

    dispatching.dispatch()

    first, second = placed_by_ada()
    assert (first.state, second.state, second.hold_reason) == (S.IN_PROCESS, S.ON_HOLD, HoldReason.SAME_DEVICE)
    assert asked("place") == 1


def test_what_is_wanted_again_is_bought_again(client: Client, settings: Any) -> None:
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()
    service = make_service(supplier=make_supplier(adapter="scripted"))
    for ticks in ({}, {"again": "on"}):
        draft = draft_at_check(client, service)
        assert send_check(client, draft, **ticks).status_code == 303
        paying.mark_purchase_paid(Purchase.objects.latest("pk").pk, actor=SYSTEM, at=clock.now())
        dispatching.dispatch()

    assert [order.state for order in placed_by_ada()] == [S.IN_PROCESS, S.IN_PROCESS]
    assert asked("place") == 2


# --- How often it answers


def ready(service: Service, *devices: str) -> Draft:
    """A draft before its last page, made by a visitor from elsewhere."""
    elsewhere = Client(REMOTE_ADDR="198.51.100.9")
    draft = draft_at_check(elsewhere, service, devices[0], several="\n".join(devices[1:]))
    send_details(elsewhere, draft)
    return draft


def status_of(client: Client, draft: Draft) -> int:
    return client.get(f"/checkout/{draft.token}/check/").status_code


def test_thirty_devices_in_ten_minutes_are_answered(client: Client, monday: Any) -> None:
    service = under_way().service
    assert (checkout_repeats.LIMIT, checkout_repeats.WINDOW_SECONDS) == (30, 600)
    basket = ready(service, *(imei(serial) for serial in range(29)))
    known, unknown = ready(service, IMEI), ready(service, imei(90))
    assert [status_of(client, draft) for draft in (basket, known, unknown)] == [200, 200, 429]

    late = client.get(f"/checkout/{unknown.token}/check/")
    assert late["Retry-After"] == "600"
    sent = client.post(f"/checkout/{unknown.token}/check/", {"shown": "x" * 64})
    assert sent.status_code == 429
    assert [status_of(client, draft) for draft in (basket, known)] == [200, 200], "told already"
    assert status_of(Client(REMOTE_ADDR="198.51.100.7"), unknown) == 200


def test_a_large_basket_is_answered_whole(client: Client, monday: Any) -> None:
    service = make_service()
    large = ready(service, *(imei(serial) for serial in range(50)))
    assert status_of(client, large) == 200
    assert send_check(client, large).status_code == 303
    assert status_of(client, ready(service, imei(90))) == 429


def test_the_answers_of_a_changed_basket_are_counted_anew(client: Client, monday: Any) -> None:
    service = make_service()
    draft = ready(service, *(imei(serial) for serial in range(30)))
    assert status_of(client, draft) == 200
    send_device(Client(), service, imei(90), query=f"?draft={draft.token}")
    assert status_of(client, draft) == 429
