"""Profile imeishop: free until submitted, then the supplier decides; stuck orders need the verification service."""

from __future__ import annotations

from datetime import date
from typing import Final

from refunds.policy.codes import Code, Decision
from refunds.policy.numbers import (
    Bar,
    Cancellation,
    ClaimTerms,
    DeliveryTerms,
    Disputes,
    EvidenceTerms,
    Numbers,
    RefundTerms,
    Stuck,
    Withdrawal,
)
from refunds.policy.published.guards import BY_LAW, CITES, GUARDS
from refunds.policy.roles import Role

_SUPPLIER_DECIDES: Final = ("IMEISHOP-7",)

NUMBERS: Final = Numbers(
    name="imeishop",
    version="2026-11",
    effective_on=date(2026, 11, 1),
    calendar_name="weekday_utc",
    cancellation=Cancellation(after_dispatch="refuse", refusal=Code.D_IN_PROCESS_NO_CANCEL),
    withdrawal=Withdrawal(),
    delivery=DeliveryTerms(stuck_factor=2),
    claims=ClaimTerms(),
    evidence=EvidenceTerms(),
    outcomes={
        "unavailable": Decision.AUTO_REFUND,
        "not_found": Decision.AUTO_REFUND,
        "check_unavailable": Decision.AUTO_REFUND,
        "supplier_cancelled": Decision.AUTO_REFUND,
    },
    refund=RefundTerms(destinations=("wallet",)),
    disputes=Disputes(),
    bars=(
        Bar(fact="wrong_identifier", code=Code.D_WRONG_IDENTIFIER, clauses=("IMEISHOP-9",), person_decides=True),
        Bar(fact="wrong_service", code=Code.D_WRONG_SERVICE_OR_NETWORK, clauses=("IMEISHOP-9",), person_decides=True),
    ),
    non_grounds=(),
    decided_by={
        **GUARDS,
        Role.BEFORE_SUBMISSION: ("IMEISHOP-4",),
        Role.WITHDRAWAL: BY_LAW,
        Role.WITHDRAWAL_WITHOUT_WAIVER: BY_LAW,
        Role.TOO_LATE_TO_CANCEL: ("IMEISHOP-4", "IMEISHOP-10"),
        Role.SUPPLIER_APPROVED: _SUPPLIER_DECIDES,
        Role.SUPPLIER_REJECTED: ("IMEISHOP-8",),
        Role.SUPPLIER_ASKED: _SUPPLIER_DECIDES,
        Role.LATE: ("IMEISHOP-3",),
        Role.UNAVAILABLE: _SUPPLIER_DECIDES,
        Role.CHECK_UNAVAILABLE: _SUPPLIER_DECIDES,
        Role.TOPUP_FAILED: _SUPPLIER_DECIDES,
        Role.SUPPLIER_CANCELLED: _SUPPLIER_DECIDES,
        Role.WRONG_CODE_ADMITTED: _SUPPLIER_DECIDES,
        Role.VERIFICATION_REQUIRED: ("IMEISHOP-5",),
        Role.VERIFICATION_WAIT: ("IMEISHOP-6",),
        Role.SUPPLIER_SILENT: ("IMEISHOP-6",),
        Role.WALLET_BALANCE: ("IMEISHOP-PRIV-5",),
        Role.DUPLICATE: ("IMEISHOP-11",),
    },
    cites={
        **CITES,
        Code.G_SUPPLIER_APPROVED_CANCEL: ("IMEISHOP-4",),
        Code.H_SUPPLIER_DECISION_PENDING: ("IMEISHOP-4",),
        Code.H_VERIFICATION_REQUIRED: ("IMEISHOP-12b",),
        Code.H_SUPPLIER_OVERDUE: ("IMEISHOP-7",),
    },
    stuck=Stuck(service_code="742#", required=True, answer_days=7, silence=Decision.NEEDS_STAFF),
)
