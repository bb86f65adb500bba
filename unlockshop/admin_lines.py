"""A line of the staff's landing page, and its words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from unlockshop.kernel.staff_parts import moment, span


@dataclass(frozen=True, slots=True)
class Queue:
    """One line: what waits, how many, since when, until when."""

    title: str
    count: int
    href: str
    oldest: str = ""
    due: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class QueueGroup:
    """Lines under one heading."""

    title: str
    hint: str
    queues: list[Queue]


def due_words(due: datetime, late: int, now: datetime) -> str:
    if late:
        return _("%(late)d overdue, the oldest by %(span)s") % {"late": late, "span": span(now - due)}
    return _("next due %(moment)s") % {"moment": moment(due)}
