"""What staff pages are made of: cells, facts, tables, sections, and how times and addresses are written there.

Texts from outside are plain strings here; the templates escape them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils import formats
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from unlockshop.kernel import clock

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Cell:
    """One value on a staff page. ``tone`` colours it as a label: info, success, warning, danger or neutral."""

    text: Any
    href: str = ""
    tone: str = ""
    is_code: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value at the top of a record."""

    label: Text
    value: Cell


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that belong together."""

    title: Text
    rows: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a record's page below the facts, rendered by ``template`` with ``data``."""

    title: Text
    template: str
    data: Any
    note: Text = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells for ``admin/parts/table.html``."""

    headers: Sequence[Text]
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)
    empty: Text = "—"


def change_url(obj: Model) -> str:
    """Address of a row's staff page."""
    meta = obj._meta  # noqa: SLF001 - the model's documented API
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(obj.pk)])


def list_url(model: type[Model], query: str = "") -> str:
    """Address of a model's list, filtered by ``query``."""
    meta = model._meta  # noqa: SLF001 - the model's documented API
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return f"{address}?{query}" if query else address


def unbroken(text: str) -> SafeString:
    """A number in one line."""
    return format_html('<span class="staff-unbroken">{}</span>', text)


def breaking(text: str) -> SafeString:
    """A long word, such as an address, that may break anywhere."""
    return format_html('<span class="staff-breaking">{}</span>', text)


def two_lines(first: str, second: str) -> SafeString:
    """A number in one line with something smaller below it."""
    return format_html('<span class="staff-unbroken">{}</span><span class="staff-second">{}</span>', first, second)


def label(text: str, tone: str) -> SafeString:
    """A coloured label for a list."""
    return format_html('<span class="staff-label staff-label-{}">{}</span>', tone, text)


def moment(at: datetime | None) -> str:
    """A time as staff read it, in UTC."""
    return formats.date_format(at, "j M Y H:i") + " UTC" if at else ""


def moment_column(name: str, title: Text) -> Callable[[Any], str]:
    """A column of a list that shows the time ``name`` as staff read it."""

    @display(description=title, ordering=name)
    def column(row: Any) -> str:
        return moment(getattr(row, name))

    column.__name__ = name
    shown: Callable[[Any], str] = column
    return shown


def span(delta: timedelta) -> str:
    """A length of time in its two largest units: "3 d 4 h"."""
    minutes = max(0, int(delta.total_seconds() // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def age(at: datetime | None) -> str:
    """How long ago, or empty."""
    return span(clock.now() - at) if at else ""
