"""The catalogue's address read as a wish: bounded, and what cannot be read is left out with a word about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from services import browsing
from services.browsing import Found, Sort, Wanted
from services.models import ServiceKind
from unlockshop.kernel.money import Money

MAX_PRICE: Final = Decimal(10_000_000)
TIMES: Final = {
    60: gettext_lazy("Within an hour"),
    24 * 60: gettext_lazy("Within a day"),
    3 * 24 * 60: gettext_lazy("Within 3 days"),
    7 * 24 * 60: gettext_lazy("Within a week"),
}
# The parts of the address, in the order in which it is written.
PARTS: Final = (
    "q", "category", "kind", "brand", "operator", "country", "min_price", "max_price", "within", "sort",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force, and the address of the list without it."""

    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: as a wish, as words of the address, and what of it was left out."""

    wanted: Wanted
    values: dict[str, str]
    notices: Sequence[str]
    page: int

    @property
    def query(self) -> str:
        """The address's query without the page."""
        return urlencode(self.values)

    def without(self, name: str) -> str:
        """The query without one part."""
        return urlencode({key: value for key, value in self.values.items() if key != name})


def read(query: QueryDict, currency: str) -> Asked:
    """The wish that a query states; parts that cannot be read are left out and named."""
    values: dict[str, str] = {}
    refused: list[str] = []
    for name in PARTS:
        text = query.get(name, "")[: browsing.MAX_QUERY].strip()
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
            refused.append(name)
        elif text:
            values[name] = text
    texts: dict[str, Any] = {name: values.get(name, "") for name in ("category", "brand", "operator", "country")}
    wanted = Wanted(words=values.get("q", ""), currency=currency, **texts)
    checks: dict[str, Any] = {
        "kind": ("kind", lambda text: text if text in ServiceKind.values else None),
        "min_price": ("min_price", _price),
        "max_price": ("max_price", _price),
        "within": ("max_minutes", lambda text: int(text) if text in map(str, TIMES) else None),
        "sort": ("sort", lambda text: text if text in Sort.values else None),
    }
    for name, (attribute, read_part) in checks.items():
        if name not in values:
            continue
        value = read_part(values[name])
        if value is None:
            refused.append(name)
            del values[name]
        else:
            wanted = replace(wanted, **{attribute: value})
    least, most = wanted.min_price, wanted.max_price
    if least is not None and most is not None and least > most:
        wanted = replace(wanted, min_price=most, max_price=least)
        values["min_price"], values["max_price"] = values["max_price"], values["min_price"]
    names = labels()
    notices = [_("“%(part)s” could not be read and was left out.") % {"part": names[name]} for name in refused]
    return Asked(wanted, values, notices, _page(query))


def labels() -> dict[str, str]:
    """What each part is called."""
    return {
        "q": _("Search"),
        "category": _("Category"),
        "kind": _("Kind of work"),
        "brand": _("Brand"),
        "operator": _("Network"),
        "country": _("Country"),
        "min_price": _("Price from"),
        "max_price": _("Price up to"),
        "within": _("Usual time"),
        "sort": pgettext("sorting", "Order"),
    }


def selects(asked: Asked, found: Found) -> list[dict[str, Any]]:
    """The selects beside the list: name, label, what is chosen, what can be chosen."""
    options: dict[str, Sequence[tuple[str, Any]]] = {
        "category": found.categories,
        "kind": found.kinds,
        "brand": found.brands,
        "operator": found.operators,
        "country": found.countries,
        "within": [(str(minutes), words) for minutes, words in TIMES.items()],
    }
    names = labels()
    return [
        {"name": name, "label": names[name], "chosen": asked.values.get(name, ""), "options": pairs}
        for name, pairs in options.items()
    ]


def chips(asked: Asked, found: Found) -> list[Chip]:
    """Every filter in force as people read it, with the way to take it off."""
    names = labels()
    words = {select["name"]: dict(select["options"]) for select in selects(asked, found)}
    shown = []
    for name, value in asked.values.items():
        if name == "sort":
            continue
        text = str(words.get(name, {}).get(value, value))
        if name in {"min_price", "max_price"}:
            amount = asked.wanted.min_price if name == "min_price" else asked.wanted.max_price
            text = Money(amount or Decimal(0), asked.wanted.currency).format(get_language() or "en")
        shown.append(Chip(f"{names[name]}: {text}", asked.without(name)))
    return shown


def wants_results(request: HttpRequest) -> bool:
    """Whether a script asks for the list alone, and not for a page that the browser's history lost."""
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and htmx.target == "results" and not htmx.history_restore_request


def _price(text: str) -> Decimal | None:
    text = text.replace(",", ".")
    if len(text) > 12 or not all(char.isascii() and (char.isdecimal() or char == ".") for char in text):
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    exponent = amount.as_tuple().exponent
    return amount if amount <= MAX_PRICE and isinstance(exponent, int) and exponent >= -2 else None


def _page(query: QueryDict) -> int:
    text = query.get("page", "")[:6]
    return int(text) if text.isascii() and text.isdecimal() else 1
