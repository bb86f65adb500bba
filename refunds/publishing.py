"""Publishing a change of the refund rules that was rehearsed: exactly what the rehearsal tried, or with a reason."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from refunds import policy_versions, rehearsing
from refunds.models import PolicyVersion, Rehearsal
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState


def publish(rehearsal_id: int, *, version: str, reason: str, actor: Actor, without: str = "") -> PolicyVersion:
    """Put the draft of a rehearsal in force; the rehearsal stays beside the version for ever.

    ``without`` says why it is not waited for, where it has not ended. Raises ``Refused``: ``not_rehearsed`` without
    either, ``published`` where it was, ``altered`` where the draft reads otherwise by now, and as
    ``policy_versions.publish_version`` does.
    """
    with transaction.atomic():
        row = Rehearsal.objects.select_for_update(of=("self",)).get(pk=rehearsal_id)
        if row.published_id is not None:
            raise Refused(_("It is published."), code="published")
        is_done = row.work_state == WorkState.DONE
        if not is_done and not without.strip():
            raise Refused(_("Wait for the end of the rehearsal, or say why not."), code="not_rehearsed")
        rehearsing.versions_of(row)
        published = policy_versions.publish_version(
            row.name, row.changes, version=version, base=row.base, reason=reason, actor=actor
        )
        values = {} if is_done else {"published_without": without.strip()[:500]}
        Rehearsal.objects.filter(pk=row.pk).update(published=published, **values)
    return published


def is_current(row: Rehearsal) -> bool:
    """Whether the version that the draft would follow is still in force."""
    return policy_versions.profile(row.name).version == row.base
