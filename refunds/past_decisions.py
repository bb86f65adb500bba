"""Claims and ended orders of the past as facts, as they stood when they were decided; many at once, memory flat.

What a refund gave back after a decision, and facts that came up later, do not count for it: otherwise everything that
was paid out would only ever be "refunded already".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from orders.models import Order
from orders.states import UNDELIVERED, OrderState
from refunds import reviewing
from refunds.judging import profile_of
from refunds.models import Claim, ClaimVideo, VideoReview
from refunds.order_facts import Asked, collect
from refunds.order_rows import rows_of
from refunds.policy.facts import OrderFacts
from refunds.policy.profile import Profile
from refunds.states import DECIDED, WHOLE_VIDEOS, ClaimState, ClaimType

_OVER: Final = frozenset({ClaimState.LAPSED, ClaimState.WITHDRAWN})


def claims_of(profile: str) -> QuerySet[Claim]:
    """The claims that were judged by any version of a profile."""
    rows: QuerySet[Claim] = Claim.objects.filter(profile__startswith=f"{profile} ")
    return rows


def orders_of(profile: str) -> QuerySet[Order]:
    """The orders under a profile that ended and were paid for, without a claim."""
    rows: QuerySet[Order] = Order.objects.filter(
        state__in=sorted({*UNDELIVERED, OrderState.COMPLETED}),
        purchase__refund_profile__startswith=f"{profile} ",
        claims=None,
        price__gt=0,
    )
    return rows


def facts_of_claims(
    claims: Sequence[Claim], agreed: Mapping[str, Profile], *, now: datetime
) -> Iterator[tuple[Claim, OrderFacts]]:
    """Each claim as it was judged. ``agreed`` has its terms by name; ``now`` is when open ones are judged.

    The claims come with order and purchase. Ten queries, however many there are.
    """
    rows = rows_of([(claim.order, _known_at(claim)) for claim in claims])
    reviews, videos = _videos_of(claims)
    for claim, own in zip(claims, rows, strict=True):
        terms = agreed[claim.profile]
        video = reviewing.chosen(reviews[claim.pk], videos[claim.pk], terms)
        yield claim, collect(claim.order, _asked_by(claim, now), terms, video=video, rows=own)


def facts_of_claim(claim: Claim, *, now: datetime) -> OrderFacts:
    """One claim as it was judged."""
    return next(facts_of_claims([claim], {claim.profile: profile_of(claim)}, now=now))[1]


def facts_of_orders(orders: Sequence[Order], old: Profile, *, now: datetime) -> Iterator[tuple[Order, OrderFacts]]:
    """Each order as if its customer claimed at ``now``; of one that brought nothing, as the shop asked as it ended.

    The orders come with their purchase. Eight queries, however many there are.
    """
    asked = [_asked_of(order, now) for order in orders]
    rows = rows_of([(order, each.known_at) for order, each in zip(orders, asked, strict=True)])
    for order, each, own in zip(orders, asked, rows, strict=True):
        yield order, collect(order, each, old, rows=own)


def _known_at(claim: Claim) -> datetime | None:
    if claim.state in DECIDED:
        return claim.assessed_at or claim.decided_at
    return claim.state_changed_at if claim.state in _OVER else None


def _asked_by(claim: Claim, now: datetime) -> Asked:
    """As ``judging.judge``: as it came in, or, where something was awaited since, when it was decided."""
    known_at = _known_at(claim)
    awaited = claim.evidence_requested_at or claim.supplier_asked_at
    return Asked(ClaimType(claim.type), (known_at or now) if awaited else claim.opened_at, claim, known_at)


def _asked_of(order: Order, now: datetime) -> Asked:
    """What a customer would most likely ask; of an order that brought nothing the shop asks itself as it ends."""
    if order.state in UNDELIVERED:
        at = order.ended_at or now
        return Asked(ClaimType.OUTCOME, at, known_at=at)
    kind = ClaimType.NOT_WORKING if order.service_kind == "unlock" else ClaimType.RESULT_DIFFERS
    return Asked(kind, now)


def _videos_of(claims: Sequence[Claim]) -> tuple[dict[int, list[VideoReview]], dict[int, list[ClaimVideo]]]:
    """By claim: the newest review of each video that was there by its decision, and its whole videos."""
    known_at = {claim.pk: _known_at(claim) for claim in claims}
    reviews: dict[int, list[VideoReview]] = defaultdict(list)
    seen: set[int] = set()
    for review in VideoReview.objects.filter(video__claim__in=claims).select_related("video").order_by("-pk"):
        at = known_at[review.video.claim_id]
        if review.video_id not in seen and (at is None or review.at <= at):
            seen.add(review.video_id)
            reviews[review.video.claim_id].append(review)
    videos: dict[int, list[ClaimVideo]] = defaultdict(list)
    for video in ClaimVideo.objects.filter(claim__in=claims, stage__in=sorted(WHOLE_VIDEOS)).order_by("pk"):
        at = known_at[video.claim_id]
        if at is None or video.received_at is None or video.received_at <= at:
            videos[video.claim_id].append(video)
    return reviews, videos
