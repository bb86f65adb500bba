"""A Dhru supplier's list of services (protocol section 4.2), read tolerantly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from services.suppliers.base import CatalogueEntry, CustomField
from services.suppliers.dhru_envelope import get, money, scalar
from services.suppliers.plain_text import to_line, to_plain_text

_NOT_REQUIRED: Final = frozenset({"", "none", "no", "0", "false", "null", "optional"})
_PREFIX: Final = "requires."


def read_catalogue(listed: Any, kind: str = "IMEI") -> list[CatalogueEntry]:
    """The services of LIST: groups or bare services, in objects or arrays. Entries without an id are skipped.

    ``kind`` is that of an entry which does not say its own.
    """
    found: dict[str, CatalogueEntry] = {}
    for key, group in _entries(listed):
        services = get(group, "SERVICES")
        if services is None:
            pairs = [(key, group)] if get(group, "SERVICEID") is not None else []
            group = {}  # noqa: PLW2901
        else:
            pairs = list(_entries(services))
        for service_key, service in pairs:
            entry = _entry(service_key, service, group, kind)
            if entry is not None:
                found.setdefault(entry.service_id, entry)
    return list(found.values())


def _entries(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    pairs = value.items() if isinstance(value, dict) else (("", inner) for inner in value or ())
    for key, inner in pairs:
        if isinstance(inner, dict):
            yield str(key), inner


def _entry(key: str, service: dict[str, Any], group: dict[str, Any], kind: str) -> CatalogueEntry | None:
    service_id = scalar(get(service, "SERVICEID")) or key.strip()
    if not service_id or len(service_id) > 80:
        return None
    box = get(service, "CUSTOM")
    is_relabelled = _is_on(get(box, "allow"))
    return CatalogueEntry(
        service_id=service_id,
        name=to_line(scalar(get(service, "SERVICENAME", "NAME")), 200),
        group=to_line(scalar(get(group, "GROUPNAME")), 200),
        kind=(scalar(get(service, "SERVICETYPE")) or scalar(get(group, "GROUPTYPE")) or kind).upper()[:20],
        cost=money(get(service, "CREDIT")),
        time=to_line(scalar(get(service, "TIME")), 80),
        info=to_plain_text(scalar(get(service, "INFO"))),
        requires=_requires(service),
        custom_fields=tuple(_custom_fields(service)),
        identifier_label=to_line(scalar(get(box, "customname")), 80) if is_relabelled else "",
        allows_letters=is_relabelled and _is_on(get(box, "isalpha")),
    )


def _requires(service: dict[str, Any]) -> tuple[str, ...]:
    """The inputs of ``Requires.X`` that are wanted: Required, YES, 1; not None, no, 0, Optional."""
    flags = {str(key).strip(): value for key, value in service.items()}
    names = [name for name in flags if name.casefold().startswith(_PREFIX) and not _is_custom(name)]
    return tuple(name[len(_PREFIX) :] for name in names if is_wanted(flags[name]))


def is_wanted(value: Any) -> bool:
    """Required, YES, 1; not None, no, 0, Optional (section 4.2)."""
    return value is True or scalar(value).casefold() not in _NOT_REQUIRED


def _is_custom(name: str) -> bool:
    return name.casefold() == f"{_PREFIX}custom"


def _custom_fields(service: dict[str, Any]) -> Iterator[CustomField]:
    listed = get(service, "Requires.Custom")
    if listed is None:
        listed = get(get(service, "Requires"), "Custom")
    for _, item in _entries(listed if isinstance(listed, (list, dict)) else ()):
        name = scalar(get(item, "fieldname"))
        if not name or _is_on(get(item, "adminonly")):
            continue
        options = scalar(get(item, "fieldoptions")).split(",")
        yield CustomField(
            name=name,
            kind=scalar(get(item, "fieldtype")).casefold() or "text",
            options=tuple(option.strip() for option in options if option.strip()),
            description=to_line(scalar(get(item, "description")), 200),
            is_required=_is_on(get(item, "required")),
        )


def _is_on(value: Any) -> bool:
    return value is True or scalar(value).casefold() in {"1", "on", "yes", "true", "required"}
