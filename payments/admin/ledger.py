"""The books, read-only: to look at, and to take away as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.decorators import display

from payments.admin.ledger_filters import AccountFilter, BookedFilter, CurrencyFilter
from payments.ledger_export import lines_of
from payments.models import LedgerEntry, LedgerTransaction
from unlockshop.kernel import clock
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import (
    Cell,
    Fact,
    Facts,
    Section,
    Table,
    change_url,
    list_url,
    moment,
    moment_column,
)

TABLE: Final = "admin/parts/table.html"
EXPORT: Final = "payments.export_ledgertransaction"
BOOKED = moment_column("at", gettext_lazy("Booked"))


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(RecordAdmin):
    """The books. Only ever added to, by the shop itself."""

    list_display = (BOOKED, "key", "kind", "lines_shown", "payment")
    list_filter = (BookedFilter, CurrencyFilter, AccountFilter, "kind")
    list_select_related = ("payment",)
    list_before_template = "admin/parts/ledger_export.html"
    search_fields = ("key", "payment__provider_ref", "payment__charge_ref", "payment__purchase__number")
    search_help_text = gettext_lazy("Key, payment id, purchase number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """With the lines."""
        rows: QuerySet[LedgerTransaction] = super().get_queryset(request).prefetch_related("entries")
        return rows

    def get_urls(self) -> list[URLPattern]:
        """The ordinary addresses, and that of the table."""
        view = self.admin_site.admin_view(require_POST(self.export_view))
        return [path("export/", view, name="payments_ledgertransaction_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; with the button that takes it away for those who may."""
        address = reverse("admin:payments_ledgertransaction_export")
        more = {"export_url": f"{address}?{request.GET.urlencode()}" if self._may_export(request) else ""}
        page: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **more})
        return page

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The lines of what the list shows under the same address, as a file. It is noted who took how many of what.

        A currency or account that is chosen leaves out the other lines of a posting: the sum is then its balance.
        """
        if not self._may_export(request):
            raise PermissionDenied
        try:
            postings = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(list_url(LedgerTransaction, "e=1"))
        entries = LedgerEntry.objects.filter(transaction__in=postings.order_by().values("pk"))
        for name in ("currency", "account"):
            if request.GET.get(name):
                entries = entries.filter(**{name: request.GET[name]})
        self._note_export(request, entries.count())
        answer = StreamingHttpResponse(lines_of(entries), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="ledger-{clock.now():%Y%m%d-%H%M%S}.csv"'
        answer["X-Content-Type-Options"] = "nosniff"
        return answer

    def _may_export(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perm(EXPORT)

    def _note_export(self, request: HttpRequest, count: int) -> None:
        assert request.user.is_authenticated
        LogEntry.objects.create(
            user_id=request.user.pk,
            content_type=ContentType.objects.get_for_model(LedgerTransaction),
            object_repr="ledger",
            action_flag=CHANGE,
            change_message=f"Exported {count} lines: {request.GET.urlencode() or 'all'}"[:2000],
        )

    @display(description=gettext_lazy("Lines"))
    def lines_shown(self, posting: LedgerTransaction) -> str:
        """All lines in one."""
        return "; ".join(str(entry) for entry in posting.entries.all())

    def facts(self, request: HttpRequest, obj: LedgerTransaction) -> Sequence[Facts]:
        """Which fact it books."""
        rows = [
            Fact(_("Key"), Cell(obj.key, is_code=True)),
            Fact(_("Kind"), Cell(obj.kind)),
            Fact(_("Booked"), Cell(moment(obj.at))),
        ]
        for title, cause in ((_("Payment"), obj.payment), (_("Order"), obj.order)):
            if cause is not None:
                rows.append(Fact(title, Cell(str(cause), change_url(cause))))
        return [Facts(_("Posting"), rows)]

    def sections(self, request: HttpRequest, obj: LedgerTransaction) -> Sequence[Section]:
        """Its lines."""
        rows = [[Cell(e.get_account_display()), Cell(e.amount), Cell(e.currency)] for e in obj.entries.all()]
        return [Section(_("Lines"), TABLE, Table([_("Account"), _("Amount"), _("Currency")], rows))]
