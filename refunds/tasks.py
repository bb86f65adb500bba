"""Celery tasks of the refunds app: what the refund rules do by themselves, and what customers asked for."""

from __future__ import annotations

from celery import shared_task

from refunds import (
    awaiting,
    calling_off,
    outcomes,
    overdue,
    paying_out,
    replying,
    second_codes,
    seconding,
    telling_late,
    trying_out,
)
from refunds.models import Rehearsal
from unlockshop.kernel import work


@shared_task(name="refunds.end_overdue")
def end_overdue() -> None:
    """End orders that are past their hard cap and give their money back, and tell the customers of late ones.

    Beat runs it every minute.
    """
    overdue.end_overdue()
    telling_late.tell_late()


@shared_task(name="refunds.answer_reply")
def answer_reply(mail_id: int) -> None:
    """Do what one mail from a customer asks for."""
    replying.process(mail_id)


@shared_task(name="refunds.try_out_rules")
def try_out_rules(rehearsal_id: int) -> None:
    """Decide the next past decisions by a draft of the refund rules; on the queue ``media``."""
    trying_out.carry_on(rehearsal_id)


@shared_task(name="refunds.sweep")
def sweep() -> None:
    """Carry out kept cancellations, and ring for every mail from a customer and every rehearsal that is due; beat runs
    it every few seconds."""
    work.ring_again(answer_reply, replying.due())
    work.ring_again(try_out_rules, work.due(Rehearsal))
    calling_off.carry_out_wishes()


@shared_task(name="refunds.follow_claims")
def follow_claims() -> None:
    """Look at orders that brought nothing, follow claims that wait, and pay what is due; beat runs it every few
    seconds."""
    outcomes.close_resumed()
    outcomes.look_at_ended()
    awaiting.move_on()
    paying_out.pay_due()
    paying_out.fold_refunds()
    second_codes.follow()
    seconding.close_decided()
