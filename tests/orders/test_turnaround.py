"""Delivery times: each end counted once, percentiles within their error, few rows read."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction

from orders import lifecycle, turnaround
from orders.models import EndedOrder, Order, ServiceTurnaround
from orders.states import OrderState
from tests import factories
from tests.helpers.race import at_once
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff

S = OrderState
SAM = staff(1, "sam@example.com")


def in_process(count: int, service=None) -> list[Order]:
    service = service or factories.make_service()
    imeis = tuple(factories.imei(serial) for serial in range(count))
    orders = list(factories.make_purchase(service, imeis=imeis, paid=True).orders.order_by("pk"))
    for order in orders:
        factories.bring_to(order, S.IN_PROCESS)
    return orders


def end(order: Order, result: S = S.COMPLETED) -> None:
    if result == S.COMPLETED:
        lifecycle.complete(order.pk, result="Code: 1", supplier_name="Acme", actor=SYSTEM)
    elif result == S.UNAVAILABLE:
        lifecycle.mark_unavailable(order.pk, note="no", supplier_name="Acme", actor=SYSTEM)
    else:
        lifecycle.mark_not_found(order.pk, note="no", supplier_name="Acme", actor=SYSTEM)


@pytest.mark.parametrize("percent", [50, 90, 95, 99, 100])
def test_percentiles_are_within_their_error(percent):
    draw = random.Random(percent)
    for count in [*range(1, 60), 1000, 5000]:
        minutes = [math.exp(draw.uniform(0, math.log(40 * 24 * 60))) for _ in range(count)]
        exact = sorted(minutes)[math.ceil(count * percent / 100) - 1]

        read = turnaround.percentile(Counter(map(turnaround._class_of, minutes)), percent)

        assert abs(read / exact - 1) <= turnaround.RELATIVE_ERROR + 1e-9
    assert turnaround.RELATIVE_ERROR < 0.091


def test_of_nothing_there_is_no_percentile():
    assert turnaround.percentile({}, 50) is None


@pytest.mark.django_db
def test_numbers_of_a_service_and_its_supplier(monday):
    service = factories.make_service()
    orders = in_process(12, service)
    waits = random.Random(7).sample(range(5, 5000), 10)
    for order, minutes in zip(orders, waits, strict=False):
        with clock.frozen(monday + timedelta(minutes=minutes)):
            end(order)
    end(orders[10], S.UNAVAILABLE)
    end(orders[11], S.NOT_FOUND)
    turnaround.fold()

    with clock.frozen(monday + timedelta(days=4)):
        found = turnaround.turnaround([service.pk, 0], 7)
        supplier = service.offers.get().supplier_id
        assert turnaround.supplier_turnaround([supplier], 7) == {supplier: found[service.pk]}
    assert set(found) == {service.pk}
    figures = found[service.pk]
    assert (figures.count, figures.success_rate) == (12, 10 / 12)
    assert figures.average_minutes == pytest.approx(sum(waits) / 10)
    assert figures.median_minutes == pytest.approx(sorted(waits)[4], rel=turnaround.RELATIVE_ERROR)
    assert figures.p90_minutes == pytest.approx(sorted(waits)[8], rel=turnaround.RELATIVE_ERROR)


@pytest.mark.django_db
def test_only_the_asked_days_count(monday):
    service = factories.make_service()
    first, second = in_process(2, service)
    end(first)
    with clock.frozen(monday + timedelta(days=7)):
        end(second, S.UNAVAILABLE)
        turnaround.fold()
        assert turnaround.turnaround([service.pk], 7)[service.pk].count == 1
        assert turnaround.turnaround([service.pk], 8)[service.pk].count == 2
        assert turnaround.turnaround([service.pk], 7)[service.pk].median_minutes is None


@pytest.mark.django_db
def test_an_order_sent_once_more_counts_each_end(monday):
    order = in_process(1)[0]
    end(order, S.NOT_FOUND)
    lifecycle.resubmit(order.pk, reason="again", actor=SAM)
    factories.bring_to(order, S.IN_PROCESS)
    end(order)
    turnaround.fold()
    row = ServiceTurnaround.objects.get()
    assert (row.completed, row.not_found) == (1, 1)


@pytest.mark.django_db
def test_what_no_supplier_had_is_not_counted():
    for state in (S.CANCELLED, S.EXPIRED):
        factories.make_order(state)
    held = factories.make_order(S.ON_HOLD)
    lifecycle.deliver_by_hand(held.pk, result="Code: 1", evidence="phoned", actor=SAM)
    assert not EndedOrder.objects.exists()


@pytest.mark.django_db
def test_folding_again_and_in_small_steps_changes_nothing(monday):
    for order in in_process(7):
        end(order)
    assert turnaround.fold(limit=3) == 7
    assert turnaround.fold(limit=3) == 0
    assert ServiceTurnaround.objects.get().completed == 7
    assert not EndedOrder.objects.exists()


@pytest.mark.django_db
def test_an_end_that_is_rolled_back_is_not_counted(monday):
    order = in_process(1)[0]
    with transaction.atomic():
        end(order)
        transaction.set_rollback(True)
    assert turnaround.fold() == 0


@pytest.mark.django_db
def test_reading_is_one_query(monday, django_assert_num_queries):
    services = [factories.make_service() for _ in range(3)]
    for service in services:
        end(in_process(1, service)[0])
    turnaround.fold()
    with django_assert_num_queries(1):
        assert len(turnaround.turnaround([service.pk for service in services], 30)) == 3


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_every_end_counts_once_among_workers_that_end_and_fold():
    orders = in_process(24)

    def work(n: int) -> None:
        for order in orders[n * 4 : n * 4 + 4]:
            end(order, [S.COMPLETED, S.UNAVAILABLE, S.NOT_FOUND][order.pk % 3])
            turnaround.fold(limit=2)

    assert [each for each in at_once(6, work) if each is not None] == []
    turnaround.fold()

    rows = ServiceTurnaround.objects.all()
    assert sum(row.completed + row.unavailable + row.not_found for row in rows) == 24
    ended = Counter(Order.objects.values_list("state", flat=True))
    assert sum(row.completed for row in rows) == ended[S.COMPLETED]
    assert sum(sum(row.histogram.values()) for row in rows) == ended[S.COMPLETED]
