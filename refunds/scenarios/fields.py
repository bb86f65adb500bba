"""Taking typed, bounded values out of a mapping that somebody wrote. What is wrong is named by its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from unlockshop.kernel.money import Money, MoneyError

T = TypeVar("T")
MAX_TEXT: Final = 2000
MAX_LIST: Final = 200
MAX_COUNT: Final = 1_000_000
YEARS: Final = range(2000, 2101)
_REQUIRED: Final = object()


class ScenarioError(ValueError):
    """Something in a scenario file cannot be read; the text names the place."""


class Fields:
    """A mapping read key by key; ``finish`` refuses keys that nobody asked for."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, Mapping):
            raise ScenarioError(f"{place or 'entry'}: must be a mapping, not {what(value)}")
        self._values, self._place, self._taken = value, place, set[str]()

    def place(self, name: str) -> str:
        """Where ``name`` stands, for messages."""
        return f"{self._place}.{name}" if self._place else name

    def take(self, name: str, parse: Callable[[object, str], T], default: Any = _REQUIRED) -> T:
        """The value under ``name``; ``default`` for one that is missing or null, if there is a default."""
        self._taken.add(name)
        value = self._values.get(name)
        if value is None and default is not _REQUIRED:
            return default  # type: ignore[no-any-return]
        if name not in self._values:
            raise ScenarioError(f"{self.place(name)}: is missing")
        return parse(value, self.place(name))

    def within(self, name: str) -> Fields:
        """The mapping under ``name``."""
        return self.take(name, Fields)

    def finish(self) -> None:
        """Raises ``ScenarioError`` for keys that do not belong here."""
        unknown = sorted(what(key) for key in self._values if key not in self._taken)
        if unknown:
            raise ScenarioError(f"{self._place or 'entry'}: unknown {', '.join(unknown[:5])}")


def what(value: object) -> str:
    """A short word for a value, safe to print however large it is."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:40] + "…")
    if isinstance(value, bool | int | float | date) or value is None:
        return str(value)[:40]
    return f"a {type(value).__name__}"


def text(value: object, place: str) -> str:
    """A text of bounded length."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ScenarioError(f"{place}: must be a text, not {what(value)}")
    return value


def code(value: object, place: str) -> str:
    """A text of two capital letters, as countries have. YAML reads a bare NO as false."""
    found = text(value, place)
    if len(found) != 2 or not found.isascii() or not found.isupper():
        raise ScenarioError(f"{place}: must be two capital letters in quotes, not {what(value)}")
    return found


def flag(value: object, place: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ScenarioError(f"{place}: must be true or false, not {what(value)}")
    return value


def count(value: object, place: str, most: int = MAX_COUNT) -> int:
    """A whole number from 0 to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ScenarioError(f"{place}: must be a whole number from 0 to {most}, not {what(value)}")
    return value


def one_of(*allowed: str) -> Callable[[object, str], Any]:
    """One word out of a list."""

    def parse(value: object, place: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ScenarioError(f"{place}: must be one of {', '.join(sorted(allowed))}, not {what(value)}")
        return value

    return parse


def moment(value: object, place: str) -> datetime:
    """An instant with its offset from UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ScenarioError(f"{place}: must be a date and time with an offset, not {what(value)}") from error
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ScenarioError(f"{place}: must be a date and time with an offset, not {what(value)}")
    if value.year not in YEARS:
        raise ScenarioError(f"{place}: must be between {YEARS[0]} and {YEARS[-1]}, not {what(value)}")
    return value


def day(value: object, place: str) -> date:
    """A date."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError as error:
            raise ScenarioError(f"{place}: must be a date, not {what(value)}") from error
    if not isinstance(value, date) or isinstance(value, datetime) or value.year not in YEARS:
        raise ScenarioError(f"{place}: must be a date between {YEARS[0]} and {YEARS[-1]}, not {what(value)}")
    return value


def amount(value: object, place: str) -> Decimal:
    """A decimal number from 0 up, best in quotes."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > 40:
        raise ScenarioError(f"{place}: must be an amount in quotes, not {what(value)}")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ScenarioError(f"{place}: must be an amount, not {what(value)}") from error
    if not number.is_finite() or number < 0:
        raise ScenarioError(f"{place}: must be an amount from 0 up, not {what(value)}")
    return number


def money_in(currency: str) -> Callable[[object, str], Money]:
    """An amount in ``currency``."""

    def parse(value: object, place: str) -> Money:
        try:
            return Money(amount(value, place), currency)
        except MoneyError as error:
            raise ScenarioError(f"{place}: {error}") from error

    return parse


def list_of(parse: Callable[[object, str], T]) -> Callable[[object, str], tuple[T, ...]]:
    """A list of bounded length."""

    def parse_all(value: object, place: str) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) > MAX_LIST:
            raise ScenarioError(f"{place}: must be a list of at most {MAX_LIST} entries, not {what(value)}")
        return tuple(parse(each, f"{place}[{number}]") for number, each in enumerate(value))

    return parse_all


def names(values: Iterable[object]) -> str:
    """A list for a message."""
    return ", ".join(map(str, values)) or "none"
