"""What the checkout says of work that is under way already, and how often it may be asked.

It names nothing of the other order. Whether there is one is an answer all the same, so it is rationed as the
tracker's answers are: as many devices per visitor in the same time.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders import repeating
from orders.models import Draft
from services.models import ServiceKind
from unlockshop.storefront.ratelimit import too_many
from unlockshop.storefront.tracker_views import LIMIT, WINDOW_SECONDS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repeats:
    """The devices that are under way, and the words: beside each device, beside the box, where the tick is missing."""

    identifiers: Sequence[str]
    note: str
    statement: str
    missing: str


def repeats_of(draft: Draft) -> Repeats | None:
    """What is under way of this basket; None when nothing is."""
    identifiers = repeating.under_way(draft)
    return words_for(draft.service.kind, identifiers) if identifiers else None


def words_for(kind: str, identifiers: Sequence[str]) -> Repeats:
    """What is said of these, which are under way already, for a kind of service."""
    count = len(identifiers)
    if kind == ServiceKind.CHECK:
        return Repeats(
            identifiers,
            _("This check is already under way for this device."),
            ngettext(
                "Check it again all the same. A re-check is a fresh look and costs the full price.",
                "Check all %(count)d marked devices again all the same. A re-check is a fresh look and costs the full "
                "price for each.",
                count,
            )
            % {"count": count},
            _("This check is already under way. Tick the box if you want a re-check, or change the device."),
        )
    is_topup = kind == ServiceKind.TOPUP
    return Repeats(
        identifiers,
        _("This top-up is already under way for this phone number.")
        if is_topup
        else _("This work is already under way for this device."),
        ngettext(
            "Order it again all the same. It costs the full price once more.",
            "Order all %(count)d marked ones again all the same. Each costs the full price once more.",
            count,
        )
        % {"count": count},
        _("This is already under way. Tick the box if you want it again all the same, or change your order."),
    )


def may_ask(request: HttpRequest, draft: Draft) -> bool:
    """Whether this visitor may be told of the draft's devices; each counts once while the time runs.

    A basket is answered whole while anything of the ration is left. There is no ration per device as the tracker has
    one: whoever used it up would keep the device from being ordered.
    """
    devices = [device["value"] for device in draft.devices]
    return may_ask_about(request, f"{draft.token}|{devices}|{draft.answers}", count=len(devices))


def may_ask_about(request: HttpRequest, asked: str, *, count: int = 1) -> bool:
    """``may_ask`` for another form; ``asked`` names the form and everything in it."""
    mark = f"repeats:{hashlib.sha256(asked.encode()).hexdigest()[:32]}"
    try:
        if cache.get(mark):
            return True
        if too_many(request, "under-way", LIMIT, WINDOW_SECONDS, count=count):
            return False
        cache.set(mark, True, timeout=WINDOW_SECONDS)
    except Exception as error:
        logger.warning("basket not marked as answered: %s", type(error).__name__)
    return True
