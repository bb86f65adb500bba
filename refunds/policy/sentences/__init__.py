"""The clauses as people read them, in the shop's own words. ``{n.…}`` is the number that the predicate uses."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise

from refunds.policy.sentences import doctorsim, house, imei_org, imei_server, imeishop

SENTENCES: Final[dict[str, Promise]] = {
    **house.SENTENCES,
    **imei_org.SENTENCES,
    **imei_server.SENTENCES,
    **doctorsim.SENTENCES,
    **imeishop.SENTENCES,
}
