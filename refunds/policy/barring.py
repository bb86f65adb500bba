"""Facts that defeat a claim: only when established, only under their conditions, and confirmed by a person."""

from __future__ import annotations

from refunds.policy.case import Case, Verdict
from refunds.policy.clause import BarRule
from refunds.policy.codes import Code, Decision
from refunds.policy.points import bar_caused_delay, bar_fits


def barred(case: Case) -> Verdict | None:
    """An established fact denies; where the terms say "may", a person decides."""
    applying = [each for each in _bars(case) if case.asks(each.rule)]
    return _verdict(case, applying) if applying else None


def delaying_bar(case: Case) -> Verdict | None:
    """The established fact that made the order late takes away what the broken promise gives."""
    causes = [each for each in _bars(case) if bar_caused_delay(each.bar, case.facts)]
    return _verdict(case, causes) if causes else None


def alleged(case: Case) -> Verdict | None:
    """A fact that is only alleged is looked into; it denies nothing."""
    for each in _bars(case):
        if each.bar.fact in case.facts.alleged and bar_fits(each.bar, case.facts):
            reason = case.reason(Code.H_FACT_UNVERIFIED, each.rule.ids, details=(each.bar.fact,))
            return Verdict(Decision.NEEDS_STAFF, (reason,))
    return None


def _bars(case: Case) -> tuple[BarRule, ...]:
    return case.profile.bars[case.facts.kind]


def _verdict(case: Case, applying: list[BarRule]) -> Verdict:
    reasons = tuple(case.reason(each.bar.code, each.rule.ids, details=(each.bar.fact,)) for each in applying)
    decision = Decision.NEEDS_STAFF if applying[0].bar.person_decides else Decision.NOT_ELIGIBLE
    return Verdict(decision, reasons, next_step=applying[0].bar.next_step)
