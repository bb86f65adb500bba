"""Legal notices by country: what customers who live there confirm before they order."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import get_language

from refunds.models import LegalNotice


def in_force() -> Sequence[LegalNotice]:
    """One notice for each country that has any: in the active language, or else English, or else what there is."""
    wanted = get_language() or settings.LANGUAGE_CODE
    ranks = {wanted: 0, settings.LANGUAGE_CODE: 1} if wanted != settings.LANGUAGE_CODE else {wanted: 0}
    found: dict[str, LegalNotice] = {}
    notices = LegalNotice.objects.filter(is_active=True)
    for notice in sorted(notices, key=lambda each: (each.country, ranks.get(each.language, 2), each.language)):
        found.setdefault(notice.country, notice)
    return list(found.values())


def words_for(country: str) -> str:
    """What a customer who lives there confirms; empty where there is nothing. Asks nothing without a country."""
    return next((each.words for each in in_force() if each.country == country), "") if country else ""
