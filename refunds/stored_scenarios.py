"""Scenarios that staff keep: read from a file or made of a decided claim, and written out again as a file.

A file is kept whole or not at all, and only as it was shown: ``digest`` stands for what was read and what was there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from refunds import past_decisions, policy_versions
from refunds.judging import profile_of
from refunds.models import Claim, Origin, StoredScenario
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.codes import Decision
from refunds.policy.facts import OrderFacts
from refunds.policy.published import profiles
from refunds.scenarios import files, reading, writing
from refunds.scenarios.comparing import Disagreement, disagreements
from refunds.scenarios.fields import ScenarioError
from refunds.scenarios.plain import plain
from refunds.states import DECIDED, ClaimState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

MAX_BYTES: Final = 900 * 1024
MOST_IN_FILE: Final = 1000
MOST_STORED: Final = 1000
NAME_LENGTH: Final = 120
_MOST_TOLD: Final = 20


class Standing(StrEnum):
    """How a scenario of a file stands to the one that is kept under its name."""

    NEW = auto()
    CHANGED = auto()
    UNCHANGED = auto()


@dataclass(frozen=True, slots=True)
class Offered:
    """A scenario of a file. ``agrees``: the rules in force decide as it expects."""

    name: str
    profile: str
    raw: dict[str, Any]
    standing: Standing
    agrees: bool

    @property
    def title(self) -> str:
        """What it is about, as it says itself."""
        return str(self.raw.get("title") or "")[:200]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a file holds. ``sums``: arithmetic cases, which are not kept."""

    scenarios: tuple[Offered, ...]
    sums: int
    digest: str

    def count(self, standing: Standing) -> int:
        """How many stand so."""
        return sum(each.standing == standing for each in self.scenarios)


