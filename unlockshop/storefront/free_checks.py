"""Orders that cost nothing: a task for the browser first, and so many a day for a visitor and for a device."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from orders.models import Draft
from unlockshop.storefront import checkout_drafts, errors, proof_of_work
from unlockshop.storefront.ratelimit import HOUR, allowed, too_many

DAY: Final = 24 * HOUR


def is_free(draft: Draft) -> bool:
    """Whether the draft was quoted at nothing."""
    total = checkout_drafts.quoted(draft)
    return total is not None and total.amount == 0


def task_for(draft: Draft) -> str:
    """The task for the page that orders the draft; empty where it costs something."""
    return proof_of_work.task(_purpose(draft)) if is_free(draft) else ""


def has_proof(draft: Draft, proof: str) -> bool:
    """Whether the draft may go on: it costs something, or its task was solved. A proof counts once."""
    return not is_free(draft) or proof_of_work.is_solved(proof, _purpose(draft))


def too_many_today(request: HttpRequest, draft: Draft) -> HttpResponse | None:
    """Count a free order; 429 where this visitor, or all together for this device, have had a day's worth."""
    if not is_free(draft):
        return None
    devices = [device["value"] for device in draft.devices]
    if not (_is_much(request, len(devices)) or any(_is_much_for(request, value) for value in devices)):
        return None
    response = errors.problem(
        request,
        status=429,
        title=_("No more free checks today"),
        text=_(
            "Free checks are limited by the day, for each visitor and for each device. Nothing was ordered. "
            "Come back tomorrow, or order a check that costs something."
        ),
        way_out=errors.WayOut(f"{reverse('catalogue')}?kind=check", _("See all checks")),
    )
    response["Retry-After"] = str(DAY)
    return response


def _is_much(request: HttpRequest, count: int) -> bool:
    return too_many(request, "free-check", settings.FREE_CHECKS_PER_DAY, DAY, count=count)


def _is_much_for(request: HttpRequest, identifier: str) -> bool:
    """What a visitor is refused does not count for the device: strangers would use it up for its owner."""
    if too_many(request, "free-check-of", settings.FREE_CHECKS_PER_DEVICE, DAY, identifier):
        return True
    return not allowed(f"free-check-of:{identifier}", None, settings.FREE_CHECKS_PER_DEVICE_BY_ALL, DAY)


def _purpose(draft: Draft) -> str:
    return f"free-check:{draft.token}"
