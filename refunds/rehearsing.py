"""Trying a change of the refund rules before it is published: asked for here, worked off by ``refunds.trying_out``.

Past claims, past orders as if their customers asked today, stored scenarios and those that ship with the shop are
decided by the version in force and by the draft. Nothing but the rehearsal's own rows is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from refunds import policy_versions
from refunds.models import Rehearsal, RehearsalDifference, Source
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.facts import OrderFacts
from refunds.policy.profile import Profile
from unlockshop.kernel import clock, work
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.csv_lines import Value, csv_lines
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

TASK: Final = "refunds.try_out_rules"
PAST: Final = (Source.CLAIM, Source.ORDER)
SCENARIOS: Final = (Source.STORED, Source.WORKED)
HEADER: Final = ("source", "order", "claim_or_scenario", "part", "old", "new", "other_decision_or_money")


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a decision that would be another."""

    part: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs between two decisions; ``is_another``: the decision or the sum, not only a clause or a date."""

    changes: tuple[Change, ...]
    is_another: bool


def ask(base: Profile, changes: Mapping[str, int], *, version: str, reason: str, actor: Actor) -> Rehearsal:
    """Have a draft of ``base`` tried in the background; one of the same draft that is under way is not begun again.

    Raises ``Refused``: ``same`` where nothing would change, ``unknown`` and ``bounds`` as ``policy_versions.draft``.
    """
    if not policy_versions.differences(base, policy_versions.draft(base, changes)):
        raise Refused(_("Nothing would change."), code="same")
    draft = {"name": base.name, "base": base.version, "fingerprint": policy_versions.draft_print(base, changes)}
    try:
        with transaction.atomic():
            row: Rehearsal = Rehearsal.objects.create(
                **draft,
                version=version[:18],
                changes=dict(changes),
                reason=reason[:500],
                asked_at=clock.now(),
                asked_by=actor.label[:254],
                next_action_at=clock.now(),
            )
            work.ring(TASK, row.pk)
    except IntegrityError:
        # Under way, or ended in this moment.
        row = Rehearsal.objects.filter(**draft).latest("pk")
    return row


def go_on(rehearsal_id: int) -> Rehearsal:
    """Take up again one that came to a stop, where it stopped. Raises ``Refused`` for one that did not."""
    with transaction.atomic():
        taken = Rehearsal.objects.filter(pk=rehearsal_id, work_state=WorkState.NEEDS_STAFF).update(
            work_state=WorkState.QUEUED, next_action_at=clock.now(), attempts=0
        )
        if not taken:
            raise Refused(_("It did not come to a stop."), code="not_stopped")
        work.ring(TASK, rehearsal_id)
    row: Rehearsal = Rehearsal.objects.get(pk=rehearsal_id)
    return row


def versions_of(row: Rehearsal) -> tuple[Profile, Profile]:
    """The version in force as the draft was made, and the draft. Raises ``Refused`` where it is another by now."""
    base = policy_versions.profile(row.name, row.base)
    if policy_versions.draft_print(base, row.changes) != row.fingerprint:
        raise Refused(_("The clauses were edited since: compare again."), code="altered")
    return base, policy_versions.draft(base, row.changes)


def compare(facts: OrderFacts, old: Profile, new: Profile) -> Compared:
    """Decide by both."""
    was, becomes = assess(facts, old), assess(facts, new)
    changes = tuple(_changes(was, becomes))
    return Compared(changes, was.decision != becomes.decision or _money(was) != _money(becomes))


def sentence(row: Rehearsal) -> str:
    """How many past decisions would differ, as staff read it."""
    words = {"differ": row.figure("differ", *PAST), "taken": row.figure("taken", *PAST)}
    return _("%(differ)s of %(taken)s past decisions would differ.") % words


def scenario_sentence(row: Rehearsal) -> str:
    """The same of scenarios."""
    words = {
        "differ": row.figure("differ", *SCENARIOS),
        "taken": row.figure("taken", *SCENARIOS),
        "stopped": row.figure("stopped", *SCENARIOS),
    }
    return (
        _("%(differ)s of %(taken)s scenarios would differ; %(stopped)s that came out as expected would not any more.")
        % words
    )


def differences(row: Rehearsal, most: int) -> Sequence[RehearsalDifference]:
    """The first of its differing decisions, the gravest first."""
    return list(row.differences.select_related("claim__order", "order")[:most])


def table(row: Rehearsal) -> Iterator[bytes]:
    """All differing decisions that were kept as CSV, a line for each part; memory flat."""
    return csv_lines(HEADER, _lines(row))


def _lines(row: Rehearsal) -> Iterator[tuple[Value, ...]]:
    for each in row.differences.select_related("claim__order", "order").iterator(chunk_size=500):
        order = each.claim.order if each.claim else each.order
        for part, old, new in each.parts:
            named = f"{each.name} ({each.claim_id})" if each.claim else "" if each.order else each.name
            yield each.source, order.number if order else "", named, part, old, new, "yes" if each.is_another else "no"


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
