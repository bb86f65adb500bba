"""The books, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from payments.models import LedgerTransaction
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, change_url, moment, moment_column

TABLE: Final = "admin/parts/table.html"
BOOKED = moment_column("at", gettext_lazy("Booked"))


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(RecordAdmin):
    """The books. Only ever added to, by the shop itself."""

    list_display = (BOOKED, "key", "kind", "lines_shown", "payment")
    list_filter = ("kind",)
    list_select_related = ("payment",)
    search_fields = ("key", "payment__provider_ref", "payment__charge_ref", "payment__purchase__number")
    search_help_text = gettext_lazy("Key, payment id, purchase number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """With the lines."""
        rows: QuerySet[LedgerTransaction] = super().get_queryset(request).prefetch_related("entries")
        return rows

    @display(description=gettext_lazy("Lines"))
    def lines_shown(self, posting: LedgerTransaction) -> str:
        """All lines in one."""
        return "; ".join(str(entry) for entry in posting.entries.all())

    def facts(self, request: HttpRequest, obj: LedgerTransaction) -> Sequence[Facts]:
        """Which fact it books."""
        rows = [
            Fact(_("Key"), Cell(obj.key, is_code=True)),
            Fact(_("Kind"), Cell(obj.kind)),
            Fact(_("Payment"), Cell(str(obj.payment), change_url(obj.payment))),
            Fact(_("Booked"), Cell(moment(obj.at))),
        ]
        return [Facts(_("Posting"), rows)]

    def sections(self, request: HttpRequest, obj: LedgerTransaction) -> Sequence[Section]:
        """Its lines."""
        rows = [[Cell(e.get_account_display()), Cell(e.amount), Cell(e.currency)] for e in obj.entries.all()]
        return [Section(_("Lines"), TABLE, Table([_("Account"), _("Amount"), _("Currency")], rows))]
