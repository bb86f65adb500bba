"""Naming a device by its TAC, and learning names: from staff, from finished checks, from files.

Staff win over finished checks, and those over files. An unknown TAC is normal. The one writer of learned and imported
rows. What a supplier wrote is cut, cleaned and believed only where it looks like a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from services.models import DeviceModel, ModelSource
from services.reports.fields import Field
from services.reports.reading import read_report
from services.suppliers.plain_text import to_line
from unlockshop.kernel import clock

TAC_DIGITS: Final = 8
_RANK: Final = {ModelSource.STAFF: 0, ModelSource.LEARNED: 1, ModelSource.IMPORTED: 2}
_NAME: Final = re.compile(r"[^\W_][\w .+()/&'-]*")
# Names that say whose they are.
_FAMILIES: Final = (("iphone", "Apple"), ("ipad", "Apple"), ("galaxy", "Samsung"), ("pixel", "Google"))


@dataclass(frozen=True, slots=True)
class Named:
    """What a device is called, and whose word that is."""

    brand: str
    model: str
    source: ModelSource

    @property
    def name(self) -> str:
        """Brand and model as people say it, the brand once."""
        has_brand = self.model.casefold().startswith(self.brand.casefold())
        return self.model if has_brand else f"{self.brand} {self.model}"


def tac_of(identifier: str) -> str:
    """The TAC of an IMEI of 15 digits; empty for anything else."""
    return identifier[:TAC_DIGITS] if re.fullmatch(r"[0-9]{15}", identifier, re.ASCII) else ""


def named(identifiers: Iterable[str]) -> dict[str, Named]:
    """What the devices are called, by identifier; unknown ones are missing. One query, none without an IMEI."""
    tacs = {identifier: tac for identifier in identifiers if (tac := tac_of(identifier))}
    if not tacs:
        return {}
    best: dict[str, Named] = {}
    rows = DeviceModel.objects.filter(tac__in=set(tacs.values())).order_by("tac")
    for row in sorted(rows, key=lambda row: _RANK[ModelSource(row.source)]):
        best.setdefault(row.tac, Named(row.brand, row.model, ModelSource(row.source)))
    return {identifier: best[tac] for identifier, tac in tacs.items() if tac in best}


def learn(identifier: str, text: str, *, brand: str, origin: str) -> bool:
    """Keep the model that a finished check names, unless one was learned before. Whether it is new.

    ``text`` is the result as stored, ``brand`` the one that the service is for, if any. Belongs into the transaction
    that stores the result; never raises for what the text holds.
    """
    tac = tac_of(identifier)
    found = read_model(text, brand=brand) if tac else None
    if found is None:
        return False
    row = DeviceModel(
        tac=tac, brand=found[0], model=found[1], source=ModelSource.LEARNED, origin=origin[:60], seen_at=clock.now()
    )
    before = DeviceModel.objects.filter(tac=tac, source=ModelSource.LEARNED).exists()
    if not before:
        # Two checks of one model may end at once: the second one changes nothing.
        DeviceModel.objects.bulk_create([row], ignore_conflicts=True)
    return not before


def read_model(text: str, *, brand: str = "") -> tuple[str, str] | None:
    """Brand and model out of a check's report; None where either is missing or is no name."""
    report = read_report(text)
    model = clean_name(report.value(Field.MODEL), 80)
    family = next((name for word, name in _FAMILIES if word in model.casefold()), "")
    maker = clean_name(report.value(Field.BRAND), 60) or brand or family
    return (maker, model) if maker and model else None


def clean_name(text: str, limit: int) -> str:
    """A brand or model as one line; empty for what is no name: too long, a link, markup, a long number."""
    line = to_line(text[:400], limit + 1)
    is_name = len(line) <= limit and _NAME.fullmatch(line) and "www." not in line.casefold() and "//" not in line
    return line if is_name and not re.search(r"[0-9]{9,}", line) else ""


def put_imported(rows: Collection[tuple[str, str, str]], *, origin: str) -> None:
    """Store (tac, brand, model) rows of a file, each TAC once. They replace what an earlier file said."""
    models = [
        DeviceModel(
            tac=tac, brand=brand, model=model, source=ModelSource.IMPORTED, origin=origin[:60], seen_at=clock.now()
        )
        for tac, brand, model in rows
    ]
    DeviceModel.objects.bulk_create(
        models,
        update_conflicts=True,
        unique_fields=["tac", "source"],
        update_fields=["brand", "model", "origin", "seen_at"],
    )


def imported_among(tacs: Collection[str]) -> dict[str, tuple[str, str, str]]:
    """What files said so far: brand, model and origin by TAC. One query."""
    rows = DeviceModel.objects.filter(tac__in=tacs, source=ModelSource.IMPORTED)
    return {
        tac: (brand, model, origin)
        for tac, brand, model, origin in rows.values_list("tac", "brand", "model", "origin")
    }
