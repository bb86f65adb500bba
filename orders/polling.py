"""Asking suppliers what became of orders that they accepted, many at a time.

Terminal answers end the order; anything odd (another device's answer, "done" with nothing in it) goes to staff.
An error says nothing about the order: it is asked again later.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from orders import counting, lifecycle, turnaround
from orders.exchanges import log_exchanges
from orders.models import Order, SupplierAttempt
from orders.pumping import LOOKS, Room, Turn, pump
from orders.states import BOUGHT_OUTCOMES, HoldReason, OrderState
from services import breaking
from services.models import Supplier
from services.suppliers.base import SUPPLIER_SIDE, Exchange, JobState, JobStatus
from services.suppliers.registry import client_for
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import Refused, ShopError

logger = logging.getLogger(__name__)

TURN_SECONDS: Final = 90
# An order is asked about again after a tenth of its age, so a result waits at most a tenth longer than it took.
AGE_PER_POLL: Final = 10
# While hardly any order of the service has ever been done so soon: a quarter of that time.
LOOKS_BEFORE_USUAL: Final = 4
LONGEST_INTERVAL: Final = timedelta(minutes=30)
ASKED_TOGETHER: Final = 50
# Longer than one call may take: then the trial of a supplier that has stopped to answer is void.
POLL_TRIAL_LEASE: Final = timedelta(seconds=TURN_SECONDS)

_room = Room()


@dataclass(frozen=True, slots=True)
class Question:
    """One request to a supplier about orders that it has; about several only where that is proven to work.

    ``is_trial``: the supplier has stopped to answer, and this tries whether it does again.
    """

    supplier: Supplier
    attempts: list[SupplierAttempt]
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a supplier said, by its order id. An order that it said nothing usable about is missing.

    ``is_answer``: it was there and spoke to us, be it only to refuse an order.
    """

    statuses: Mapping[str, JobStatus]
    exchanges: Sequence[Exchange]
    is_answer: bool


def poll_due() -> int:
    """Ask about every order in process that is due; returns the number of calls made.

    Safe to run any number of times at once.
    """
    return pump(Polling(), _room)


def poll(order_id: int) -> None:
    """Ask about one order in process that is due. Safe to call any number of times at once."""
    line = Polling()
    if lifecycle.take_turn(order_id, OrderState.IN_PROCESS, seconds=TURN_SECONDS):
        suspects = breaking.polls_suspect()
        moment = clock.database_now()
        questions = []
        for attempt in _bought().filter(order=order_id):
            is_trial = attempt.supplier_id in suspects
            if is_trial and not breaking.take_poll_trial(attempt.supplier_id, moment=moment, lease=POLL_TRIAL_LEASE):
                until = max(suspects[attempt.supplier_id], moment + POLL_TRIAL_LEASE)
                lifecycle.postpone(order_id, OrderState.IN_PROCESS, until=until)
            else:
                questions.append(Question(attempt.supplier, [attempt], is_trial))
        line.record([(question, line.call(question)) for question in questions])


class Polling:
    """The line of orders in process. It lives for seconds, and reads the services' history once."""

    def __init__(self) -> None:
        self._usual: dict[int, timedelta | None] = {}

    def take(self, room: Room) -> list[Question]:
        """Take the turn of orders that are due, within what their suppliers take now."""
        moment = clock.database_now()
        rows = _bought().filter(order__state=OrderState.IN_PROCESS, order__next_action_at__lte=moment)
        if not rows.exists():
            return []
        with transaction.atomic(durable=True):
            suspects = breaking.polls_suspect()
            shut = {supplier_id for supplier_id, after in suspects.items() if after > moment}
            for supplier_id in sorted(shut):
                late = rows.filter(supplier=supplier_id).values("order_id")
                lifecycle.postpone_many(late, OrderState.IN_PROCESS, until=suspects[supplier_id])
            turn = Turn(room, moment)
            questions = _questions(rows.exclude(supplier__in=shut), turn, suspects)
            turn.settle()
            asked = [attempt.order_id for question in questions for attempt in question.attempts]
            taken = lifecycle.take_turns(asked, OrderState.IN_PROCESS, TURN_SECONDS)
        for question in questions:
            question.attempts[:] = [attempt for attempt in question.attempts if attempt.order_id in taken]
        return [question for question in questions if question.attempts]

    def supplier_of(self, job: Question) -> int:
        """Whose room it takes up."""
        return job.supplier.pk

    def call(self, job: Question) -> Said:
        """Ask for the status of its orders."""
        ids = [str(attempt.supplier_order_id) for attempt in job.attempts]
        exchanges: Sequence[Exchange] = []
        statuses: Mapping[str, JobStatus] = {}
        is_answer = False
        try:
            client = client_for(job.supplier)
            exchanges = client.exchanges
            statuses = client.status_many(ids) if len(ids) > 1 else {ids[0]: client.status(ids[0])}
            is_answer = True
        except ShopError as error:
            is_answer = isinstance(error, Refused) and error.code not in SUPPLIER_SIDE
            logger.info("%s could not be asked about %d orders: %s", job.supplier, len(ids), error)
        except Exception:
            logger.exception("unforeseen error while asking %s", job.supplier)
        return Said(statuses, exchanges, is_answer)

    def record(self, outcomes: Sequence[tuple[Question, Said]]) -> None:
        """The orders with nothing new together, every other one by itself."""
        crash_here("poll.before_record")
        moment = clock.now()
        shut = counting.asked(outcomes)
        self._learn({attempt.order.service_id for question, _ in outcomes for attempt in question.attempts})
        later: dict[timedelta, list[int]] = defaultdict(list)
        log: list[tuple[SupplierAttempt, Exchange]] = []
        for question, said in outcomes:
            for attempt in question.attempts:
                status = said.statuses.get(str(attempt.supplier_order_id))
                if status is None or status.state == JobState.PENDING:
                    interval = _interval(attempt, moment, self._usual[attempt.order.service_id])
                    if question.is_trial and question.supplier.pk in shut:
                        # Behind the others that wait for this supplier: one never answered must not bar them.
                        interval = max(interval, shut[question.supplier.pk] - moment + timedelta(seconds=1))
                    later[interval].append(attempt.order_id)
                else:
                    _record(attempt.order, attempt, status)
                if status is None or status.state != JobState.PENDING or attempt.order.polls == 0:
                    log += [(attempt, exchange) for exchange in said.exchanges]
        for interval, order_ids in later.items():
            until = moment + interval
            lifecycle.postpone_many(order_ids, OrderState.IN_PROCESS, until=until, polls=F("polls") + 1)
        log_exchanges(log)

    def _learn(self, service_ids: set[int]) -> None:
        """Read from which age on orders of these services have been done."""
        if new := service_ids - self._usual.keys():
            self._usual |= dict.fromkeys(new) | turnaround.hardly_before(new)


