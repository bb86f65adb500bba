"""Customers to reach because a mail came back or was not wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from orders import reaching
from orders.admin import order_sections
from orders.admin.search import find_purchases
from orders.admin.wording import identifier_of
from orders.forms import ReachedForm, ReaddressForm
from orders.models import ContactTask, Purchase
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, change_url, moment, moment_column, span

DUE = moment_column("due_at", gettext_lazy("Due"))


def _readdress(task: ContactTask, data: Mapping[str, Any], actor: Actor) -> str:
    sent = reaching.correct_and_send(task.pk, address=data["address"], evidence=data["evidence"], actor=actor)
    return ngettext(
        "%(address)s is the address now. %(count)d mail is sent there again.",
        "%(address)s is the address now. %(count)d mails are sent there again.",
        sent,
    ) % {"address": data["address"], "count": sent}


def _reached(task: ContactTask, data: Mapping[str, Any], actor: Actor) -> str:
    reaching.reached(task.pk, evidence=data["evidence"], actor=actor)
    return _("%(purchase)s is off the list.") % {"purchase": task.purchase}


def _is_open(task: ContactTask) -> bool:
    return task.closed_at is None


CONTACT_ACTIONS = (
    StaffAction(
        "readdress",
        gettext_lazy("Correct the address"),
        gettext_lazy("Every mail of the purchase that came back is sent again, there. The links in it stay the same."),
        ReaddressForm,
        _is_open,
        _readdress,
    ),
    StaffAction(
        "reached",
        gettext_lazy("Reached another way"),
        gettext_lazy("Closes the task; nothing is sent and the address stays."),
        ReachedForm,
        _is_open,
        _reached,
    ),
)


class TaskFilter(admin.SimpleListFilter):
    """Whether it waits."""

    title = gettext_lazy("task")
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The choices."""
        return [("open", _("Waits")), ("closed", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ContactTask]) -> QuerySet[ContactTask]:
        """The chosen ones."""
        if self.value() not in {"open", "closed"}:
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "open")


@admin.register(ContactTask)
class ContactTaskAdmin(RecordAdmin):
    """Tasks with all that the shop knows about how to reach the customer."""

    list_display = ("purchase", "address", "trouble", "state_shown", "owner", DUE)
    list_filter = (TaskFilter, "trouble")
    search_fields = ("address",)
    search_help_text = gettext_lazy("Order or purchase number, IMEI, e-mail")
    staff_actions = CONTACT_ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContactTask]:
        """With the purchase."""
        rows: QuerySet[ContactTask] = (
            super().get_queryset(request).select_related("purchase", "mail").defer("mail__text")
        )
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ContactTask], search_term: str
    ) -> tuple[QuerySet[ContactTask], bool]:
        """Tasks of the purchases that the term may mean, or of that address."""
        term = search_term.strip()
        if not term:
            return queryset, False
        purchases = find_purchases(Purchase.objects.order_by(), term).values("pk")
        return queryset.filter(purchase__in=purchases) | queryset.filter(address__iexact=term), False

    @display(description=gettext_lazy("State"), label={"open": "warning", "late": "danger", "closed": "success"})
    def state_shown(self, task: ContactTask) -> tuple[str, str]:
        """Open, late or closed."""
        return _state(task)

    def version_of(self, obj: ContactTask) -> str:
        """Changes when it is closed, and when the address is another."""
        return f"{obj.closed_at} {obj.purchase.email}"

    def headline(self, obj: ContactTask) -> Cell:
        """Whose turn it is."""
        state, text = _state(obj)
        tone = {"open": "warning", "late": "danger", "closed": "success"}[state]
        return Cell(text, tone=tone, hint=obj.outcome or _("Find the right address, or reach the customer otherwise."))

    def action_facts(self, obj: ContactTask) -> Sequence[Fact]:
        """The address that failed, and why."""
        return [
            Fact(_("Came back from"), Cell(obj.address)),
            Fact(_("Why"), Cell(_why(obj))),
            Fact(_("Mails to send again"), Cell(len(reaching.undelivered(obj.purchase)))),
        ]

    def facts(self, request: HttpRequest, obj: ContactTask) -> Sequence[Facts]:
        """What happened, and every other way to the customer that the purchase knows."""
        purchase = obj.purchase
        task = [
            Fact(_("Mail"), Cell(obj.mail.get_kind_display(), change_url(obj.mail))),
            Fact(_("Sent to"), Cell(obj.address)),
            Fact(_("Why"), Cell(_why(obj))),
            Fact(_("Since"), Cell(moment(obj.opened_at))),
            Fact(_("Owner"), Cell(obj.owner.capitalize())),
            Fact(_("Due"), Cell(moment(obj.due_at))),
        ]
        if obj.closed_at:
            task.append(Fact(_("Closed"), Cell(f"{moment(obj.closed_at)}, {obj.closed_by}")))
        contact = [
            Fact(_("Purchase"), Cell(purchase.number, change_url(purchase), is_code=True)),
            Fact(_("E-mail now"), Cell(purchase.email)),
            Fact(_("Language"), Cell(purchase.language)),
            Fact(_("Ordered from"), Cell(purchase.ip or _("unknown"), is_code=True)),
            *_answers(purchase),
            Fact(_("Other addresses for these devices"), Cell(", ".join(_other_addresses(purchase)) or "—")),
        ]
        return [Facts(_("What happened"), task), Facts(_("Ways to the customer"), contact)]

    def sections(self, request: HttpRequest, obj: ContactTask) -> Sequence[Section]:
        """Orders, payments (the payer may be known there) and mails: what this person may see."""
        user, found = request.user, []
        if user.has_perm("orders.view_order"):
            table = order_sections.orders_table(obj.purchase.orders.order_by("position"))
            found.append(Section(_("Orders"), order_sections.TABLE, table))
        if user.has_perm("payments.view_payment"):
            found.append(order_sections.payments(obj.purchase))
        if user.has_perm("orders.view_outgoingmail"):
            found.append(order_sections.mails(obj.purchase))
        return found


def _state(task: ContactTask) -> tuple[str, str]:
    if task.closed_at:
        return "closed", _("Closed")
    now = clock.now()
    if task.due_at < now:
        return "late", _("Overdue by %(span)s") % {"span": span(now - task.due_at)}
    return "open", _("Waits, due in %(span)s") % {"span": span(task.due_at - now)}


def _why(task: ContactTask) -> str:
    return " ".join(filter(None, [f"{task.get_trouble_display()}.", task.reason]))


def _answers(purchase: Purchase) -> list[Fact]:
    """What was entered at checkout: a phone line, a name, whatever the service asked for."""
    facts = [
        Fact(order.identifier_kind.upper(), Cell(identifier_of(order), is_code=True))
        for order in purchase.orders.defer("result").order_by("position")[: order_sections.RELATED_SHOWN]
    ]
    first = purchase.orders.defer("result").order_by("position").first()
    return [*facts, *(Fact(name, Cell(value)) for name, value in (first.answers if first else {}).items())]


def _other_addresses(purchase: Purchase) -> list[str]:
    """Addresses under which the same devices were ordered for."""
    identifiers = purchase.orders.values("identifier")
    others = Purchase.objects.filter(orders__identifier__in=identifiers).exclude(email__iexact=purchase.email)
    return sorted(set(others.order_by().values_list("email", flat=True)[: order_sections.RELATED_SHOWN]))
