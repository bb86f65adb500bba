"""What a customer can do about an order whose device was not found: have it looked into, and have it sent again.

The terms of the checkout decide. Their clauses judge the order as a claim would be judged; nothing here gives or
takes a right to money back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal, cast

from django.db import transaction
from django.utils.translation import gettext as _

from orders import investigating, lifecycle
from orders.models import Investigation, Order
from orders.states import OrderState
from refunds import calling_off, policy_versions, resubmitting
from refunds.cancel_facts import cancellation_facts
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.codes import Code
from refunds.policy.facts import Event
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

# The terms name no number of times: what failed twice more fails again.
RESUBMISSIONS: Final = 2
# From the payment, where the terms set no days for asking.
RESUBMIT_WITHIN_DAYS: Final = 180
FindingCode = Literal["customer_error", "no_customer_error", "wrong_rejection_eligible"]


@dataclass(frozen=True, slots=True)
class NotFoundStanding:
    """The clauses' sentences, the investigation if there is one, and what may be pressed now."""

    clauses: tuple[str, ...]
    investigation: Investigation | None
    may_ask: bool
    may_resubmit: bool
    rule: str = ""
    code: str = ""
    text: str = ""


def standing(order: Order) -> NotFoundStanding | None:
    """How it stands; None for an order that did not end as not found."""
    if order.state != OrderState.NOT_FOUND:
        return None
    row = investigating.current(order)
    judged = _judge(order, row)
    known = calling_off.agreed_with(order.purchase).clauses
    clauses = tuple(known[each].sentence for each in judged.reasons[0].clauses if each in known)
    may_ask = judged.code == Code.H_NOT_FOUND_INVESTIGATION and row is None
    code, text = _hindrance(order, judged)
    return NotFoundStanding(
        clauses, row, may_ask, may_resubmit=not code, rule=calling_off.rule_of(judged), code=code, text=text
    )


def is_looked_into_first(rules: str) -> bool:
    """Whether refund rules, named with their version, wait for the cause before they decide. Empty: today's."""
    agreed = policy_versions.named(rules) if rules else calling_off.in_force()
    return agreed.numbers.outcomes.get("not_found") is None


def ask(order_id: int, *, note: str, actor: Actor) -> Investigation:
    """Have staff find out why. Raises ``Refused``: ``not_offered`` by these terms, or as ``investigating.ask``."""
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        now = standing(order)
        if now is not None and not now.may_ask and now.investigation is None:
            raise Refused(_("The terms of this order decide without an investigation."), code="not_offered")
        return investigating.ask(order_id, note=note, actor=actor)


def resubmit(order_id: int, *, actor: Actor) -> Order:
    """Send it to a supplier once more, as the finding allows. Raises ``Refused``, with nothing written.

    Its money is either given back or worked for (``refunds.resubmitting``).
    """
    with transaction.atomic():
        order = resubmitting.lock(order_id)
        now = standing(order)
        if now is None:
            raise Refused(_("Only an order that was not found is sent in again."), code="not_not_found")
        if not now.may_resubmit:
            raise Refused(now.text, code=now.code)
        return resubmitting.resubmit(order_id, reason=f"{_('asked for by the customer')}: {now.rule}", actor=actor)


def _judge(order: Order, row: Investigation | None) -> Assessment:
    facts = cancellation_facts(order, None)
    ended = min(order.ended_at or facts.claim.received_at, facts.claim.received_at)
    history = (*facts.history, Event("dispatched", ended), Event("not_found", ended))
    facts = replace(
        facts,
        history=tuple(sorted(history, key=lambda event: event.at)),
        claim=replace(facts.claim, type="refund", ground="not_found"),
        investigation=cast("FindingCode | None", (row.finding or None) if row else None),
    )
    return assess(facts, calling_off.agreed_with(order.purchase))


def _hindrance(order: Order, judged: Assessment) -> tuple[str, str]:
    """Why it is not sent in again now: a code and a sentence; empty when it may be."""
    if judged.code != Code.H_RESUBMIT:
        return str(judged.code), _("It can be sent in again only after our staff found that it was wrongly rejected.")
    hindrance = resubmitting.obstacle(order)
    if hindrance is not None:
        return hindrance.code, str(hindrance)
    if order.events.filter(kind="order.resubmitted").count() >= RESUBMISSIONS:
        return "too_often", _("It was sent in again as often as it can be.")
    days = calling_off.agreed_with(order.purchase).numbers.claims.request_days or RESUBMIT_WITHIN_DAYS
    if order.paid_at is None or clock.now() > order.paid_at + timedelta(days=days):
        return "too_late", _("The time for sending it in again is over.")
    return "", ""
