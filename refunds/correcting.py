"""A customer corrects an order's device or answers, where the terms of its checkout provide for it (IMEIORG-11.2).

Before it has left for a supplier it is changed at once. After that the supplier is asked to drop it, and a
replacement with the right data takes its place if it agrees. State decides which, under the order's lock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders import cancelling, correcting, doing_again, lifecycle
from orders.models import Order
from orders.right_data import RightData
from orders.states import UNPAID, OrderState
from refunds import calling_off
from refunds.cancel_facts import cancellation_facts
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.codes import Code
from refunds.policy.facts import Event, Kind
from refunds.policy.roles import Role
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused


class Way(StrEnum):
    """How the data can be put right: at once, or by asking the supplier for a replacement."""

    AT_ONCE = "at_once"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class CorrectionStanding:
    """Whether and how an order can be corrected now. ``text`` and ``code`` say why not; ``clauses`` are sentences."""

    way: Way | None
    rule: str = ""
    code: str = ""
    text: str = ""
    clauses: tuple[str, ...] = ()


def offers_it(order: Order) -> bool:
    """Whether the order's page shows the way there: it is open, and its terms know corrections. No query."""
    is_open = order.state not in UNPAID and order.ended_at is None
    return (
        is_open
        and order.price > 0
        and calling_off.agreed_with(order.purchase).rule(Role.CORRECTION, _kind(order)) is not None
    )


def standing(order: Order) -> CorrectionStanding:
    """How it stands with correcting the order now."""
    if order.state in UNPAID:
        return CorrectionStanding(
            None, code="unpaid", text=_("The order is not paid. Order anew with the right data.")
        )
    if order.ended_at is not None:
        return _over(order)
    if doing_again.is_repeat(order):
        text = _("This order does the work of your former one once more, so it stays with its device.")
        return CorrectionStanding(None, code="repeat", text=text)
    if order.price == 0:
        text = _("This check was free. Check the other device with an order of its own.")
        return CorrectionStanding(None, code="free", text=text)
    judged = _judge(order)
    sentences = _sentences(order, judged)
    if judged.code != Code.H_ORDER_CORRECTION:
        return CorrectionStanding(None, code=judged.code, text=_refusal(order, judged), clauses=sentences)
    rule = calling_off.rule_of(judged)
    if correcting.is_here(order):
        return CorrectionStanding(Way.AT_ONCE, rule=rule, clauses=sentences)
    if not correcting.is_at_supplier(order):
        text = _("We are handing the order to our supplier at this moment. Try again in some minutes.")
        return CorrectionStanding(None, code="being_sent", text=text, clauses=sentences)
    if cancelling.open_request(order) is not None:
        text = _("We are asking our supplier to drop this order already. You get a mail when it has answered.")
        return CorrectionStanding(None, code="asked_already", text=text, clauses=sentences)
    return CorrectionStanding(Way.ASK, rule=rule, clauses=sentences)


def submit(order_id: int, data: RightData, *, shown: str, actor: Actor) -> Way:
    """Correct the order, or have its replacement asked for; ``shown`` is the way that the customer was told of.

    Raises ``Refused``: ``moved_on`` where the order has left since the page was opened, a code of ``standing``, or
    one of ``orders.correcting``. Nothing is written then.
    """
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        now = standing(order)
        if now.way is None:
            raise Refused(now.text, code=now.code)
        if now.way != shown:
            raise Refused(_("Your order has moved on since you opened this page."), code="moved_on")
        if now.way == Way.AT_ONCE:
            correcting.correct(order_id, data, rule=now.rule, actor=actor)
        else:
            correcting.ask(order_id, data, rule=now.rule, refusal=_refusal_clause(order), actor=actor)
    return now.way


def _judge(order: Order) -> Assessment:
    """By the engine: an order that left may be corrected, so one that is still here may be too."""
    facts = cancellation_facts(order, None)
    left = Event("dispatched", facts.claim.received_at)
    claim = replace(facts.claim, type="correction", ground="wrong_data")
    facts = replace(facts, history=(*facts.history, left), claim=claim)
    return assess(facts, calling_off.agreed_with(order.purchase))


def _over(order: Order) -> CorrectionStanding:
    rule = calling_off.agreed_with(order.purchase).rule(Role.FULFILLED, _kind(order))
    if order.state == OrderState.COMPLETED:
        clauses = tuple(clause.sentence for clause in rule.clauses) if rule else ()
        text = _("The work is done. What was delivered cannot be changed.")
        return CorrectionStanding(None, code=Code.D_WRONG_IDENTIFIER, text=text, clauses=clauses)
    return CorrectionStanding(None, code="over", text=_("This order is over. Order anew with the right data."))


def _sentences(order: Order, judged: Assessment) -> tuple[str, ...]:
    known = calling_off.agreed_with(order.purchase).clauses
    return tuple(known[each].sentence for each in judged.reasons[0].clauses if each in known)


def _refusal(order: Order, judged: Assessment) -> str:
    if calling_off.agreed_with(order.purchase).rule(Role.CORRECTION, _kind(order)) is None:
        return _(
            "The terms of this order do not provide for corrections. Write to us: our staff tell you what can be done."
        )
    return _("Our staff must look at this order first. Write to us and say what is wrong.")


def _refusal_clause(order: Order) -> str:
    """What holds if the supplier does not agree, in the customer's language, with the clause's id."""
    rule = calling_off.agreed_with(order.purchase).rule(Role.CORRECTION_REJECTED, _kind(order))
    with override(order.purchase.language):
        return " ".join(f"{clause.sentence} ({clause.id})" for clause in rule.clauses) if rule else ""


def _kind(order: Order) -> Kind:
    return cast("Kind", order.service_kind)
