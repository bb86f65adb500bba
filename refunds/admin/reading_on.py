"""The claims before and after one in its queue, so that staff go through it without the list between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict

from refunds import queues
from refunds.models import Claim
from refunds.states import ClaimState, ClaimType
from unlockshop.kernel.staff_parts import change_url

# How far into a queue places are told.
MOST: Final = 2000
FILTERS: Final = "_changelist_filters"


@dataclass(frozen=True, slots=True)
class ReadingOn:
    """Addresses of the neighbours, empty where there is none; ``place`` counts from 1, 0 outside the queue."""

    previous: str
    next: str
    place: int
    count: int


def around(request: HttpRequest, claim: Claim) -> ReadingOn:
    """The neighbours of a claim in the queue that the list was filtered by; without a filter, what waits for staff."""
    kept = request.GET.get(FILTERS, "")
    asked = QueryDict(kept)
    rows = queues.named(asked.get("waits", "")) if asked.get("waits") else None
    if rows is None:
        rows = Claim.objects.all() if kept else queues.for_staff()
    if asked.get("state__exact") in ClaimState.values:
        rows = rows.filter(state=asked["state__exact"])
    if asked.get("type__exact") in ClaimType.values:
        rows = rows.filter(type=asked["type__exact"])
    ids = list(rows.order_by(*queues.ORDERING).values_list("pk", flat=True)[:MOST])
    place = ids.index(claim.pk) + 1 if claim.pk in ids else 0
    # From one that was decided meanwhile the way leads on to the first of the queue.
    before = ids[place - 2] if place > 1 else None
    after = ids[place] if place < len(ids) else None
    return ReadingOn(_url(before, kept), _url(after, kept), place, len(ids))


def _url(claim_id: int | None, kept: str) -> str:
    if claim_id is None:
        return ""
    url = change_url(Claim(pk=claim_id))
    return f"{url}?{urlencode({FILTERS: kept})}" if kept else url
