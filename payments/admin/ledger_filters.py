"""What the list of the books, and so the table that is taken from it, can be narrowed to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from payments.models import Account, LedgerEntry, LedgerTransaction
from unlockshop.kernel.money import EXPONENTS

Postings = QuerySet[LedgerTransaction]
# Outside them databases count days differently, or not at all.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2999


class BookedFilter(admin.ListFilter):
    """The days on which it was booked, both included, in UTC. A day that is none is refused, not passed over."""

    title = gettext_lazy("day booked")
    template = "admin/parts/day_filter.html"
    parameter_names = ("from", "until")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.parameter_names:
            values = params.pop(name, None) or [""]
            self.used_parameters[name] = values[-1]

    def has_output(self) -> bool:
        """Always there."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """``from`` and ``until``."""
        return list(self.parameter_names)

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """What its little form needs: the days as they are, and the other filters to keep."""
        others = {name: changelist.params[name] for name in changelist.params if name not in self.parameter_names}
        yield {"days": self.used_parameters, "others": others}

    def queryset(self, request: HttpRequest, queryset: Postings) -> Postings:
        """Booked on these days."""
        first, last = (_day(str(self.used_parameters[name])) for name in self.parameter_names)
        if first:
            queryset = queryset.filter(at__gte=_midnight(first))
        if last:
            queryset = queryset.filter(at__lt=_midnight(last) + timedelta(days=1))
        return queryset


class CurrencyFilter(admin.SimpleListFilter):
    """The currency of its lines."""

    title = gettext_lazy("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Those in the books."""
        used = LedgerEntry.objects.order_by("currency").values_list("currency", flat=True).distinct()
        return [(currency, currency) for currency in used]

    def queryset(self, request: HttpRequest, queryset: Postings) -> Postings:
        """Postings with a line in it."""
        if not self.value():
            return queryset
        if self.value() not in EXPONENTS:
            raise IncorrectLookupParameters
        return queryset.filter(pk__in=LedgerEntry.objects.filter(currency=self.value()).values("transaction"))


class AccountFilter(admin.SimpleListFilter):
    """The account that it touches."""

    title = gettext_lazy("account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The chart of accounts."""
        return [(account.value, str(account.label)) for account in Account]

    def queryset(self, request: HttpRequest, queryset: Postings) -> Postings:
        """Postings with a line on it."""
        if not self.value():
            return queryset
        if self.value() not in Account.values:
            raise IncorrectLookupParameters
        return queryset.filter(pk__in=LedgerEntry.objects.filter(account=self.value()).values("transaction"))


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise IncorrectLookupParameters from error
    if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise IncorrectLookupParameters
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
