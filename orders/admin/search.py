"""Finding orders by whatever a customer, a bank or a supplier quotes."""

from __future__ import annotations

import re
from contextlib import suppress

from django.db.models import Q, QuerySet

from orders.models import Order, Purchase, SupplierAttempt
from services.identifiers import IdentifierInvalid, recognise
from unlockshop.kernel import codes

SHORTEST_PART = 4
HELP = "Order or purchase number, IMEI, e-mail, payment id, supplier's order id"


def find_orders(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """Orders that ``text`` may mean: order or purchase number, identifier, e-mail, payment or supplier's order id."""
    term = " ".join(text.split())
    if not term:
        return orders
    if "@" in term:
        return orders.filter(purchase__email__icontains=term)
    return orders.filter(_by_number(term) | _by_identifier(term) | _by_reference(term) | _by_words(term))


def find_purchases(purchases: QuerySet[Purchase], text: str) -> QuerySet[Purchase]:
    """Purchases that ``text`` may mean, by the same keys."""
    term = " ".join(text.split())
    if not term:
        return purchases
    if "@" in term:
        return purchases.filter(email__icontains=term)
    return purchases.filter(pk__in=find_orders(Order.objects.order_by(), term).values("purchase_id"))


def _by_number(term: str) -> Q:
    number = codes.normalise_number(term)
    return Q(number=number) | Q(purchase__number=number) if number else Q(pk__in=[])


def _by_identifier(term: str) -> Q:
    compact = re.sub(r"[\s./()-]", "", term).upper()
    match = Q(identifier=compact)
    if len(compact) >= SHORTEST_PART:
        match |= Q(identifier__contains=compact)
    with suppress(IdentifierInvalid):
        match |= Q(identifier=recognise(term).value)
    return match


def _by_reference(term: str) -> Q:
    # Payments belong to an app above this one; their rows are reached by relation, never by import.
    paid = Purchase.objects.order_by().filter(Q(payments__provider_ref=term) | Q(payments__charge_ref=term))
    bought = SupplierAttempt.objects.order_by().filter(
        Q(supplier_order_id=term) | Q(reference=term.upper().replace(" ", ""))
    )
    return Q(purchase_id__in=paid.values("pk")) | Q(pk__in=bought.values("order_id"))


def _by_words(term: str) -> Q:
    # Digits alone are a number, not part of an address: spare the scan.
    return Q(purchase__email__icontains=term) if re.search(r"[^\W\d_]", term) else Q(pk__in=[])
