"""Mails that the shop owes or has sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from orders import mailing
from orders.admin.search import find_purchases
from orders.admin.wording import WORK_TONES, mail_state_cell, opened, order_cell
from orders.forms import SendAgainForm
from orders.models import OutgoingMail, Purchase
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, change_url, moment, moment_column
from unlockshop.kernel.work import WorkState


def _send_again(mail: OutgoingMail, _data: Mapping[str, Any], _actor: Actor) -> str:
    if not mailing.send_again(mail):
        raise Refused(_("the mail is on its way already"), code="not_waiting")
    return _("%(mail)s will be sent again.") % {"mail": mail}


SEND_AGAIN = StaffAction(
    "send-again",
    gettext_lazy("Send again"),
    gettext_lazy("Sends it now. If it did go out before, the customer gets it twice."),
    SendAgainForm,
    lambda mail: mail.work_state in {WorkState.UNCERTAIN, WorkState.NEEDS_STAFF},
    _send_again,
)

SENT = moment_column("sent_at", gettext_lazy("Sent"))


@admin.register(OutgoingMail)
class OutgoingMailAdmin(RecordAdmin):
    """Mails: what they said, whether they went out."""

    list_display = ("key", "kind", "to", "state_shown", "attempts", SENT, "error_shown")
    list_filter = ("work_state", "trouble", "kind")
    search_fields = ("key",)
    search_help_text = gettext_lazy("Order or purchase number, IMEI, e-mail, provider's id")
    staff_actions = (SEND_AGAIN,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMail]:
        """Without the encrypted text: lists never open it."""
        rows: QuerySet[OutgoingMail] = (
            super()
            .get_queryset(request)
            .select_related("purchase", "order", "replaces")
            .defer("text", "order__result", "replaces__text")
        )
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OutgoingMail], search_term: str
    ) -> tuple[QuerySet[OutgoingMail], bool]:
        """Mails of the purchases that the term may mean, to that address, or with that key or provider's id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        purchases = find_purchases(Purchase.objects.order_by(), term).values("pk")
        own = Q(to__iexact=term) | Q(provider_id=term) | Q(key__istartswith=term)
        return queryset.filter(Q(purchase__in=purchases) | own), False

    @display(description=gettext_lazy("State"), ordering="work_state", label=WORK_TONES)
    def state_shown(self, mail: OutgoingMail) -> tuple[str, str]:
        """How far it has come."""
        return mail.work_state, mail.get_work_state_display()

    @display(description=gettext_lazy("Last error"))
    def error_shown(self, mail: OutgoingMail) -> str:
        """The beginning of what went wrong last."""
        return mail.last_error[:80]

    def version_of(self, obj: OutgoingMail) -> str:
        """How far it has come and how often it was tried."""
        return f"{obj.work_state} {obj.attempts}"

    def headline(self, obj: OutgoingMail) -> Cell:
        """How far it has come."""
        hints = {
            WorkState.UNCERTAIN: _("It may have gone out; the mail provider cannot tell."),
            WorkState.NEEDS_STAFF: _("It did not go out; see the last error."),
        }
        cell = mail_state_cell(obj)
        return Cell(cell.text, tone=cell.tone, hint=hints.get(WorkState(obj.work_state), ""))

    def facts(self, request: HttpRequest, obj: OutgoingMail) -> Sequence[Facts]:
        """To whom, about what, how it went."""
        about = [
            Fact(_("To"), Cell(obj.to)),
            Fact(_("Kind"), Cell(obj.get_kind_display())),
            Fact(_("Purchase"), Cell(obj.purchase.number, change_url(obj.purchase), is_code=True)),
            Fact(_("Order"), order_cell(obj.order) if obj.order else Cell(_("whole purchase"))),
        ]
        sending = [
            Fact(_("Written"), Cell(moment(obj.created_at))),
            Fact(_("Next try"), Cell(moment(obj.next_action_at) or "—")),
            Fact(_("Tries"), Cell(obj.attempts)),
            Fact(_("Sent"), Cell(moment(obj.sent_at) or "—")),
            Fact(_("Provider's id"), Cell(obj.provider_id or "—", is_code=True)),
            Fact(_("Last error"), Cell(obj.last_error or "—")),
        ]
        after = [
            Fact(_("Delivered"), Cell(moment(obj.delivered_at) or "—")),
            Fact(_("First opened"), Cell(moment(obj.opened_at) or "—")),
            Fact(_("Came back"), Cell(moment(obj.bounced_at) or "—", tone="danger" if obj.bounced_at else "")),
            Fact(_("Reported as spam"), Cell(moment(obj.complained_at) or "—")),
            Fact(_("Why"), Cell(" ".join(filter(None, [obj.get_trouble_display(), obj.trouble_reason])) or "—")),
        ]
        if obj.replaces:
            after.append(Fact(_("Sent again for"), Cell(obj.replaces.key, change_url(obj.replaces), is_code=True)))
        return [Facts(_("Mail"), about), Facts(_("Sending"), sending), Facts(_("What became of it"), after)]

    def sections(self, request: HttpRequest, obj: OutgoingMail) -> Sequence[Section]:
        """What was sent, or what would be sent now, without the secret links."""
        if obj.sent_at:
            subject, text = obj.subject, opened(obj, "text")
            title = _("As it was sent")
        else:
            subject, text = _rendered(obj)
            title = _("As it would be sent now")
        data = {"subject": subject, "text": _without_secrets(obj, text)}
        return [Section(title, "admin/parts/mail_text.html", data, note=_("Secret links are masked."))]


def _rendered(mail: OutgoingMail) -> tuple[str, str]:
    """Subject and text of a mail not sent yet; a template that fails must not take the page down with it."""
    try:
        message = mailing.render(mail)
    except Exception as error:  # whatever the template raises
        return "", _("This mail does not render: %(error)s") % {"error": type(error).__name__}
    return message.subject, message.text


def _without_secrets(mail: OutgoingMail, text: str) -> str:
    secrets = [mail.purchase.secret, mail.order.secret if mail.order else ""]
    secrets += mail.purchase.orders.values_list("secret", flat=True)
    for secret in filter(None, secrets):
        text = text.replace(secret, "•••")
    return text
