"""Purchases: what was agreed at checkout, what was ordered, how it was paid."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders.admin import order_sections
from orders.admin.search import HELP, find_purchases
from orders.models import Purchase
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, moment, moment_column

PLACED = moment_column("created_at", gettext_lazy("Placed"))


class PaidFilter(admin.SimpleListFilter):
    """Whether money came in."""

    title = gettext_lazy("paid")
    parameter_name = "paid"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The choices."""
        return [("yes", _("Paid")), ("no", _("Not paid"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> QuerySet[Purchase]:
        """The chosen ones."""
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(paid_at__isnull=self.value() == "no")


@admin.register(Purchase)
class PurchaseAdmin(RecordAdmin):
    """What customers paid for, with the evidence of their consent."""

    list_display = ("number", "email", "total_shown", "orders_shown", "paid_shown", PLACED)
    list_filter = (PaidFilter, "currency", "is_demo", "terms_version")
    search_fields = ("number",)
    search_help_text = HELP

    def get_queryset(self, request: HttpRequest) -> QuerySet[Purchase]:
        """With the number of orders."""
        rows: QuerySet[Purchase] = super().get_queryset(request).annotate(order_count=Count("orders"))
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Purchase], search_term: str
    ) -> tuple[QuerySet[Purchase], bool]:
        """By the same keys as orders."""
        return find_purchases(queryset, search_term), False

    @display(description=gettext_lazy("Total"), ordering="total")
    def total_shown(self, purchase: Purchase) -> str:
        """Amount and currency."""
        return str(purchase.money)

    @display(description=gettext_lazy("Orders"), ordering="order_count")
    def orders_shown(self, purchase: Purchase) -> int:
        """How many devices."""
        count: int = getattr(purchase, "order_count", 0)
        return count

    @display(description=gettext_lazy("Paid"), ordering="paid_at", label={"yes": "success", "no": "neutral"})
    def paid_shown(self, purchase: Purchase) -> tuple[str, str]:
        """Whether money came in."""
        return ("yes", _("Paid")) if purchase.paid_at else ("no", _("Not paid"))

    def headline(self, obj: Purchase) -> Cell:
        """Paid or not."""
        if obj.paid_at:
            return Cell(_("Paid"), tone="success", hint=moment(obj.paid_at))
        return Cell(_("Not paid"), tone="neutral", hint=_("Expires %(moment)s.") % {"moment": moment(obj.expires_at)})

    def facts(self, request: HttpRequest, obj: Purchase) -> Sequence[Facts]:
        """Who bought, what was agreed, from where."""
        consent = [
            Fact(_("Terms version"), Cell(obj.terms_version, is_code=True)),
            Fact(_("Terms accepted"), Cell(moment(obj.terms_accepted_at))),
            Fact(_("Immediate start asked for"), Cell(moment(obj.start_now_acknowledged_at) or _("no"))),
            Fact(_("From address"), Cell(obj.ip or _("unknown"), is_code=True)),
            Fact(_("With browser"), Cell(obj.user_agent or _("unknown"))),
        ]
        statements = [Fact(str(n), Cell(text)) for n, text in enumerate(obj.checklist, start=1)]
        return [
            Facts(
                _("Customer"),
                [
                    Fact(_("E-mail"), Cell(obj.email)),
                    Fact(_("Language"), Cell(obj.language)),
                    Fact(_("Total"), Cell(str(obj.money))),
                    Fact(_("Placed"), Cell(moment(obj.created_at))),
                    Fact(_("Demo"), Cell(_("yes, no money moved") if obj.is_demo else _("no"))),
                ],
            ),
            Facts(_("Consent"), consent),
            Facts(_("Confirmed at checkout"), statements or [Fact("", Cell(_("nothing")))]),
        ]

    def sections(self, request: HttpRequest, obj: Purchase) -> Sequence[Section]:
        """Orders, payments, mails: what this person may see."""
        user = request.user
        found = []
        if user.has_perm("orders.view_order"):
            table = order_sections.orders_table(obj.orders.order_by("position"))
            found.append(Section(_("Orders"), order_sections.TABLE, table))
        if user.has_perm("payments.view_payment"):
            found.append(order_sections.payments(obj))
        if user.has_perm("orders.view_outgoingmail"):
            found.append(order_sections.mails(obj))
        return found
