"""Works off rehearsals of refund rules, piece by piece.

A piece is read and decided outside any transaction; then its counts, the place reached and its differing decisions are
written in one, by whoever still holds the lease. So a worker that is killed loses its piece and nothing is counted
twice, and two workers never count the same piece.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from refunds import past_decisions, policy_versions, rehearsing
from refunds.models import Claim, Rehearsal, RehearsalDifference, Source, StoredScenario
from refunds.policy.facts import OrderFacts
from refunds.policy.profile import Profile
from refunds.rehearsing import Compared
from refunds.scenarios import files, reading
from refunds.scenarios.comparing import disagreements
from refunds.scenarios.reading import Scenario
from unlockshop.kernel import clock, work
from unlockshop.kernel.work import WorkState

PIECE: Final = 200
"""Decisions in a piece: some seconds of work."""
LEASE: Final = timedelta(seconds=120)
# Then the worker does something else first, such as a video; the rehearsal goes on where it was.
SLICE_SECONDS: Final = 20.0
# A piece that ends its worker so often will do so again.
CAP: Final = 3
# Differing decisions that are kept of one rehearsal: other decisions or sums, and mere clauses or dates. All count.
MOST_GRAVER: Final = 4000
MOST_LIGHTER: Final = 1000
_ORDER: Final = (Source.CLAIM, Source.ORDER, Source.STORED, Source.WORKED)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The version in force, the draft, and every version that claims were judged by."""

    old: Profile
    new: Profile
    agreed: Mapping[str, Profile]


@dataclass(frozen=True, slots=True)
class _Taken:
    """A decision by both versions. ``row`` is the claim or order."""

    name: str
    compared: Compared
    row: Any = None
    stops: bool = False


def carry_on(rehearsal_id: int) -> None:
    """Work on one rehearsal for a while, if it is due and nobody else does."""
    row = work.claim(Rehearsal, rehearsal_id, lease=LEASE)
    if row is None:
        return
    with work.guarded(row, cap=CAP):
        if row.attempts > CAP:
            work.release(row, work_state=WorkState.NEEDS_STAFF, next_action_at=None, last_error="its worker died")
            return
        rules = _Rules(*rehearsing.versions_of(row), policy_versions.by_name(row.name))
        until = time.monotonic() + SLICE_SECONDS
        if row.begun_at is None and not _plan(row):
            return
        while _piece(row, rules):
            if time.monotonic() < until:
                continue
            if work.release(row, work_state=WorkState.QUEUED, next_action_at=clock.database_now()):
                work.ring(rehearsing.TASK, row.pk)
            return


def _plan(row: Rehearsal) -> bool:
    """Count what there is and how much of it is decided: the newest, within ``REHEARSAL_MOST_DECISIONS``."""
    there_are = {
        Source.CLAIM: past_decisions.claims_of(row.name).count(),
        Source.ORDER: past_decisions.orders_of(row.name).count(),
        Source.STORED: _stored(row).count(),
        Source.WORKED: len(_worked(row.name)),
    }
    most = settings.REHEARSAL_MOST_DECISIONS
    claims = min(there_are[Source.CLAIM], most)
    to_take = {**there_are, Source.CLAIM: claims, Source.ORDER: min(there_are[Source.ORDER], most - claims)}
    row.figures = {
        str(source): {
            "there_are": there_are[source], "to_take": to_take[source], "taken": 0, "differ": 0, "graver": 0,
            "stopped": 0, "kept": 0, "kept_lighter": 0,
        }
        for source in _ORDER
    }  # fmt: skip
    row.planned, row.begun_at = sum(to_take.values()), clock.now()
    mine = Rehearsal.objects.filter(pk=row.pk, work_state=WorkState.CLAIMED, lease_token=row.lease_token)
    return mine.update(figures=row.figures, planned=row.planned, begun_at=row.begun_at) == 1


