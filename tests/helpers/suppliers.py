"""A supplier adapter that answers by script: a real implementation of the port, for what only a supplier can do."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from services.suppliers.base import Account, Endpoint, Exchange, JobAccepted, JobRequest, JobState, JobStatus
from unlockshop.kernel.errors import Retryable


class ScriptedClient:
    """``script`` holds, per verb, answers (or errors to raise) in order; ``calls`` what was asked."""

    script: ClassVar[dict[str, list[Any]]] = {}
    calls: ClassVar[list[tuple[str, Any]]] = []

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.exchanges: list[Exchange] = []

    @classmethod
    def reset(cls, **script: list[Any]) -> None:
        cls.script, cls.calls = dict(script), []

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        return self._answer("place", job, default=JobAccepted(f"S-{job.reference}"))

    def status(self, supplier_order_id: str) -> JobStatus:
        return self._answer("status", supplier_order_id, default=JobStatus(JobState.PENDING))

    def find(self, reference: str) -> list[str]:
        return self._answer("find", reference, default=[])

    def account(self) -> Account:
        return Account(Decimal(100), "EUR")

    def _answer(self, verb: str, subject: Any, *, default: Any) -> Any:
        type(self).calls.append((verb, subject))
        self.exchanges.append(Exchange(verb, f"{verb}?", "…", 200, "", 1))
        answers = self.script.get(verb, [])
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
