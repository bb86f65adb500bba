"""What staff may make of suppliers' services: the actions of their list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from services.syncing import choosing
from services.syncing.drafting import DraftWish
from services.syncing.forms import DraftForm, LinkForm
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_bulk import BulkAction, Report, Seen


def _report(result: choosing.Result) -> Report:
    return Report(len(result.done), [f"{row}: {reason}" for row, reason in result.refused])


def _link(seen: Seen, data: Mapping[str, Any], actor: Actor) -> Report:
    linked = choosing.link(seen, service_id=data["service"].pk, priority=data["priority"], actor=actor)
    return _report(linked)


def _draft(seen: Seen, data: Mapping[str, Any], actor: Actor) -> Report:
    wish = DraftWish(
        kind=data["kind"],
        result_kind=data["result_kind"],
        category_id=data["category"].pk,
        average_minutes=data["average_minutes"],
        guaranteed_minutes=data["guaranteed_minutes"],
    )
    return _report(choosing.draft(seen, wish=wish, actor=actor))


CHOICES = (
    BulkAction(
        "link",
        gettext_lazy("Link to a service of ours"),
        gettext_lazy(
            "Each becomes an offer behind the service, at the supplier's cost. Orders may go there from then on."
        ),
        _link,
        LinkForm,
    ),
    BulkAction(
        "draft",
        gettext_lazy("Create hidden services"),
        gettext_lazy(
            "Each becomes a hidden service with an order form and an offer. Price it and publish it yourself."
        ),
        _draft,
        DraftForm,
    ),
    BulkAction(
        "take_costs",
        gettext_lazy("Take over the new cost"),
        gettext_lazy("The supplier's cost is written into all offers that use the service. Prices stay as they are."),
        lambda seen, _data, actor: _report(choosing.take_costs(seen, actor=actor)),
    ),
    BulkAction(
        "switch_off",
        gettext_lazy("Switch the offers of gone services off"),
        gettext_lazy("No order is sent there any more. The services of ours stay as they are."),
        lambda seen, _data, actor: _report(choosing.switch_off(seen, actor=actor)),
        is_danger=True,
    ),
    BulkAction(
        "note",
        gettext_lazy("Seen, change nothing"),
        gettext_lazy("The differences are known; they are shown again when something else changes."),
        lambda seen, _data, actor: _report(choosing.note(seen, actor=actor)),
    ),
    BulkAction(
        "ignore",
        gettext_lazy("Ignore"),
        gettext_lazy("Not of interest: no difference of these is shown until you watch them again."),
        lambda seen, _data, actor: _report(choosing.ignore(seen, actor=actor)),
    ),
    BulkAction(
        "watch",
        gettext_lazy("Watch again"),
        gettext_lazy("No longer ignored."),
        lambda seen, _data, actor: _report(choosing.watch(seen, actor=actor)),
    ),
)
