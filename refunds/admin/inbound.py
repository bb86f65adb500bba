"""Mails that customers wrote in reply to ours; those that a person must read are tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders import inbound
from orders.admin.order_sections import TABLE, orders_table
from orders.forms import ReachedForm
from orders.models import InboundMail
from orders.models.inbound_mail import InboundVerdict
from refunds import replying
from refunds.admin.rights import PAYS_BACK
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.logs import masked
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, change_url, moment, moment_column

TONES: Final = {
    InboundVerdict.NONE: "info",
    InboundVerdict.CANCELLED: "success",
    InboundVerdict.ANSWERED: "success",
    InboundVerdict.AUTOMATIC: "neutral",
    InboundVerdict.STAFF: "warning",
    InboundVerdict.JOINED: "neutral",
}

# Mails that joined a task, as its page shows them.
SHOWN: Final = 20


def _is_open(mail: InboundMail) -> bool:
    return mail.verdict == InboundVerdict.STAFF and mail.closed_at is None


def _done(mail: InboundMail, data: Mapping[str, Any], actor: Actor) -> str:
    inbound.close(mail.pk, evidence=data["evidence"], actor=actor)
    return _("Off the list.")


def _cancel(mail: InboundMail, data: Mapping[str, Any], actor: Actor) -> str:
    return " ".join(replying.cancel_for(mail, evidence=data["evidence"], actor=actor))


ACTIONS: Final = (
    StaffAction(
        "done",
        gettext_lazy("Done"),
        gettext_lazy("You answered it, or nothing was to do. The shop sends nothing."),
        ReachedForm,
        _is_open,
        _done,
    ),
    StaffAction(
        "cancel",
        gettext_lazy("Cancel what it asks for"),
        gettext_lazy(
            "You are certain that whoever ordered wants to cancel. Every order of the purchase is cancelled as far as "
            "the terms and its state allow; the customer is told what happened."
        ),
        ReachedForm,
        lambda mail: _is_open(mail) and mail.purchase_id is not None,
        _cancel,
        is_danger=True,
        permission=PAYS_BACK,
    ),
)


class WaitsFilter(admin.SimpleListFilter):
    """Mails that wait for a person."""

    title = gettext_lazy("task")
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The choice."""
        return [("open", _("Waits"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[InboundMail]) -> QuerySet[InboundMail]:
        """The chosen ones."""
        is_chosen = self.value() == "open"
        return queryset.filter(verdict=InboundVerdict.STAFF, closed_at=None) if is_chosen else queryset


@admin.register(InboundMail)
class InboundMailAdmin(RecordAdmin):
    """What customers wrote, and what came of it."""

    list_display = (
        "sender", "subject", "state_shown", "further_shown",
        moment_column("received_at", gettext_lazy("Came in")), "owner",
    )  # fmt: skip
    list_filter = (WaitsFilter, "verdict", "reason")
    search_fields = ("sender", "subject", "purchase__number")
    search_help_text = gettext_lazy("Sender, subject, purchase number")
    staff_actions = ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundMail]:
        """With the purchase, and without the text, which only its own page opens."""
        rows: QuerySet[InboundMail] = super().get_queryset(request).select_related("purchase").defer("text")
        return rows

    @display(description=gettext_lazy("State"), ordering="verdict", label=TONES)
    def state_shown(self, mail: InboundMail) -> tuple[str, str]:
        """What became of it."""
        return mail.verdict, _state(mail)

    @display(description=gettext_lazy("Further mails"), ordering="further")
    def further_shown(self, mail: InboundMail) -> str:
        """How many more mails of the sender joined the task."""
        return str(mail.further or "—")

    def version_of(self, obj: InboundMail) -> str:
        """Changes when it is closed, and when another mail joins it."""
        return f"{obj.verdict} {obj.closed_at} {obj.further}"

    def headline(self, obj: InboundMail) -> Cell:
        """Whose turn it is."""
        return Cell(_state(obj), tone=TONES[InboundVerdict(obj.verdict)], hint=obj.outcome)

    def action_facts(self, obj: InboundMail) -> Sequence[Fact]:
        """What was written."""
        return [Fact(_("From"), Cell(obj.sender)), Fact(_("Text"), Cell(masked(obj.text)))]

    def facts(self, request: HttpRequest, obj: InboundMail) -> Sequence[Facts]:
        """The mail, and where it comes from."""
        purchase = obj.purchase
        mail = [
            Fact(_("From"), Cell(obj.sender)),
            Fact(_("Subject"), Cell(obj.subject)),
            Fact(_("Text"), Cell(masked(obj.text))),
        ]
        if obj.is_truncated:
            mail.append(Fact(_("Cut"), Cell(_("It was longer. Only its beginning is kept."))))
        if obj.task is not None:
            mail.append(Fact(_("Belongs to"), Cell(str(obj.task), change_url(obj.task))))
        origin = [
            Fact(_("Came in"), Cell(moment(obj.received_at))),
            Fact(_("Purchase"), Cell(purchase.number, change_url(purchase)) if purchase else Cell("—")),
            Fact(_("The purchase's address"), Cell(purchase.email if purchase else "—")),
            Fact(_("Handed over by"), Cell(obj.envelope_from or "—")),
            Fact(_("SPF"), Cell(obj.spf or "—")),
            Fact(_("DKIM"), Cell(obj.dkim or "—")),
            Fact(_("Arrived"), Cell(_("%(count)d times") % {"count": obj.deliveries})),
            Fact(_("Due"), Cell(moment(obj.due_at) or "—")),
            Fact(_("Closed"), Cell(f"{moment(obj.closed_at)}, {obj.closed_by}" if obj.closed_at else "—")),
        ]
        found = [Facts(_("What was written"), mail), Facts(_("Where it comes from"), origin)]
        if obj.further:
            newest = obj.joined.order_by("-pk")[:SHOWN]
            more = [Fact(moment(each.received_at), Cell(masked(each.text), change_url(each))) for each in newest]
            found.insert(1, Facts(_("Further mails of the sender: %(count)d") % {"count": obj.further}, more))
        return found

    def sections(self, request: HttpRequest, obj: InboundMail) -> Sequence[Section]:
        """The purchase's orders, for who may see them."""
        if obj.purchase is None or not request.user.has_perm("orders.view_order"):
            return []
        return [Section(_("Orders"), TABLE, orders_table(obj.purchase.orders.order_by("position")))]


def _state(mail: InboundMail) -> str:
    if mail.closed_at:
        return _("Closed")
    words = str(mail.get_verdict_display())
    return f"{words}: {mail.get_reason_display()}" if mail.reason else words
