"""The smaller lists of the Dhru protocol: models, networks, MEPs (section 4.4), details of one service (4.3)."""

from __future__ import annotations

from typing import Any, Final

from services.suppliers.base import Choice, ServiceDetails
from services.suppliers.dhru_call import DhruCall
from services.suppliers.dhru_catalogue import is_wanted
from services.suppliers.dhru_envelope import get, money, rows, scalar
from services.suppliers.plain_text import to_line, to_plain_text
from unlockshop.kernel.errors import Retryable

_CHILDREN: Final = ("MODELS", "PROVIDERS", "NETWORKS", "SERVICES")
_PARENT_NAMES: Final = ("BRAND", "COUNTRY", "GROUPNAME", "NAME")
_NOT_INPUTS: Final = frozenset({"isalpha", "imei_bulk", "imei_custom"})


class DhruLists:
    """The half of ``DhruClient`` that asks for the smaller lists."""

    _dhru: DhruCall

    def models(self, service_id: str = "") -> list[Choice]:
        """``modellist``: models by brand, of one service where the panel wants to know which."""
        return self._choices("modellist", service_id)

    def providers(self, service_id: str = "") -> list[Choice]:
        """``providerlist``: networks by country."""
        return self._choices("providerlist", service_id)

    def meps(self) -> list[Choice]:
        """``meplist``."""
        return self._choices("meplist", "")

    def _choices(self, action: str, service_id: str) -> list[Choice]:
        envelope = self._dhru.read(action, {"ID": service_id}, purpose="lists", may_refuse=True)
        lists = [found for row in envelope.rows() if (found := get(row, "LIST")) is not None]
        if not lists or not isinstance(lists[0], (list, dict)):
            raise Retryable("the supplier's answer has no list")
        return read_choices(lists[0])

    def service_details(self, service_id: str) -> ServiceDetails:
        """``getimeiservicedetails``, of older panels. Any error is ``Retryable``."""
        envelope = self._dhru.read("getimeiservicedetails", {"ID": service_id}, purpose="details")
        for row in envelope.rows():
            inner = get(row, "LIST")
            for place in (*rows(inner), row):
                if (found := read_details(place)) is not None:
                    return found
        raise Retryable("the supplier's answer has no details of a service")


def read_choices(listed: Any) -> list[Choice]:
    """The entries of LIST, nested under brand, country or group, or flat; objects or arrays, names in any spelling."""
    found: dict[str, Choice] = {}
    for key, outer in _entries(listed):
        children = get(outer, *_CHILDREN)
        if children is None:
            pairs = [(key, outer)]
            parent = scalar(get(outer, *_PARENT_NAMES[:-1]))
        else:
            pairs = _entries(children)
            parent = scalar(get(outer, *_PARENT_NAMES))
        for inner_key, inner in pairs:
            choice_id = scalar(get(inner, "ID")) or inner_key.strip()
            label = to_line(scalar(get(inner, "NAME", "MODEL", "NETWORK", "MEP")), 200)
            if choice_id and label and len(choice_id) <= 80:
                found.setdefault(choice_id, Choice(choice_id, label, to_line(parent, 200)))
    return list(found.values())


def read_details(row: Any) -> ServiceDetails | None:
    """LIST of getimeiservicedetails; None for what is nothing of the kind."""
    name, credit = get(row, "service_name", "SERVICENAME", "NAME"), get(row, "credit")
    if name is None and credit is None:
        return None
    flags = get(row, "reqredfield", "requiredfield")
    asked = flags.items() if isinstance(flags, dict) else ()
    wanted = [str(name) for name, value in asked if is_wanted(value)]
    return ServiceDetails(
        name=to_line(scalar(name), 200),
        cost=money(credit),
        time=to_line(scalar(get(row, "time")), 80),
        info=to_plain_text(scalar(get(row, "info"))),
        requires=tuple(name for name in wanted if name.casefold() not in _NOT_INPUTS),
        model_ids=_ids(get(row, "assigned_model")),
        provider_ids=_ids(get(row, "assigned_provider")),
    )


def _ids(value: Any) -> tuple[str, ...]:
    return tuple(part.strip() for part in scalar(value).split(",") if part.strip())


def _entries(value: Any) -> list[tuple[str, dict[str, Any]]]:
    pairs = value.items() if isinstance(value, dict) else (("", inner) for inner in value or ())
    return [(str(key), inner) for key, inner in pairs if isinstance(inner, dict)]
