"""Claims that are not for the order's money back: corrections, better prices, better services, wallet balances."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from refunds.policy import barring
from refunds.policy.assessment import Payout, Reason
from refunds.policy.cancelling import CANCEL
from refunds.policy.case import Case, Verdict, first_of
from refunds.policy.codes import Code, Decision
from refunds.policy.refunding import for_staff, refund_claim
from refunds.policy.roles import Role


def cancellation(case: Case) -> Verdict:
    """A customer calls the order off."""
    return first_of(case, CANCEL) or for_staff(case)


def correction(case: Case) -> Verdict:
    """Wrong data on an order: replaced if the old order can be called off, fixed once it is fulfilled."""
    if case.holds(Role.FULFILLED):
        denied = barring.barred(case)
        return denied or case.verdict(Decision.NOT_ELIGIBLE, Code.D_WRONG_IDENTIFIER, Role.FULFILLED)
    if case.facts.outcome is None and case.holds(Role.CORRECTION_APPROVED):
        verdict = case.verdict(Decision.ELIGIBLE, Code.G_SUPPLIER_APPROVED_CANCEL, Role.CORRECTION_APPROVED)
        return replace(verdict, amount=Decimal(0), payouts=(Payout("replacement_order"),))
    if case.facts.outcome is None and case.holds(Role.CORRECTION_REJECTED):
        return case.verdict(
            Decision.NOT_ELIGIBLE, Code.D_SUPPLIER_REJECTED, Role.CORRECTION_REJECTED, next_step="order_again"
        )
    if case.facts.outcome is None and case.holds(Role.CORRECTION):
        return case.verdict(Decision.NEEDS_SUPPLIER, Code.H_ORDER_CORRECTION, Role.CORRECTION)
    return barring.barred(case) or for_staff(case)


def price_match(case: Case) -> Verdict:
    """A better price elsewhere: in time, paid in full, with all details, and comparable."""
    if case.numbers.price_match is None:
        return for_staff(case)
    if case.fails(Role.PRICE_MATCH_IN_TIME):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_PRICE_MATCH_LATE, Role.PRICE_MATCH_IN_TIME)
    if case.fails(Role.PAID_IN_FULL):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_PRICE_MATCH_CONDITIONS, Role.PAID_IN_FULL)
    missing = {name: rule.ids for name, rule in case.profile.price_details.items() if case.asks(rule)}
    if missing:
        asked_for = tuple(dict.fromkeys(each for ids in missing.values() for each in ids))
        return Verdict(Decision.NEEDS_EVIDENCE, (Reason(Code.H_EVIDENCE_REQUIRED, asked_for, tuple(missing)),))
    failed = {name: rule.ids for name, rule in case.profile.price_conditions.items() if case.asks(rule)}
    if failed:
        reason = case.reason(Code.D_PRICE_MATCH_CONDITIONS, *failed.values(), details=tuple(failed))
        return Verdict(Decision.NOT_ELIGIBLE, (reason,))
    return _price_difference(case)


def _price_difference(case: Case) -> Verdict:
    found = case.facts.price_match
    if found is None or found.competitor_price is None:
        return for_staff(case)
    if any(getattr(found, name) is None for name in case.profile.price_conditions):
        return for_staff(case)
    difference = case.facts.service.price.amount - found.competitor_price.amount
    if difference <= 0:
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_PRICE_MATCH_CONDITIONS, Role.PRICE_MATCH_IN_TIME)
    verdict = case.verdict(Decision.ELIGIBLE, Code.G_PRICE_MATCH, Role.PRICE_MATCH_IN_TIME)
    amount = min(difference, case.facts.captured.amount)
    return replace(verdict, amount=amount, payouts=(Payout("refund_credits"),))


def additional_payment(case: Case) -> Verdict:
    """Instead of a refund that is due, a better service for the difference."""
    due = refund_claim(case)
    if not due.decision.is_grant:
        return due
    new_price, paid = case.facts.new_price, case.facts.captured
    if new_price is None or not case.holds(Role.ADDITIONAL_PAYMENT):
        return for_staff(case)
    verdict = case.verdict(Decision.ELIGIBLE, Code.G_ADDITIONAL_PAYMENT, Role.ADDITIONAL_PAYMENT)
    payouts = (Payout("new_order_credit", paid), Payout("customer_pays_difference", new_price - paid))
    return replace(verdict, amount=Decimal(0), payouts=payouts)


def wallet_withdrawal(case: Case) -> Verdict:
    """The customer's own balance goes out when asked for, up to what is free."""
    facts = case.facts
    if not case.has(Role.WALLET_BALANCE) or facts.requested is None or facts.wallet_available is None:
        return for_staff(case)
    if not case.holds(Role.WALLET_BALANCE):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_INSUFFICIENT_BALANCE, Role.WALLET_BALANCE)
    verdict = case.verdict(Decision.ELIGIBLE, Code.G_WALLET_WITHDRAWAL, Role.WALLET_BALANCE)
    return replace(verdict, amount=facts.requested.amount, payouts=(Payout("original_payment"),))
