"""Filters of the order list; the queues on the landing page are links to them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import clocks
from orders.models import CorrectionRequest, Order, SupplierAttempt
from orders.states import SELF_MOVING, UNDELIVERED, CorrectionState, HoldReason
from services.models import Supplier
from unlockshop.kernel import clock

# An order whose turn came this long ago tells that no worker runs.
STUCK_AFTER: Final = timedelta(minutes=10)


def owed() -> Q:
    """Orders that were paid for and brought nothing, unless the money went back or a bank decides about it.

    Refunds belong to an app above this one and are reached by relation.
    """
    undelivered = Q(state__in=sorted(UNDELIVERED), price__gt=0) & ~Q(purchase__frozen_for=HoldReason.DISPUTE)
    replaced = CorrectionRequest.objects.filter(order=OuterRef("pk"), state=CorrectionState.REPLACED)
    return (
        undelivered
        & ~Exists(replaced)
        & Q(price__gt=_given("refunds"), purchase__total__gt=_given("purchase__payments__refunds"))
    )


def _given(path: str) -> Combinable:
    """How much has gone back, or is on its way, by refunds at the end of ``path``; not of what was paid too much."""
    counting = {
        f"{path}__state__in": ["requested", "sending", "pending", "uncertain", "succeeded"],
        f"{path}__payment__attention__in": ["", "mismatch", "fraud"],
    }
    rows = Order.objects.order_by().filter(pk=OuterRef("pk")).values("pk")
    total = Subquery(rows.annotate(given=Sum(f"{path}__amount", filter=Q(**counting))).values("given"))
    # SQLite adds up as floating point: less than the smallest amount there is makes equal what is equal.
    return Coalesce(total, Decimal(0)) + Value(Decimal("0.0005"))


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


class TimeFilter(SimpleListFilter):
    """How an order stands with its two clocks."""

    title = gettext_lazy("time")
    parameter_name = "time"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [
            ("late", _("Late")),
            ("soon", _("Late by the end of the next business day")),
            ("submission", _("Late to be with a supplier")),
            ("cap", _("Past the hard cap")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """The orders that stand so."""
        ways = {
            "late": clocks.late,
            "soon": clocks.late_soon,
            "submission": clocks.late_to_submit,
            "cap": clocks.past_cap,
        }
        way = ways.get(self.value() or "")
        return queryset.filter(way(clock.now())) if way else queryset


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