def _piece(row: Rehearsal, rules: _Rules) -> bool:
    """Decide the next piece and write it down. False at the end, or where the lease is somebody else's by now."""
    source = Source(row.source)
    figure = row.figures[source]
    most = min(PIECE, figure["to_take"] - figure["taken"])
    taken, cursor = _take(row, source, max(0, most), rules)
    figures, differing = _counted(row, source, taken)
    is_last = len(taken) < PIECE or figures[source]["taken"] >= figures[source]["to_take"]
    following = _ORDER[_ORDER.index(source) + 1 :]
    moment = clock.database_now()
    columns = {
        "figures": figures,
        "taken": row.taken + len(taken),
        "source": following[0] if is_last and following else source,
        "cursor": None if is_last else cursor,
        "attempts": 0,
    }
    is_over = is_last and not following
    with transaction.atomic():
        if is_over:
            kept = work.finish(row, ended_at=clock.now(), **columns)
        else:
            mine = Rehearsal.objects.filter(pk=row.pk, work_state=WorkState.CLAIMED, lease_token=row.lease_token)
            columns |= {"next_action_at": moment + LEASE, "lease_until": moment + LEASE}
            kept = mine.update(**columns) == 1
        if kept:
            RehearsalDifference.objects.bulk_create(differing)
    for name, value in columns.items():
        setattr(row, name, value)
    return kept and not is_over


def _take(row: Rehearsal, source: Source, most: int, rules: _Rules) -> tuple[list[_Taken], int | None]:
    """The decisions of the next piece, and the place reached: ids go down, so what comes in meanwhile is not met."""
    if source == Source.WORKED:
        start = row.cursor or 0
        return _scenarios(_worked(row.name)[start : start + most], rules), start + most
    if source == Source.STORED:
        stored = list(_stored(row).filter(pk__gt=row.cursor or 0).order_by("pk")[:most])
        read = [reading.scenario(each.raw) for each in stored]
        return _scenarios(read, rules), stored[-1].pk if stored else None
    rows: list[Any]
    pairs: Iterable[tuple[Any, OrderFacts]]
    if source == Source.CLAIM:
        claims = past_decisions.claims_of(row.name).select_related("order__purchase").defer("order__result")
        rows = list(_below(claims, row.cursor)[:most])
        pairs = past_decisions.facts_of_claims(rows, rules.agreed, now=row.asked_at)
    else:
        orders = past_decisions.orders_of(row.name).select_related("purchase").defer("result")
        rows = list(_below(orders, row.cursor)[:most])
        pairs = past_decisions.facts_of_orders(rows, rules.old, now=row.asked_at)
    taken = [_Taken(str(each), rehearsing.compare(facts, rules.old, rules.new), each) for each, facts in pairs]
    return taken, rows[-1].pk if rows else None


def _below(rows: Any, cursor: int | None) -> Any:
    return (rows if cursor is None else rows.filter(pk__lt=cursor)).order_by("-pk")


def _scenarios(scenarios: Sequence[Scenario], rules: _Rules) -> list[_Taken]:
    return [
        _Taken(
            each.id,
            rehearsing.compare(each.facts, rules.old, rules.new),
            stops=not disagreements(each, rules.old) and bool(disagreements(each, rules.new)),
        )
        for each in scenarios
    ]


def _stored(row: Rehearsal) -> Any:
    return StoredScenario.objects.filter(profile=row.name, is_active=True)


@lru_cache(maxsize=8)
def _worked(profile: str) -> tuple[Scenario, ...]:
    found = (reading.scenario(raw) for path in files.worked() for raw in files.load(path)[0])
    return tuple(each for each in found if each.profile == profile)


def _counted(
    row: Rehearsal, source: Source, taken: Sequence[_Taken]
) -> tuple[dict[str, dict[str, int]], list[RehearsalDifference]]:
    """The figures with a piece added, and those of its differing decisions that are kept."""
    figures: dict[str, dict[str, int]] = deepcopy(row.figures)
    figure = figures[source]
    figure["taken"] += len(taken)
    differing = []
    for each in _differing(taken):
        is_another = each.compared.is_another or each.stops
        figure["differ"] += 1
        figure["graver"] += each.compared.is_another
        figure["stopped"] += each.stops
        kept, most = ("kept", MOST_GRAVER) if is_another else ("kept_lighter", MOST_LIGHTER)
        if sum(known[kept] for known in figures.values()) < most:
            figure[kept] += 1
            differing.append(_difference(row, source, each))
    return figures, differing


def _differing(taken: Sequence[_Taken]) -> Iterator[_Taken]:
    return (each for each in taken if each.compared.changes)


def _difference(row: Rehearsal, source: Source, each: _Taken) -> RehearsalDifference:
    return RehearsalDifference(
        rehearsal=row,
        source=source,
        name=each.name[:200],
        claim=each.row if isinstance(each.row, Claim) else None,
        order=each.row if source == Source.ORDER else None,
        parts=[[change.part, change.old, change.new] for change in each.compared.changes],
        is_another=each.compared.is_another,
        stops=each.stops,
    )
