"""Reading Stripe's form parameters (``line_items[0][quantity]=1``) as strictly as Stripe does."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from unlockshop.demo.bank_store import Json

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_INTEGER = re.compile(r"^-?\d{1,15}$")
_MOST_DEPTH = 8


class StripeFault(Exception):
    """An answer with an error body in Stripe's shape."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: Json = {"message": message, "type": kind}
        if code is not None:
            self.error["code"] = code
        if param is not None:
            self.error["param"] = param


def missing(kind: str, ident: str, param: str = "id") -> StripeFault:
    """404: there is no such object."""
    return StripeFault(f"No such {kind}: '{ident}'", status=404, code="resource_missing", param=param)


def parse_form(text: str) -> Json:
    """Form text to nested dicts. Lists stay dicts with number keys until a field is read as a list."""
    tree: Json = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=2000, errors="strict")
    except ValueError as error:
        raise StripeFault(f"Invalid request body: {error}") from None
    for name, value in pairs:
        match = _KEY.match(name)
        if match is None:
            raise StripeFault(f"Invalid parameter name: {name}", param=name)
        parts = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        if len(parts) > _MOST_DEPTH:
            raise StripeFault(f"Parameter nested too deeply: {name}", param=name)
        place = tree
        for part in parts[:-1]:
            place = place.setdefault(part or str(len(place)), {})
            if not isinstance(place, dict):
                raise StripeFault(f"Invalid parameter: {name} is given as a value and as a hash", param=name)
        last = parts[-1] or str(len(place))
        if isinstance(place.get(last), dict):
            raise StripeFault(f"Invalid parameter: {name} is given as a value and as a hash", param=name)
        place[last] = value
    return tree


class Fields:
    """One level of parameters. Every reader names the full parameter in its error, as Stripe does."""

    def __init__(self, values: Json, path: str = "") -> None:
        self._values = values
        self._path = path

    def name(self, key: str) -> str:
        """The parameter's full name, ``payment_intent_data[metadata]``."""
        return f"{self._path}[{key}]" if self._path else key

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def only(self, allowed: frozenset[str]) -> None:
        """Refuse a parameter that does not exist."""
        for key in self._values:
            if key not in allowed:
                name = self.name(key)
                raise StripeFault(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)

    def text(self, key: str, *, required: bool = False, most: int = 5000) -> str | None:
        """A text of at most ``most`` characters."""
        value: Any = self._values.get(key)
        name = self.name(key)
        if value is None:
            if required:
                raise StripeFault(f"Missing required param: {name}.", code="parameter_missing", param=name)
            return None
        if not isinstance(value, str):
            raise StripeFault(f"Invalid string: {name}", param=name)
        if value == "":
            raise StripeFault(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{name}' cannot be unset.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(value) > most:
            raise StripeFault(f"Invalid string: {name} must be at most {most} characters", param=name)
        return value

    def must(self, key: str, *, most: int = 5000) -> str:
        """A required text."""
        return self.text(key, required=True, most=most) or ""

    def integer(self, key: str, *, required: bool = False, least: int = 0) -> int | None:
        """A whole number of at least ``least``; ``19.99`` is refused."""
        value = self.text(key, required=required)
        if value is None:
            return None
        name = self.name(key)
        if not _INTEGER.match(value):
            raise StripeFault(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
        number = int(value)
        if number < least:
            raise StripeFault(
                f"This value must be greater than or equal to {least}.",
                code="parameter_invalid_integer",
                param=name,
            )
        return number

    def choice(self, key: str, options: tuple[str, ...], *, required: bool = False) -> str | None:
        """One of the listed words."""
        value = self.text(key, required=required)
        if value is not None and value not in options:
            name = self.name(key)
            raise StripeFault(f"Invalid {name}: must be one of {', '.join(options)}", param=name)
        return value

    def url(self, key: str, *, required: bool = False) -> str | None:
        """An http or https address."""
        value = self.text(key, required=required)
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or any(char <= " " or char == "\x7f" for char in value):
            raise StripeFault("Not a valid URL", code="url_invalid", param=self.name(key))
        return value

    def inner(self, key: str, *, required: bool = False) -> Fields:
        """A nested hash; an absent one reads as empty."""
        value = self._values.get(key)
        name = self.name(key)
        if value is None and required:
            raise StripeFault(f"Missing required param: {name}.", code="parameter_missing", param=name)
        if value is not None and not isinstance(value, dict):
            raise StripeFault(f"Invalid object: {name}", param=name)
        return Fields(value or {}, name)

    def items(self, key: str) -> list[Fields]:
        """A required, non-empty list of hashes."""
        name = self.name(key)
        found = self._list(key)
        if not found:
            raise StripeFault(f"Missing required param: {name}.", code="parameter_missing", param=name)
        for index, value in found:
            if not isinstance(value, dict):
                raise StripeFault("Invalid object", param=f"{name}[{index}]")
        return [Fields(value, f"{name}[{index}]") for index, value in found]

    def words(self, key: str) -> list[str]:
        """A list of texts, such as ``expand``; absent reads as empty."""
        return [str(value) for _, value in self._list(key)]

    def _list(self, key: str) -> list[tuple[int, Any]]:
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, dict) or not all(index.isdecimal() for index in value):
            raise StripeFault("Invalid array", param=self.name(key))
        return sorted((int(index), entry) for index, entry in value.items())

    def metadata(self, key: str = "metadata") -> dict[str, str]:
        """Up to 50 texts of at most 500 characters under keys of at most 40; an empty one means "not set"."""
        name = self.name(key)
        if self._values.get(key) == "":
            return {}
        inner = self.inner(key)
        kept: dict[str, str] = {}
        for word, value in inner._values.items():  # noqa: SLF001 - the same class
            if not isinstance(value, str):
                raise StripeFault("Metadata values must be strings", param=f"{name}[{word}]")
            if len(word) > 40 or len(value) > 500:
                raise StripeFault(
                    "Metadata keys have at most 40 characters and values at most 500", param=f"{name}[{word}]"
                )
            if value:
                kept[word] = value
        if len(kept) > 50:
            raise StripeFault("Metadata can have up to 50 keys", param=name)
        return kept
