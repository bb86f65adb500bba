"""What the mail provider told of mails."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import MailEvent
from unlockshop.kernel.staff_pages import RecordAdmin
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, change_url, moment, moment_column

HAPPENED = moment_column("happened_at", gettext_lazy("Happened"))


@admin.register(MailEvent)
class MailEventAdmin(RecordAdmin):
    """Events as they came; what they changed is on the mail and in the order's timeline."""

    list_display = ("event_id", "kind", "mail_key", "address", "verdict", "deliveries", HAPPENED)
    list_filter = ("verdict", "kind", "work_state")
    search_fields = ("event_id",)
    search_help_text = gettext_lazy("Event id, our mail's key, address")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[MailEvent], search_term: str
    ) -> tuple[QuerySet[MailEvent], bool]:
        """By event id, by the beginning of a mail's key, or by address."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(event_id=term) | Q(mail_key__istartswith=term) | Q(address__iexact=term)), False

    def facts(self, request: HttpRequest, obj: MailEvent) -> Sequence[Facts]:
        """What it says and what became of it."""
        mail = Cell(obj.mail.key, change_url(obj.mail), is_code=True) if obj.mail else Cell(obj.mail_key or "—")
        said = [
            Fact(_("Kind"), Cell(obj.kind)),
            Fact(_("Mail"), mail),
            Fact(_("Address"), Cell(obj.address or "—")),
            Fact(_("Reason"), Cell(obj.reason or "—")),
            Fact(_("Happened"), Cell(moment(obj.happened_at))),
        ]
        became = [
            Fact(_("Received"), Cell(moment(obj.received_at))),
            Fact(_("Times received"), Cell(obj.deliveries)),
            Fact(_("State"), Cell(obj.get_work_state_display())),
            Fact(_("Verdict"), Cell(obj.get_verdict_display())),
            Fact(_("Last error"), Cell(obj.last_error or "—")),
        ]
        return [Facts(_("Event"), said), Facts(_("What became of it"), became)]

    def sections(self, request: HttpRequest, obj: MailEvent) -> Sequence[Section]:
        """The part of the provider's words that is kept."""
        return [
            Section(_("As it came"), "admin/parts/pre.html", json.dumps(obj.payload, indent=2, ensure_ascii=False))
        ]
