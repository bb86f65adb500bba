"""Handing what calls to suppliers came to over to what watches the suppliers: counts, breakers, credit.

Once for each recorded batch, apart from the orders' own transactions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from orders.models import SupplierAttempt
from services import balances, breaking, tallying
from services.suppliers.base import JobAccepted
from services.tallying import Tally
from unlockshop.kernel.errors import Refused, Retryable

if TYPE_CHECKING:
    from orders.forwarding import Call
    from orders.polling import Question, Said


def placed(outcomes: Sequence[tuple[SupplierAttempt, Call]]) -> None:
    """Orders were placed, or not. Two queries while all is well."""
    tallies = []
    accepted: dict[int, list[str]] = defaultdict(list)
    for attempt, call in outcomes:
        milliseconds = sum(exchange.milliseconds for exchange in call.exchanges)
        if isinstance(call.answer, JobAccepted):
            accepted[attempt.supplier_id].append(attempt.reference)
            tally = Tally(attempt.supplier_id, tallying.ACCEPTED, milliseconds, attempt.cost, attempt.cost_currency)
        else:
            tally = Tally(attempt.supplier_id, _outcome(call.answer), milliseconds)
        tallies.append(tally)
    tallying.add(tallies)
    for supplier_id in breaking.succeeded(accepted):
        balances.recheck(supplier_id)


def _outcome(answer: Exception) -> str:
    if isinstance(answer, Refused):
        return tallying.refusal(answer.code)
    return tallying.NOT_SENT if isinstance(answer, Retryable) else tallying.UNKNOWN


def asked(outcomes: Sequence[tuple[Question, Said]]) -> Mapping[int, datetime]:
    """Questions about orders were asked: when suppliers that do not answer are tried again.

    Two queries while all is well.
    """
    tallies = []
    answered: set[int] = set()
    unanswered: Counter[int] = Counter()
    trials: set[int] = set()
    for question, said in outcomes:
        supplier_id = question.supplier.pk
        milliseconds = sum(exchange.milliseconds for exchange in said.exchanges)
        outcome = tallying.POLL_OK if said.is_answer else tallying.POLL_FAILED
        tallies.append(Tally(supplier_id, outcome, milliseconds))
        if said.is_answer:
            answered.add(supplier_id)
        else:
            unanswered[supplier_id] += 1
        if question.is_trial:
            trials.add(supplier_id)
    tallying.add(tallies)
    return breaking.polled(answered, unanswered, trials=trials)