def _questions(rows: QuerySet[SupplierAttempt], turn: Turn, suspects: Mapping[int, datetime]) -> list[Question]:
    """What to ask now, longest due first; one question only at a supplier that has stopped to answer."""
    questions: list[Question] = []
    open_questions: dict[int, Question] = {}  # by supplier: one that takes further orders
    full: set[int] = set()
    for _look in range(LOOKS):
        chosen = [attempt.pk for question in questions for attempt in question.attempts]
        left = rows.exclude(supplier_id__in=full).exclude(pk__in=chosen).order_by("order__next_action_at")
        found = list(left[: turn.left() * (ASKED_TOGETHER if open_questions else 1)])
        for attempt in found:
            supplier = attempt.supplier
            question = open_questions.get(supplier.pk)
            if supplier.pk in suspects:
                if supplier.pk not in full and _takes_trial(supplier, turn):
                    questions.append(Question(supplier, [attempt], is_trial=True))
                full.add(supplier.pk)
            elif question is not None and len(question.attempts) < ASKED_TOGETHER:
                question.attempts.append(attempt)
            elif turn.admits(supplier):
                questions.append(Question(supplier, [attempt]))
                if supplier.asks_many:
                    open_questions[supplier.pk] = questions[-1]
            else:
                full.add(supplier.pk)
        if not found:
            break
    return questions


def _takes_trial(supplier: Supplier, turn: Turn) -> bool:
    return turn.admits(supplier) and breaking.take_poll_trial(supplier.pk, moment=turn.moment, lease=POLL_TRIAL_LEASE)


def _bought() -> QuerySet[SupplierAttempt]:
    rows = SupplierAttempt.objects.filter(outcome__in=sorted(BOUGHT_OUTCOMES))
    return rows.select_related("order", "supplier")


def _interval(attempt: SupplierAttempt, moment: datetime, usual: timedelta | None) -> timedelta:
    """How long to wait after a poll that brought nothing: a tenth of the order's age there, within bounds.

    Before the age at which such orders are ``usual``-ly done at the earliest, a quarter of that age.
    """
    age = moment - (attempt.settled_at or attempt.created_at)
    shortest = timedelta(seconds=attempt.supplier.poll_seconds)
    wanted = age / AGE_PER_POLL
    if usual is not None and age < usual:
        wanted = max(wanted, min(usual / LOOKS_BEFORE_USUAL, usual - age))
    # In whole steps of the shortest, so that orders of one age are written together.
    steps = int(wanted / shortest)
    return max(shortest, min(steps * shortest, max(shortest, LONGEST_INTERVAL)))


def _record(order: Order, attempt: SupplierAttempt, status: JobStatus) -> None:
    actor = actors.supplier(attempt.supplier.slug)
    name = attempt.supplier.name
    with transaction.atomic(durable=True):
        current = lifecycle.lock(order.pk)
        if current.state != OrderState.IN_PROCESS:
            return
        if status.identifier and _comparable(status.identifier) != _comparable(order.identifier):
            _conflict(order, f"{name} answered for {status.identifier}", actor)
        elif status.state == JobState.DONE and not status.text.strip():
            lifecycle.hold(order.pk, reason=HoldReason.EMPTY_RESULT, actor=actor)
        elif status.state == JobState.DONE:
            lifecycle.complete(order.pk, result=status.text, supplier_name=name, actor=actor)
        elif status.state == JobState.NOT_FOUND:
            lifecycle.mark_not_found(order.pk, note=status.text, supplier_name=name, actor=actor)
        else:
            lifecycle.mark_unavailable(order.pk, note=status.text, supplier_name=name, actor=actor)


def _comparable(identifier: str) -> str:
    return "".join(c for c in identifier.upper() if c.isalnum())


def _conflict(order: Order, message: str, actor: Actor) -> None:
    lifecycle.hold(order.pk, reason=HoldReason.RESULT_CONFLICT, message=message, actor=actor)
