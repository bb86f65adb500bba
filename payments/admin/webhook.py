"""The webhook inbox: what providers told us, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from orders.admin.wording import WORK_TONES
from payments import inbox
from payments.forms import ProcessAgainForm
from payments.models import WebhookDelivery
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, change_url, moment, moment_column
from unlockshop.kernel.work import WorkState

# Values of a provider's event that open something: links into our pages and theirs, secrets of any kind.
MASKED_NAMES: Final = ("secret", "url", "token", "api_key", "password")
RECEIVED = moment_column("received_at", gettext_lazy("Received"))


def _process_again(delivery: WebhookDelivery, _data: Mapping[str, Any], _actor: Actor) -> str:
    if not inbox.process_again(delivery):
        raise Refused(_("the delivery does not wait for staff any more"), code="not_waiting")
    return _("The delivery is processed again.")


PROCESS_AGAIN = StaffAction(
    "process-again",
    gettext_lazy("Process again"),
    gettext_lazy("Asks the provider what is true now and settles that. Safe to repeat: nothing is booked twice."),
    ProcessAgainForm,
    lambda delivery: delivery.work_state == WorkState.NEEDS_STAFF,
    _process_again,
)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(RecordAdmin):
    """What providers told us."""

    list_display = ("event_type", "event_id", "state_shown", "verdict", "deliveries", RECEIVED, "error_shown")
    list_filter = ("work_state", "verdict", "provider", "event_type")
    list_fullwidth = True
    search_fields = ("event_id", "payment__provider_ref", "payment__charge_ref", "payment__purchase__number")
    search_help_text = gettext_lazy("Event id, payment id, purchase number")
    staff_actions = (PROCESS_AGAIN,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        """Without the payload: only the page of one delivery shows it."""
        rows: QuerySet[WebhookDelivery] = (
            super().get_queryset(request).select_related("payment__purchase").defer("payload")
        )
        return rows

    @display(description=gettext_lazy("State"), ordering="work_state", label=WORK_TONES)
    def state_shown(self, delivery: WebhookDelivery) -> tuple[str, str]:
        """How far it has come."""
        return delivery.work_state, delivery.get_work_state_display()

    @display(description=gettext_lazy("Last error"))
    def error_shown(self, delivery: WebhookDelivery) -> str:
        """The beginning of what went wrong last."""
        return delivery.last_error[:80]

    def version_of(self, obj: WebhookDelivery) -> str:
        """How far it has come and how often it was tried."""
        return f"{obj.work_state} {obj.attempts}"

    def headline(self, obj: WebhookDelivery) -> Cell:
        """How far it has come."""
        return Cell(obj.get_work_state_display(), tone=WORK_TONES[obj.work_state], hint=obj.get_verdict_display())

    def facts(self, request: HttpRequest, obj: WebhookDelivery) -> Sequence[Facts]:
        """What arrived, what became of it."""
        payment = Cell(str(obj.payment), change_url(obj.payment)) if obj.payment else Cell("—")
        arrived = [
            Fact(_("Provider"), Cell(obj.provider)),
            Fact(_("Event"), Cell(obj.event_id, is_code=True)),
            Fact(_("Type"), Cell(obj.event_type, is_code=True)),
            Fact(_("Received"), Cell(moment(obj.received_at))),
            Fact(
                _("Arrived"),
                Cell(ngettext("%(count)d time", "%(count)d times", obj.deliveries) % {"count": obj.deliveries}),
            ),
        ]
        outcome = [
            Fact(_("Verdict"), Cell(obj.get_verdict_display())),
            Fact(_("Payment"), payment),
            Fact(_("Tries"), Cell(obj.attempts)),
            Fact(_("Next try"), Cell(moment(obj.next_action_at) or "—")),
            Fact(_("Last error"), Cell(obj.last_error or "—")),
        ]
        return [Facts(_("Arrived"), arrived), Facts(_("What became of it"), outcome)]

    def sections(self, request: HttpRequest, obj: WebhookDelivery) -> Sequence[Section]:
        """The payload as it was told, which is never believed."""
        text = json.dumps(masked(obj.payload), indent=2, ensure_ascii=False, sort_keys=True)
        note = _("Links and secrets are masked. The shop believes none of it: it asks the provider.")
        return [Section(_("Payload"), "admin/parts/pre.html", text, note=note)]


def masked(value: Any, name: str = "") -> Any:
    """``value`` with everything blanked whose name says that it opens something."""
    if isinstance(value, dict):
        return {key: masked(item, str(key).lower()) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, name) for item in value]
    return "•••" if value and any(part in name for part in MASKED_NAMES) else value