def read(content: bytes) -> Offer:
    """What a file would bring; nothing is written. Raises ``Refused`` with a line for each scenario that is wrong."""
    if len(content) > MAX_BYTES:
        raise Refused(_("The file is larger than %(kb)s KB.") % {"kb": MAX_BYTES // 1024}, code="too_large")
    try:
        entries, sums = files.parse(content, with_aliases=False)
    except ScenarioError as error:
        raise Refused(_("The file %(why)s.") % {"why": error}, code="unreadable") from error
    if not entries or len(entries) > MOST_IN_FILE:
        words = _("A file holds 1 to %(most)s scenarios; this one has %(count)s.")
        raise Refused(words % {"most": MOST_IN_FILE, "count": len(entries)}, code="number")
    found, wrong = [], []
    seen: set[str] = set()
    for number, raw in enumerate(entries, start=1):
        name = files.name_of(raw, number)
        try:
            found.append(_checked(raw, seen))
        except ScenarioError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        more = [_("and %(count)s more") % {"count": len(wrong) - _MOST_TOLD}] if len(wrong) > _MOST_TOLD else []
        raise Refused("\n".join([*wrong[:_MOST_TOLD], *more]), code="unreadable")
    return _offer(found, len(sums))


def keep(content: bytes, *, digest: str, came_from: str, reason: str, actor: Actor) -> Offer:
    """Keep every scenario of a file, as ``read`` showed it.

    Raises ``Refused`` as ``read`` does, ``reason_required``, ``too_many``, or ``stale`` where something changed since.
    """
    _need(reason)
    offer = read(content)
    if offer.digest != digest:
        raise Refused(_("The scenarios have changed meanwhile. Look at them again."), code="stale")
    by = {"origin": Origin.FILE, "came_from": came_from[:200], **_by(reason, actor)}
    try:
        with transaction.atomic():
            for each in offer.scenarios:
                values = {"profile": each.profile, "title": each.title, "raw": each.raw, **by}
                if each.standing == Standing.NEW:
                    StoredScenario.objects.create(name=each.name, **values)
                elif each.standing == Standing.CHANGED:
                    StoredScenario.objects.filter(name=each.name).update(**values)
            _check_room()
    except IntegrityError as error:
        raise Refused(_("The scenarios have changed meanwhile. Look at them again."), code="stale") from error
    return offer


def keep_claim(
    claim_id: int, *, name: str, title: str, by_rules: bool, reason: str, actor: Actor
) -> tuple[StoredScenario, list[Disagreement]]:
    """Keep a decided claim as a scenario, and say where the rules in force decide otherwise.

    The facts are those that it was judged by, without anything that names somebody or a device. Expected is what was
    decided, or (``by_rules``) what the rules answered then. Raises ``Refused``: ``undecided``, ``kept``, ``named``,
    ``lost`` where the facts of then cannot be told any more, ``name``, ``reason_required``, ``too_many``.
    """
    _need(reason)
    claim = Claim.objects.select_related("order__purchase").get(pk=claim_id)
    if claim.state not in DECIDED:
        raise Refused(_("Only a claim that is decided becomes a scenario."), code="undecided")
    names = {claim.order.number, claim.order.identifier, claim.order.purchase.email, claim.order.purchase.number}
    if any(each and each.casefold() in f"{name} {title}".casefold() for each in names):
        raise Refused(_("A scenario names no order, customer or device."), code="named")
    agreed = profile_of(claim)
    facts = past_decisions.facts_of_claim(claim, now=clock.now())
    answer = assess(facts, agreed)
    if (answer.decision, answer.code) != (claim.engine_decision, claim.engine_code):
        text = _("The facts of then cannot be told any more: the rules answered %(then)s and would answer %(now)s.")
        raise Refused(text % {"then": claim.engine_code or "—", "now": answer.code}, code="lost")
    expect = _answered(answer) if by_rules else _decided(claim, answer)
    raw = _raw_of(facts, answer, {"id": name.strip(), "profile": agreed.name, "title": title.strip()}, expect)
    try:
        found = reading.scenario(_checked(raw, set()))
        with transaction.atomic():
            if StoredScenario.objects.filter(claim=claim).exists():
                raise Refused(_("The claim is kept as a scenario already."), code="kept")
            row = StoredScenario.objects.create(
                name=found.id, profile=found.profile, title=title.strip()[:200], raw=raw, origin=Origin.CLAIM,
                claim=claim, **_by(reason, actor),
            )  # fmt: skip
            _check_room()
    except ScenarioError as error:
        raise Refused(str(error), code="name") from error
    except IntegrityError as error:
        raise Refused(_("There is a scenario of this name already."), code="name") from error
    return row, disagreements(found, policy_versions.profile(found.profile))


def set_active(scenario_id: int, is_active: bool, *, reason: str, actor: Actor) -> None:
    """Have a scenario decided in rehearsals, or not any more. Raises ``Refused`` without a reason."""
    _need(reason)
    StoredScenario.objects.filter(pk=scenario_id).update(is_active=is_active, **_by(reason, actor))


def active() -> Iterator[reading.Scenario]:
    """The scenarios that count, by name; memory flat."""
    for row in StoredScenario.objects.filter(is_active=True).iterator(chunk_size=500):
        yield reading.scenario(row.raw)


def written(rows: Iterable[StoredScenario]) -> str:
    """Scenarios as a file, in the form in which they are read."""
    return writing.document(row.raw for row in rows)


def disagreeing(row: StoredScenario) -> list[Disagreement]:
    """Where the rules in force decide otherwise than it expects."""
    return disagreements(reading.scenario(row.raw), policy_versions.profile(row.profile))


def _checked(raw: object, seen: set[str]) -> dict[str, Any]:
    """The scenario as JSON, once it is known to be one. Raises ``ScenarioError``."""
    found = plain(raw)
    name = reading.scenario(found).id
    if not name.strip() or name != name.strip() or len(name) > NAME_LENGTH or not name.isprintable():
        raise ScenarioError(f"id: must be a text of 1 to {NAME_LENGTH} characters")
    if name in seen:
        raise ScenarioError("id: is used twice")
    seen.add(name)
    return found


def _offer(found: list[dict[str, Any]], sums: int) -> Offer:
    kept = dict(StoredScenario.objects.filter(name__in=[raw["id"] for raw in found]).values_list("name", "raw"))
    force = {name: policy_versions.profile(name) for name in profiles()}
    offered = tuple(
        Offered(
            raw["id"],
            raw["profile"],
            raw,
            _standing(raw, kept.get(raw["id"])),
            not disagreements(reading.scenario(raw), force[raw["profile"]]),
        )
        for raw in found
    )
    content = json.dumps([[each.raw, kept.get(each.name)] for each in offered], sort_keys=True)
    return Offer(offered, sums, hashlib.sha256(content.encode()).hexdigest())


def _standing(raw: dict[str, Any], kept: dict[str, Any] | None) -> Standing:
    if kept is None:
        return Standing.NEW
    return Standing.UNCHANGED if kept == raw else Standing.CHANGED


def _check_room() -> None:
    if StoredScenario.objects.count() > MOST_STORED:
        raise Refused(_("At most %(most)s scenarios are kept.") % {"most": MOST_STORED}, code="too_many")


def _need(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")


def _by(reason: str, actor: Actor) -> dict[str, Any]:
    return {"reason": reason.strip()[:500], "kept_at": clock.now(), "kept_by": actor.label[:254]}


def _answered(answer: Assessment) -> dict[str, Any]:
    total = answer.refund.total if answer.refund else None
    return writing.expectation(answer.decision, answer.code, answer.reasons[0].clauses, total)


def _decided(claim: Claim, answer: Assessment) -> dict[str, Any]:
    """What became of it, by whoever decided."""
    is_granted = claim.state in {ClaimState.APPROVED, ClaimState.SETTLED}
    decision = Decision.ELIGIBLE if is_granted else Decision.NOT_ELIGIBLE
    if is_granted and answer.decision.is_grant:
        decision = answer.decision
    total = claim.money if is_granted and claim.amount > 0 else None
    return writing.expectation(decision, claim.code, claim.clauses.split(), total)


def _raw_of(facts: OrderFacts, answer: Assessment, about: dict[str, Any], expect: dict[str, Any]) -> dict[str, Any]:
    """The scenario; with the order's own clocks only where it would be decided otherwise without them."""
    agreed = policy_versions.profile(answer.profile, answer.version)
    for with_clocks in (False, True):
        raw = {
            **about,
            "facts": writing.facts_of(facts, with_clocks=with_clocks),
            "claim": writing.claim_of(facts.claim),
            "expect": expect,
        }
        try:
            again = assess(reading.scenario(raw).facts, agreed)
        except ScenarioError as error:
            raise Refused(str(error), code="lost") from error
        if _says(again) == _says(answer):
            return raw
    raise Refused(_("The facts of this claim cannot be written as a scenario."), code="lost")


def _says(answer: Assessment) -> tuple[object, ...]:
    return answer.decision, answer.reasons, answer.refund and answer.refund.total, answer.deadlines
