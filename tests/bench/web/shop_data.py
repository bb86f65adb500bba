"""The shop's rows: 1,000 services with prices and delivery times, and orders by the ten thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SERVICES = 1_000
SCATTER = 387_420_489  # no factor in common with a thousand million: every order has another number, in no order
DIGITS, LETTERS = "0123456789", "34679ACDEF"
EVENTS = 4


def number_of(order: int) -> str:
    """The public number of the n-th order that was copied."""
    text = f"{order * SCATTER % 10**9:09d}".translate(str.maketrans(DIGITS, LETTERS))
    return f"U-{text[:4]}-{text[4:8]}-{text[8]}"


def make_services() -> None:
    """Published services of twenty brands on five shelves, each with two prices and two questions."""
    from services.models import Category, Offer, Service, ServiceField, ServicePrice  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    supplier = factories.make_supplier()
    shelves = [Category.objects.create(slug=f"shelf-{n}", name=f"Shelf {n}", position=n) for n in range(5)]
    services = Service.objects.bulk_create(
        Service(
            slug=f"service-{n}", name=f"Network {n % 60} iPhone unlock {n}", kind="unlock", category=shelves[n % 5],
            brand=f"Brand {n % 20}", operator=f"Network {n % 60}", country=["US", "DE", "FR", "GB", "ES"][n % 5],
            networks=[f"Network {n % 60}"], models_note="iPhone 6s and newer", result_kind="remote_unlock",
            eligibility="Not reported lost or stolen, and paid off.", average_minutes=1800 + n,
            guaranteed_minutes=7200, is_published=True,
        )
        for n in range(SERVICES)
    )  # fmt: skip
    prices = [("EUR", "18.90"), ("USD", "21.50")]
    ServicePrice.objects.bulk_create(
        ServicePrice(service=each, currency=code, amount=amount) for each in services for code, amount in prices
    )
    ServiceField.objects.bulk_create(
        ServiceField(service=each, name=name, label=label, kind=name, position=position)
        for each in services
        for position, (name, label) in enumerate([("imei", "IMEI"), ("network", "Network")])
    )
    Offer.objects.bulk_create(
        Offer(service=each, supplier=supplier, supplier_service_id=str(each.pk), cost="10.00", cost_currency="EUR")
        for each in services
    )
    execute(
        f"""INSERT INTO orders_serviceturnaround
            (service_id, supplier_id, day, completed, unavailable, not_found, seconds, histogram)
        SELECT id, {supplier.pk}, current_date - day, 5, 1, 0, 5 * 60 * average_minutes, '{{"40": 5}}'
        FROM services_service, generate_series(0, 6) AS day"""
    )


def make_orders(first: int, last: int) -> None:
    """Orders ``first`` up to ``last``, in process at a supplier, each with the story of one that came that far."""
    from orders.models import Order, OrderEvent, Purchase  # noqa: PLC0415
    from orders.states import OrderState  # noqa: PLC0415
    from services.models import Service  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    model = Order.objects.filter(number__startswith="U-", secret__startswith="model").first()
    if model is None:
        model = factories.make_order(OrderState.IN_PROCESS, service=Service.objects.get(slug="service-1"))
        Order.objects.filter(pk=model.pk).update(secret="model")
    letters = f"translate(lpad((n::bigint * {SCATTER} % 1000000000)::text, 9, '{DIGITS}'), '{DIGITS}', '{LETTERS}')"
    number = f"substr({letters}, 1, 4) || '-' || substr({letters}, 5, 4) || '-' || substr({letters}, 9, 1)"
    _copy(
        Purchase, model.purchase_id, range(first, last, 1000),
        number="'P-' || n", secret="'p' || n", draft_token="'d' || n",
    )  # fmt: skip
    _copy(
        Order, model.pk, range(first, last),
        number=f"'U-' || {number}", secret="'s' || n", identifier="'35' || lpad(n::text, 13, '0')",
        position="n % 1000 + 2", service_id="(SELECT min(id) FROM services_service) + n % 1000",
        purchase_id="purchase.id",
        source="JOIN orders_purchase AS purchase ON purchase.number = 'P-' || (n / 1000 * 1000)",
    )  # fmt: skip
    columns = [field.column for field in OrderEvent._meta.local_concrete_fields if not field.primary_key]
    values = ["fresh.id" if column == "order_id" else f"event.{column}" for column in columns]
    execute(
        f"""INSERT INTO orders_orderevent ({", ".join(columns)}) SELECT {", ".join(values)}
        FROM orders_orderevent AS event, orders_order AS fresh
        WHERE event.order_id = {model.pk} AND event.seq <= {EVENTS}
            AND fresh.secret LIKE 's%' AND fresh.id > (SELECT coalesce(max(order_id), 0) FROM orders_orderevent)"""
    )
    execute("VACUUM ANALYZE orders_order, orders_purchase, orders_orderevent")


def execute(statement: str) -> None:
    """One statement, which may be long."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(statement)


def _copy(model: Any, pk: int, numbers: range, *, source: str = "", **changes: str) -> None:
    table = model._meta.db_table
    columns = [field.column for field in model._meta.local_concrete_fields if not field.primary_key]
    values = [changes.get(column, f"model.{column}") for column in columns]
    execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "
        f"FROM {table} AS model CROSS JOIN generate_series({numbers.start}, {numbers.stop - 1}, {numbers.step}) AS n "
        f"{source} WHERE model.id = {pk}"
    )


def pages(numbers: Sequence[int]) -> tuple[list[str], list[str]]:
    """The addresses of these orders' own pages, and of the tracker asked for them."""
    return [f"/orders/s{n}/" for n in numbers], [f"/order-status-tracker/?q={number_of(n)}" for n in numbers]
