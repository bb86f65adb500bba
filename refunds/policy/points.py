"""Predicates of the tables: facts that bar, grounds that are none, points of a video and of a better price."""

from __future__ import annotations

from typing import Final

from refunds.policy.facts import OrderFacts, Video
from refunds.policy.numbers import Bar, Numbers
from unlockshop.kernel.calendars import add_months

F = OrderFacts
N = Numbers
NOT_WORKING: Final = "not_working"
LATE_GROUNDS: Final = frozenset({"late", "stuck"})
VIDEO_POINTS: Final = frozenset(Video.__dataclass_fields__) - {"width", "height", "duration_s", "review"}


def bar_fits(bar: Bar, f: F) -> bool:
    """Whether the conditions of ``bar`` hold, whoever says that the fact does."""
    if bar.outcomes is not None and f.outcome not in bar.outcomes:
        return False
    if bar.grounds is not None and f.claim.ground not in bar.grounds:
        return False
    if bar.clean_scope_only and f.service.scope != "clean":
        return False
    is_admitted = f.supplier.code_recheck == "wrong_confirmed"
    return f.kind not in bar.causal_kinds or (f.claim.ground == NOT_WORKING and not is_admitted)


def bar_applies(bar: Bar, f: F, _n: N) -> bool:
    """The fact is established and the conditions of the bar hold."""
    return bar.fact in f.proven and bar_fits(bar, f)


def bar_caused_delay(bar: Bar, f: F) -> bool:
    """The fact is established as the reason of the delay; conditions on how the order ended do not matter then."""
    fits_scope = not bar.clean_scope_only or f.service.scope == "clean"
    return fits_scope and any(fact.fact == bar.fact and fact.caused_delay for fact in f.established)


def has_ground(ground: str, f: F, _n: N) -> bool:
    """The customer's own reason."""
    return f.claim.ground == ground


def video_lacks(point: str, f: F, _n: N) -> bool:
    """The video does not show ``point``, an attribute of ``Video``."""
    return f.video is not None and not getattr(f.video, point)


def lacks_detail(detail: str, f: F, _n: N) -> bool:
    """The price claim comes without ``detail``, an attribute of ``PriceMatch``."""
    return f.price_match is None or not getattr(f.price_match, detail)


def lacks_condition(condition: str, f: F, n: N) -> bool:
    """Staff found that the other offer does not meet ``condition``, an attribute of ``PriceMatch``."""
    if f.price_match is None or n.price_match is None:
        return False
    if condition == "site_updated_on":
        updated, today = f.price_match.site_updated_on, n.calendar.local(f.moment).date()
        return updated is not None and add_months(updated, n.price_match.site_months) < today
    return getattr(f.price_match, condition) is False
