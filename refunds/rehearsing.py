"""What decisions would become under a version of the refund rules that is not published yet. Nothing is written.

Three kinds are decided twice, by the version in force and by the new one: the worked decisions that ship with the
shop, past claims, and orders that ended without a claim, as if their customers asked today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from django.db.models import Model, QuerySet, TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order
from orders.states import UNDELIVERED, OrderState
from refunds import reviewing
from refunds.models import Claim
from refunds.order_facts import Asked, collect
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.facts import OrderFacts
from refunds.policy.profile import Profile
from refunds.scenarios import files, reading
from refunds.scenarios.reading import Scenario
from refunds.states import ClaimType
from unlockshop.kernel import clock

NEWEST: Final = 250
"""How many claims and how many orders are looked at, the newest first: about three seconds."""


class Source(TextChoices):
    """Where a decision comes from."""

    CLAIM = "claim", gettext_lazy("Past claims")
    ORDER = "order", gettext_lazy("Past orders, if claimed today")
    WORKED = "worked", gettext_lazy("Worked decisions")


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a decision that would be another."""

    part: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Differing:
    """A decision that would be another. ``row`` is the claim or order; None for a worked decision."""

    source: Source
    name: str
    row: Model | None
    changes: tuple[Change, ...]
    is_another: bool
    """Whether it is another decision, or another sum: not only another clause or date."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How many decisions of each source were taken twice, how many there are, and those that differ."""

    taken: Mapping[Source, int]
    there_are: Mapping[Source, int]
    differing: tuple[Differing, ...]

    @property
    def total(self) -> int:
        """All decisions taken."""
        return sum(self.taken.values())


def rehearse(old: Profile, new: Profile, *, newest: int = NEWEST) -> Rehearsal:
    """Decide by both versions; ``newest`` bounds the claims and the orders that are looked at."""
    claims = Claim.objects.filter(profile__startswith=f"{old.name} ").order_by("-pk")
    orders = (
        Order.objects.filter(
            state__in=sorted({*UNDELIVERED, OrderState.COMPLETED}),
            purchase__refund_profile__startswith=f"{old.name} ",
            claims=None,
            price__gt=0,
        )
        .defer("result")
        .order_by("-pk")
    )
    taken = dict.fromkeys(Source, 0)
    differing = []
    for source, name, row, facts in (*_claims(claims[:newest]), *_orders(orders[:newest], old), *_worked(old.name)):
        taken[source] += 1
        was, becomes = assess(facts, old), assess(facts, new)
        changes = tuple(_changes(was, becomes))
        if changes:
            is_another = was.decision != becomes.decision or _money(was) != _money(becomes)
            differing.append(Differing(source, name, row, changes, is_another))
    differing.sort(key=lambda each: not each.is_another)
    there_are = {**taken, Source.CLAIM: claims.count(), Source.ORDER: orders.count()}
    return Rehearsal(taken, there_are, tuple(differing))


_Found = tuple[Source, str, Model | None, OrderFacts]


def _worked(profile: str) -> Iterator[_Found]:
    for each in _read():
        if each.profile == profile:
            yield Source.WORKED, each.id, None, each.facts


@lru_cache(maxsize=1)
def _read() -> tuple[Scenario, ...]:
    return tuple(reading.scenario(raw) for path in files.worked() for raw in files.load(path)[0])


def _claims(claims: QuerySet[Claim]) -> Iterator[_Found]:
    for claim in claims.select_related("order__purchase"):
        yield Source.CLAIM, str(claim), claim, reviewing.judged(claim).facts


def _orders(orders: QuerySet[Order], old: Profile) -> Iterator[_Found]:
    for order in orders.select_related("purchase"):
        yield Source.ORDER, order.number, order, collect(order, _asked(order), old)


def _asked(order: Order) -> Asked:
    """What a customer would most likely ask; of an order that brought nothing the shop asks itself as it ends."""
    if order.state in UNDELIVERED:
        return Asked(ClaimType.OUTCOME, order.ended_at or clock.now())
    kind = ClaimType.NOT_WORKING if order.service_kind == "unlock" else ClaimType.RESULT_DIFFERS
    return Asked(kind, clock.now())


def _changes(old: Assessment, new: Assessment) -> Iterator[Change]:
    pairs = (
        (_("Decision"), str(old.decision), str(new.decision)),
        (_("Reason"), str(old.code), str(new.code)),
        (_("Clauses"), " ".join(old.reasons[0].clauses), " ".join(new.reasons[0].clauses)),
        (_("Money"), _money(old), _money(new)),
        *((name.replace("_", " "), _at(old, name), _at(new, name)) for name in _deadlines(old, new)),
    )
    for part, was, becomes in pairs:
        if was != becomes:
            yield Change(part, was, becomes)


def _deadlines(old: Assessment, new: Assessment) -> list[str]:
    return list(dict.fromkeys(each.name for each in (*old.deadlines, *new.deadlines)))


def _money(answer: Assessment) -> str:
    return str(answer.refund.total) if answer.refund else "—"


def _at(answer: Assessment, name: str) -> str:
    at: datetime | None = answer.deadline(name)
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else "—"
