"""Notices of delay in a list, and the form that tells all open orders of a service or at a supplier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display

from orders import delaying
from orders.admin.wording import order_cell
from orders.models import DelayNotice
from orders.models.delay_notice import DelayOutcome
from refunds import telling_delays
from refunds.delay_forms import DelayOfManyForm
from unlockshop.kernel.codes import new_secret
from unlockshop.kernel.staff_pages import RecordAdmin, staff_actor
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Table, change_url, list_url, moment, moment_column

TELL_MANY: Final = "orders_delaynotice_tell"
CREATED = moment_column("created_at", gettext_lazy("Told"))
TONES: Final = {
    DelayOutcome.NONE: "warning",
    DelayOutcome.WENT_ON: "info",
    DelayOutcome.CANCELLED: "neutral",
    DelayOutcome.REPLACED: "neutral",
    DelayOutcome.ENDED: "success",
}


class UnconfirmedFilter(admin.SimpleListFilter):
    """Notices of which nobody knows that they arrived."""

    title = gettext_lazy("delivery")
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The choice."""
        return [("unconfirmed", _("Not confirmed for a day"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DelayNotice]) -> QuerySet[DelayNotice]:
        """The chosen ones."""
        return queryset.filter(pk__in=delaying.unconfirmed().values("pk")) if self.value() else queryset


@admin.register(DelayNotice)
class DelayNoticeAdmin(RecordAdmin):
    """What customers were told, and what came of it."""

    list_display = ("order", CREATED, "date_shown", "answer_shown", "state_shown", "told_by")
    list_filter = (UnconfirmedFilter, "outcome", "source")
    search_fields = ("order__number",)
    search_help_text = gettext_lazy("Order number")
    actions_list = ("tell_many_link",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DelayNotice]:
        """With order and mail."""
        rows: QuerySet[DelayNotice] = super().get_queryset(request).select_related("order", "mail")
        return rows.defer("order__result", "mail__text")

    def get_urls(self) -> list[URLPattern]:
        """The ordinary addresses, and the form's."""
        route = path("tell/", self.admin_site.admin_view(self.tell_many), name=TELL_MANY)
        return [route, *super().get_urls()]

    @action(description=gettext_lazy("Tell many orders of a delay"), url_path="to-tell", permissions=["tell"])
    def tell_many_link(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse(f"admin:{TELL_MANY}"))

    def has_tell_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Whoever may change orders."""
        return bool(request.user.has_perm("orders.change_order"))

    def tell_many(self, request: HttpRequest) -> HttpResponse:
        """Ask which orders and what to say; then show how many that are; then tell them."""
        if not self.has_tell_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, DelayOfManyForm(initial=_first(request)))
        form = DelayOfManyForm(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        data = form.cleaned_data
        ids = list(
            telling_delays.open_orders(
                service_id=data["service"].pk if data["service"] else None,
                supplier_id=data["supplier"].pk if data["supplier"] else None,
            )
        )
        if "confirmed" not in request.POST:
            return self._page(request, form, count=len(ids))
        told = telling_delays.tell_many(ids, form.message(), batch=data["batch"], actor=staff_actor(request))
        for line in telling_delays.left_out_words(told):
            messages.error(request, line)
        text = ngettext("%(count)d customer is told.", "%(count)d customers are told.", told.count)
        messages.success(request, text % {"count": told.count})
        if told.left:
            return self._page(request, form, count=told.left)
        return HttpResponseRedirect(list_url(DelayNotice))

    def _page(self, request: HttpRequest, form: DelayOfManyForm, count: int | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Tell many orders of a delay"),
            "form": form,
            "count": count,
            "at_once": telling_delays.AT_ONCE,
            "back_url": list_url(DelayNotice),
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/tell_delay.html", context, status=status)

    @display(description=gettext_lazy("New date"), ordering="new_date")
    def date_shown(self, notice: DelayNotice) -> str:
        """The date, or that nobody knows."""
        return moment(notice.new_date) or _("unknown")

    @display(description=gettext_lazy("May cancel until"), ordering="answer_by")
    def answer_shown(self, notice: DelayNotice) -> str:
        """The end of the customer's hours, or why they do not run."""
        return answer_words(notice)

    @display(description=gettext_lazy("State"), ordering="outcome", label=TONES)
    def state_shown(self, notice: DelayNotice) -> tuple[str, str]:
        """What came of it."""
        return notice.outcome, str(notice.get_outcome_display())

    def headline(self, obj: DelayNotice) -> Cell:
        """What came of it."""
        return Cell(str(obj.get_outcome_display()), tone=TONES[DelayOutcome(obj.outcome)])

    def facts(self, request: HttpRequest, obj: DelayNotice) -> Sequence[Facts]:
        """What was said, by whom, and how it stands."""
        said = [
            Fact(_("Order"), order_cell(obj.order)),
            Fact(_("New date"), Cell(self.date_shown(obj))),
            Fact(_("Why"), Cell(obj.reason)),
            Fact(_("Source"), Cell(str(obj.get_source_display()))),
            Fact(_("The supplier's message"), Cell(obj.supplier_message or "—")),
            Fact(_("Told"), Cell(f"{moment(obj.created_at)}, {obj.told_by}")),
        ]
        stands = [
            Fact(_("Mail"), Cell(obj.mail.key, change_url(obj.mail))),
            Fact(_("Delivered"), Cell(moment(obj.mail.delivered_at) or _("nobody has confirmed it"))),
            Fact(_("Came back"), Cell(moment(obj.mail.bounced_at) or "—")),
            Fact(_("May cancel until"), Cell(answer_words(obj))),
            Fact(_("Cancelled by the customer"), Cell(moment(obj.wished_at) or "—")),
            Fact(_("Closed"), Cell(moment(obj.closed_at) or "—")),
        ]
        return [Facts(_("What the customer was told"), said), Facts(_("How it stands"), stands)]


def answer_words(notice: DelayNotice) -> str:
    """Until when the customer may cancel."""
    if notice.answer_hours is None:
        return _("the terms give no such right")
    if notice.new_date is None:
        return _("as long as there is no date")
    if notice.answer_by is None:
        return _("the mail came back") if notice.mail.bounced_at else _("not running: delivery not confirmed")
    return moment(notice.answer_by)


def notices_table(notices: Iterable[DelayNotice]) -> Table:
    """Notices of one order, newest first."""
    rows = [
        [
            Cell(moment(notice.created_at), change_url(notice)),
            Cell(moment(notice.new_date) or _("unknown")),
            Cell(notice.reason),
            Cell(answer_words(notice)),
            Cell(str(notice.get_outcome_display()), tone=TONES[DelayOutcome(notice.outcome)]),
        ]
        for notice in notices
    ]
    return Table([_("Told"), _("New date"), _("Why"), _("May cancel until"), _("State")], rows)


def _first(request: HttpRequest) -> dict[str, str]:
    """A fresh form, with the service or supplier that the address names."""
    named = {name: request.GET[name] for name in ("service", "supplier") if request.GET.get(name, "").isdecimal()}
    return {**named, "batch": new_secret()}
