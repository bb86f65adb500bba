"""Legal notices by country: what customers who live there confirm before they order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils.translation import get_language

from refunds.models import LegalNotice


def in_force() -> Sequence[LegalNotice]:
    """One notice for each country that has any: in the active language, or else English, or else what there is."""
    return chosen(LegalNotice.objects.filter(is_active=True))


def chosen(notices: Iterable[LegalNotice]) -> Sequence[LegalNotice]:
    """``in_force`` out of the active notices in all languages."""
    wanted = get_language() or settings.LANGUAGE_CODE
    ranks = {wanted: 0, settings.LANGUAGE_CODE: 1} if wanted != settings.LANGUAGE_CODE else {wanted: 0}
    found: dict[str, LegalNotice] = {}
    for notice in sorted(notices, key=lambda each: (each.country, ranks.get(each.language, 2), each.language)):
        found.setdefault(notice.country, notice)
    return list(found.values())
