"""The versions of refund profiles: those that ship with the shop, and those that staff published since.

A version never changes: shipped ones are pinned by hash in the tests, published ones are append-only rows with their
hash. Purchases and claims name the version they are judged by, and ``profile`` finds it for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from refunds.models import PolicyVersion
from refunds.policy import published
from refunds.policy.measures import changed, measured
from refunds.policy.profile import Profile, publish
from refunds.policy.rendering import clause_text
from refunds.policy.rulebook import ids_of
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

# Three parts, where versions that ship have two: neither ever takes the other's name.
_VERSION: Final = re.compile(r"[0-9]{4}-[a-z0-9]{1,6}-[a-z0-9]{1,6}")
_DRAFT: Final = "draft"


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """A clause or number that reads differently in two versions; ``old`` is empty where it is new, ``new`` where it
    is gone."""

    id: str
    old: str
    new: str


def profile(name: str, version: str | None = None) -> Profile:
    """A profile, in the version in force unless one is named. Raises ``KeyError`` if there is none such."""
    shipped = published.versions(name)
    rows = PolicyVersion.objects.filter(name=name)
    if version is None:
        row = rows.filter(root=shipped[-1].version).first()
        return shipped[-1] if row is None else _profile_of(row)
    known = next((each for each in shipped if each.version == version), None)
    if known is not None:
        return known
    row = rows.filter(version=version).first()
    if row is None:
        raise KeyError(f"{name} {version}")
    return _profile_of(row)


def named(text: str) -> Profile:
    """The profile that a purchase or claim names, such as "default 2026-11". Raises ``KeyError``."""
    name, _blank, version = text.partition(" ")
    return profile(name, version or None)


def by_name(name: str) -> dict[str, Profile]:
    """Every version of a profile by its full name, such as "default 2026-11". One query. Raises ``KeyError``."""
    found = [*published.versions(name), *(_profile_of(row) for row in PolicyVersion.objects.filter(name=name))]
    return {f"{name} {each.version}": each for each in found}


def history(name: str) -> Sequence[tuple[str, datetime | date]]:
    """Every version of a profile with the day it came into force, the newest first. Raises ``KeyError``."""
    rows = list(PolicyVersion.objects.filter(name=name))
    found: list[tuple[str, datetime | date]] = []
    for shipped in reversed(published.versions(name)):
        found += [(row.version, row.published_at) for row in rows if row.root == shipped.version]
        found.append((shipped.version, shipped.numbers.effective_on))
    return found


def latest(name: str, rows: Sequence[PolicyVersion]) -> tuple[Profile, Profile | None]:
    """The profile in the version in force, and in the one before; None where it is the first. No query.

    ``rows`` are all that were published, of any profile, the newest first.
    """
    rows = [row for row in rows if row.name == name]
    shipped = published.versions(name)
    known = [_profile_of(row) for row in rows if row.root == shipped[-1].version]
    known.append(shipped[-1])
    if len(known) == 1 and len(shipped) > 1:
        earlier = [_profile_of(row) for row in rows if row.root == shipped[-2].version]
        known.append(earlier[0] if earlier else shipped[-2])
    return known[0], known[1] if len(known) > 1 else None


def before(agreed: Profile) -> Profile | None:
    """The version that was in force before this one; None for the first."""
    known = [version for version, _day in history(agreed.name)]
    earlier = known[known.index(agreed.version) + 1 :] if agreed.version in known else []
    return profile(agreed.name, earlier[0]) if earlier else None


def draft(base: Profile, changes: Mapping[str, int], *, version: str = _DRAFT) -> Profile:
    """What ``base`` would be with some numbers changed: for reading, comparing and trying. Nothing is stored.

    Raises ``Refused`` for numbers that the terms do not have or that are out of bounds.
    """
    return publish(changed(base.numbers, changes, version=version, effective_on=clock.now().date()))


def draft_print(base: Profile, changes: Mapping[str, int]) -> str:
    """The hash of what ``base`` would be with some numbers changed, whatever it is called and whenever that is.

    Two drafts that read and decide alike have the same. Raises ``Refused`` as ``draft`` does.
    """
    new = changed(base.numbers, changes, version=_DRAFT, effective_on=base.numbers.effective_on)
    return publish(new).fingerprint()


def differences(old: Profile, new: Profile) -> list[ClauseChange]:
    """The numbers, then the clauses, that read differently, in the active language."""
    was = {measure.path: (measure, value) for measure, value in measured(old.numbers)}
    found = [
        ClauseChange(str(measure.label), measure.said(was[measure.path][1]), measure.said(value))
        for measure, value in measured(new.numbers)
        if measure.path in was and was[measure.path][1] != value
    ]
    texts = [_texts(each) for each in (old, new)]
    ids = dict.fromkeys([*texts[0], *texts[1]])
    pairs = [ClauseChange(each, texts[0].get(each, ""), texts[1].get(each, "")) for each in ids]
    return [*found, *(pair for pair in pairs if pair.old != pair.new)]


def publish_version(
    name: str, changes: Mapping[str, int], *, version: str, base: str, reason: str, actor: Actor
) -> PolicyVersion:
    """Put a new version in force: from now on purchases are made under it. Earlier ones keep theirs.

    ``base`` is the version that the person saw in force. Raises ``Refused``: ``stale`` where another is by now,
    ``version`` for a name that is malformed or taken, ``same`` where nothing changes, ``unknown`` and ``bounds``.
    """
    if not _VERSION.fullmatch(version) or len(version) > 18:
        text = _("Name the version by its month and a third part, such as %(name)s.")
        raise Refused(text % {"name": f"{clock.now():%Y-%m}-b"}, code="version")
    former = profile(name)
    if former.version != base:
        raise Refused(_("Another version came into force meanwhile. Look at the difference again."), code="stale")
    new = draft(former, changes, version=version)
    if not differences(former, new):
        raise Refused(_("Nothing would change."), code="same")
    if version in {known for known, _day in history(name)}:
        raise Refused(_("There is a version of this name already."), code="version")
    row = PolicyVersion.objects.filter(name=name, version=base).first()
    root = row.root if row else base
    with override("en"):
        texts = _texts(new)
    try:
        with transaction.atomic():
            return PolicyVersion.objects.create(
                name=name,
                version=version,
                base=base,
                root=root,
                changes={**(row.changes if row else {}), **changes},
                texts=texts,
                fingerprint=new.fingerprint(),
                reason=reason,
                published_at=clock.now(),
                published_by=actor.label,
            )
    except IntegrityError as error:
        text = _("Another version came into force meanwhile. Look at the difference again.")
        raise Refused(text, code="stale") from error


def altered() -> list[PolicyVersion]:
    """Published versions that do not come out as they were published: their clauses were edited in the source."""
    return [row for row in PolicyVersion.objects.all() if _profile_of(row).fingerprint() != row.fingerprint]


def hidden() -> list[PolicyVersion]:
    """Published versions of a name that a shipped one has as well: what was agreed under them could not be found."""
    shipped = {(name, each.version) for name in published.SHIPPED for each in published.versions(name)}
    return [row for row in PolicyVersion.objects.all() if (row.name, row.version) in shipped]


def _profile_of(row: PolicyVersion) -> Profile:
    return _built(row.name, row.root, row.version, row.published_at.date(), tuple(sorted(row.changes.items())))


@lru_cache(maxsize=64)
def _built(name: str, root: str, version: str, day: date, changes: tuple[tuple[str, int], ...]) -> Profile:
    numbers = published.profile(name, root).numbers
    return publish(changed(numbers, dict(changes), version=version, effective_on=day))


def _texts(agreed: Profile) -> dict[str, str]:
    return {each: clause_text(each, agreed.numbers) for each in ids_of(agreed)}
