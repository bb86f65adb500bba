"""A supplier adapter that answers by script: a real implementation of the port, for what only a supplier can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from services.suppliers.base import (
    Account,
    CancelAnswer,
    CatalogueEntry,
    Endpoint,
    Exchange,
    Feature,
    JobAccepted,
    JobRequest,
    JobState,
    JobStatus,
)
from unlockshop.kernel.errors import Retryable

USUAL = frozenset({Feature.FIND, Feature.STATUS_MANY})


class ScriptedClient:
    """``script`` holds, per verb, answers (or errors to raise) in order, or by subject; ``calls`` what was asked."""

    features = USUAL
    script: ClassVar[dict[str, list[Any] | dict[str, Any]]] = {}
    calls: ClassVar[list[tuple[str, Any]]] = []

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.exchanges: list[Exchange] = []

    @classmethod
    def reset(cls, *features: Feature, **script: list[Any] | dict[str, Any]) -> None:
        """A new script; with ``features``, a protocol that has just these."""
        cls.features = frozenset(features) or USUAL
        cls.script, cls.calls = dict(script), []

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        return self._answer("place", job, default=JobAccepted(f"S-{job.reference}"))

    def status(self, supplier_order_id: str) -> JobStatus:
        return self._answer("status", supplier_order_id, default=JobStatus(JobState.PENDING))

    def status_many(self, supplier_order_ids: Sequence[str]) -> dict[str, JobStatus]:
        return self._answer(
            "status_many", tuple(supplier_order_ids), default=dict.fromkeys(supplier_order_ids, PENDING)
        )

    def find(self, reference: str) -> list[str]:
        return self._answer("find", reference, default=[])

    def recent(self, identifier: str, service_id: str, since: datetime, until: datetime) -> list[str]:
        return self._answer("recent", (identifier, service_id, since, until), default=[])

    def cancel(self, supplier_order_id: str) -> CancelAnswer:
        return self._answer("cancel", supplier_order_id, default=CancelAnswer.CANCELLED)

    def account(self) -> Account:
        return self._answer("account", "", default=Account(Decimal(100), "EUR"))

    def services(self) -> list[CatalogueEntry]:
        return self._answer("services", "", default=[])

    def _answer(self, verb: str, subject: Any, *, default: Any) -> Any:
        type(self).calls.append((verb, subject))
        self.exchanges.append(Exchange(verb, f"{verb}?", "…", 200, "", 1))
        answers = self.script.get(verb, [])
        if isinstance(answers, dict):
            answer = answers.get(getattr(subject, "reference", subject), default)
        else:
            answer = answers.pop(0) if answers else default
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer


def asked(verb: str) -> int:
    """How often the supplier was asked to ``verb``."""
    return sum(1 for name, _subject in ScriptedClient.calls if name == verb)


NOT_SENT = Retryable("connection refused")
PENDING = JobStatus(JobState.PENDING)


def entry(service_id: str, **changes: Any) -> CatalogueEntry:
    """One service of a supplier's catalogue."""
    values: dict[str, Any] = {
        "service_id": service_id, "name": f"Listed {service_id}", "group": "Unlock", "kind": "IMEI",
        "cost": Decimal("10.00"), "time": "1-3 days", "info": "", "requires": (), "custom_fields": (),
        "identifier_label": "", "allows_letters": False,
    }  # fmt: skip
    return CatalogueEntry(**{**values, **changes})
