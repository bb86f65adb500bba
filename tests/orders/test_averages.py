"""What customers read about times: measured once enough orders rest on it, the supplier's estimate otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from orders import averages
from orders.models import Order, ServiceTurnaround
from services.models import Service
from tests import factories
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db
DAY = 24 * 60


def ended(service: Service, *, days_ago: int, completed: int, minutes: int = 60, failed: int = 0) -> None:
    """So many orders that ended on a day, as the fold leaves them."""
    from orders.turnaround import _class_of  # noqa: PLC0415

    ServiceTurnaround.objects.create(
        service=service, supplier=service.offers.get().supplier, day=clock.now().date() - timedelta(days=days_ago),
        completed=completed, unavailable=failed, seconds=completed * minutes * 60,
        histogram={str(_class_of(minutes)): completed},
    )  # fmt: skip


def told(service: Service) -> str:
    averages.attach([service])
    return averages.usual_time(service)


ESTIMATE = "about 30 hours by the supplier's estimate, not guaranteed"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ESTIMATE),
        ([(0, 9)], ESTIMATE),
        ([(0, 10)], "about 1 hour on average, not guaranteed (10 orders of the last 7 days)"),
        ([(6, 10)], "about 1 hour on average, not guaranteed (10 orders of the last 7 days)"),
        ([(7, 10)], "about 1 hour on average, not guaranteed (10 orders of the last 30 days)"),
        ([(0, 9), (7, 1)], "about 1 hour on average, not guaranteed (10 orders of the last 30 days)"),
        ([(29, 10)], "about 1 hour on average, not guaranteed (10 orders of the last 30 days)"),
        ([(30, 10)], ESTIMATE),
        ([(6, 12), (7, 50)], "about 1 hour on average, not guaranteed (12 orders of the last 7 days)"),
    ],
)
def test_the_shortest_time_with_enough_orders_speaks(monday: datetime, rows: list[tuple[int, int]], words: str):
    service = factories.make_service()
    for days_ago, completed in rows:
        ended(service, days_ago=days_ago, completed=completed)

    assert told(service) == words


def test_failures_do_not_make_a_time_and_count_against_success(monday: datetime):
    service = factories.make_service()
    ended(service, days_ago=1, completed=9, failed=90)
    averages.attach_all(service)
    assert (averages.usual_time(service), averages.spread(service)) == (ESTIMATE, "")

    ended(service, days_ago=2, completed=90, minutes=120)
    averages.attach_all(service)
    assert averages.usual_time(service).startswith("about 115 minutes on average, not guaranteed (99 orders")
    assert "Of all orders 52% succeeded." in averages.spread(service)


def test_both_ways_of_reading_agree(monday: datetime):
    service = factories.make_service()
    ended(service, days_ago=3, completed=20, minutes=75)
    ended(service, days_ago=9, completed=20, minutes=600)
    brief = told(service)
    averages.attach_all(service)

    assert averages.usual_time(service) == brief


def test_the_page_and_the_list_say_it(client: Client, monday: datetime):
    service = factories.make_service()
    ended(service, days_ago=1, completed=143, failed=7, minutes=26 * 60)
    words = "About 26 hours on average, not guaranteed (143 orders of the last 7 days)"

    page = client.get(service.get_absolute_url()).content.decode()
    assert words in page
    assert "90% within" in page
    assert "Of all orders 95% succeeded." in page
    assert words in client.get("/services/").content.decode()


def test_an_order_keeps_the_average_of_its_day(client: Client, monday: datetime):
    service = factories.make_service()
    ended(service, days_ago=1, completed=20, minutes=26 * 60)
    order = factories.make_order(service=service)
    ended(service, days_ago=0, completed=2000, minutes=5)

    assert (order.average_minutes, order.average_orders, order.average_days) == (26 * 60, 20, 7)
    page = " ".join(client.get(order.get_absolute_url()).content.decode().split())
    assert "About 26 hours on average, not guaranteed (20 orders of the last 7 days)." in page


@pytest.mark.parametrize(("minutes", "fits"), [(20 * DAY, True), (20 * DAY + 1, False)])
def test_the_database_refuses_a_guarantee_above_20_business_days(minutes: int, fits: bool):
    service = factories.make_service()
    if fits:
        Service.objects.filter(pk=service.pk).update(guaranteed_minutes=minutes)
    else:
        with pytest.raises(IntegrityError), transaction.atomic():
            Service.objects.filter(pk=service.pk).update(guaranteed_minutes=minutes)


@pytest.mark.parametrize("rows", [1, 30])
def test_a_list_costs_one_query_more_however_long(django_assert_num_queries, rows: int):
    services = [factories.make_service() for _ in range(rows)]
    with django_assert_num_queries(1):
        averages.attach(services)
    with django_assert_num_queries(0):
        averages.attach([])
    with django_assert_num_queries(2):
        averages.attach_all(services[0])
    ended(services[0], days_ago=0, completed=10)
    with django_assert_num_queries(1):
        averages.attach_all(services[0])


def test_reading_never_looks_at_orders(django_assert_num_queries):
    service = factories.make_service()
    factories.make_order(service=service)
    with django_assert_num_queries(3) as asked:
        averages.attach([service])
        averages.attach_all(service)
    assert not [query for query in asked.captured_queries if Order._meta.db_table + '"' in query["sql"]]
