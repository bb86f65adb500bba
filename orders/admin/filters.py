"""Filters of the order list; the queues on the landing page are links to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, SupplierAttempt
from orders.states import SELF_MOVING, UNDELIVERED
from services.models import Supplier
from unlockshop.kernel import clock

# An order whose turn came this long ago tells that no worker runs.
STUCK_AFTER: Final = timedelta(minutes=10)


def owed() -> Q:
    """Orders that were paid for and brought nothing."""
    return Q(state__in=sorted(UNDELIVERED), price__gt=0)


def overdue() -> Q:
    """Orders whose owner should have acted by now."""
    return Q(owner_due_at__lt=clock.now(), state="on_hold")


def stuck() -> Q:
    """Orders whose next action is long due."""
    return Q(next_action_at__lt=clock.now() - STUCK_AFTER, state__in=sorted(SELF_MOVING))


class NeedFilter(SimpleListFilter):
    """What an order needs from staff."""

    title = gettext_lazy("need")
    parameter_name = "need"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [
            ("owed", _("Money owed back")),
            ("overdue", _("Staff overdue")),
            ("stuck", _("Stuck: no worker acts")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """The orders with the chosen need."""
        needs = {"owed": owed, "overdue": overdue, "stuck": stuck}
        need = needs.get(self.value() or "")
        return queryset.filter(need()) if need else queryset


class SupplierFilter(SimpleListFilter):
    """Where an order was sent."""

    title = gettext_lazy("supplier")
    parameter_name = "supplier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every supplier."""
        return [(str(pk), name) for pk, name in Supplier.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Orders with an attempt at the chosen supplier."""
        value = self.value()
        if not value or not value.isdecimal():
            return queryset
        return queryset.filter(
            Exists(SupplierAttempt.objects.filter(order=OuterRef("pk"), supplier_id=int(value[:18])))
        )
