"""An evidence pack as PDF, for people: staff read it, and banks that ask for documents get it."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from payments.evidence_facts import stamp
from payments.models import EvidencePack
from payments.paper import Paper

TITLES: Final = (
    ("dispute", "The dispute"),
    ("purchase", "The purchase"),
    ("orders", "What was ordered, and what was delivered"),
    ("consent", "What the customer agreed to before paying"),
    ("payment", "The payment"),
    ("mails", "Mails sent to the customer"),
    ("access_log", "Log of events"),
    ("terms", "Refund rules of the accepted terms"),
)
WITHHELD: Final = "Results (unlock codes, reports) were delivered as stated; they are not part of this document."


def render_pdf(pack: EvidencePack) -> bytes:
    """The pack as PDF; the same pack gives the same document."""
    return _Pack(pack).finished()


class _Pack(Paper):
    """Writes a pack from top to bottom."""

    def __init__(self, pack: EvidencePack) -> None:
        super().__init__(f"Evidence for dispute {pack.dispute.provider_ref}", made_at=pack.assembled_at)
        self._pack = pack

    def finished(self) -> bytes:
        """All pages."""
        self.line(f"Evidence for dispute {self._pack.dispute.provider_ref}", size=16)
        self.line(f"{settings.SHOP_NAME}, assembled {stamp(self._pack.assembled_at)}. {WITHHELD}")
        for name, title in TITLES:
            self.gap()
            self.line(title, size=12)
            self._write(self._pack.facts[name])
        if self.is_lacking:
            self.line("Characters that this document's font lacks are printed as their Unicode numbers.")
        return super().finished()

    def _write(self, group: list[Any]) -> None:
        """A group is a record, or a list of records or of lines."""
        if group and isinstance(group[0], str):
            self._lines(group)
        elif group and isinstance(group[0][0], str):
            self._record(group)
        else:
            for record in group:
                self._record(record)
        if not group:
            self.line("none")

    def _record(self, pairs: list[Any]) -> None:
        for name, value in pairs:
            if name in {"clause", "text"}:
                self.line(f"[{value}]" if name == "clause" else value)
            elif isinstance(value, list):
                self.line(f"{name}: {'' if value else 'none'}")
                self._lines([f"  –  {each}" for each in value])
            else:
                self.line(f"{name}: {value or '–'}")
        self.gap(2)

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self.line(line)
