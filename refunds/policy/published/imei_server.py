"""Profile imei_server: refunds on request, 180 days; three days for results that do not work; a cap on delays."""

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
    NonGround,
    Numbers,
    RefundTerms,
    Withdrawal,
)
from refunds.policy.published.guards import BY_LAW, CITES, GUARDS
from refunds.policy.roles import Role

_ON_REQUEST: Final = ("IMEISERVER-3.1",)

NUMBERS: Final = Numbers(
    name="imei_server",
    version="2026-11",
    effective_on=date(2026, 11, 1),
    calendar_name="weekday_utc",
    # The terms do not speak of cancelling: free while nothing was done, afterwards the supplier is asked.
    cancellation=Cancellation(after_dispatch="ask_supplier", refusal=None),
    withdrawal=Withdrawal(),
    delivery=DeliveryTerms(hard_cap_days=10),
    claims=ClaimTerms(request_days=180, notify_days=3, notify_late=Decision.NOT_ELIGIBLE, evidence_days=14),
    evidence=EvidenceTerms(
        min_short_side=720,
        shows={
            "continuous": ("IMEISERVER-4.1",),
            "imei": ("IMEISERVER-4.1d",),
            "imei_matches": ("IMEISERVER-4.1d",),
            "device_always": ("IMEISERVER-4.1b",),
            "in_focus": ("IMEISERVER-4.1b",),
            "good_light": ("IMEISERVER-4.1c",),
            "follows_instructions": ("IMEISERVER-4.1e",),
        },
    ),
    outcomes={
        "unavailable": Decision.ELIGIBLE,
        "not_found": Decision.ELIGIBLE,
        "check_unavailable": Decision.ELIGIBLE,
    },
    refund=RefundTerms(destinations=("original_payment",), process_calendar_days=7),
    disputes=Disputes(),
    bars=(
        Bar(fact="wrong_identifier", code=Code.D_WRONG_IDENTIFIER, clauses=("IMEISERVER-4.2a",)),
        Bar(fact="other_provider_used", code=Code.D_OTHER_PROVIDER_USED, clauses=("IMEISERVER-4.2b",)),
        Bar(fact="self_unlocked", code=Code.D_OTHER_PROVIDER_USED, clauses=("IMEISERVER-4.2b",)),
        Bar(fact="attempts_exhausted", code=Code.D_ATTEMPTS_EXHAUSTED, clauses=("IMEISERVER-4.2c",)),
        Bar(fact="no_code_prompt", code=Code.D_NO_CODE_PROMPT, clauses=("IMEISERVER-4.2c",)),
        Bar(fact="other_lock", code=Code.D_OTHER_LOCK, clauses=("IMEISERVER-4.2d",)),
        Bar(fact="wrong_service", code=Code.D_WRONG_SERVICE_OR_NETWORK, clauses=("IMEISERVER-4.2e",)),
        Bar(fact="instructions_ignored", code=Code.D_INSTRUCTIONS_IGNORED, clauses=("IMEISERVER-4.2f",)),
    ),
    non_grounds=(NonGround(ground="relocked", code=Code.D_RELOCKED, clauses=("IMEISERVER-2.4",)),),
    decided_by={
        **GUARDS,
        Role.BEFORE_SUBMISSION: ("HOUSE-BEFORE-SUBMISSION",),
        Role.WITHDRAWAL: BY_LAW,
        Role.WITHDRAWAL_WITHOUT_WAIVER: BY_LAW,
        Role.SUPPLIER_APPROVED: ("HOUSE-SUPPLIER-AGREES",),
        Role.SUPPLIER_ASKED: ("HOUSE-SUPPLIER-AGREES",),
        Role.REQUEST_WINDOW: ("IMEISERVER-3.1",),
        Role.NOTIFY_WINDOW: ("IMEISERVER-4.1",),
        Role.HARD_CAP_EXCEEDED: ("IMEISERVER-2.3",),
        Role.LATE: ("IMEISERVER-2.3",),
        Role.UNAVAILABLE: _ON_REQUEST,
        Role.CHECK_UNAVAILABLE: _ON_REQUEST,
        Role.TOPUP_FAILED: _ON_REQUEST,
        Role.SUPPLIER_CANCELLED: _ON_REQUEST,
        Role.VIDEO_MISSING: ("IMEISERVER-4.1",),
        Role.VIDEO_LAPSED: ("IMEISERVER-4.1",),
        Role.VIDEO_SMALL: ("IMEISERVER-4.1a",),
        Role.VIDEO_TO_REVIEW: ("IMEISERVER-4.1",),
        Role.CUSTOMER_ERROR: ("IMEISERVER-4.1e",),
        Role.FAILURE_CONFIRMED: ("IMEISERVER-4.1",),
        Role.WRONG_CODE_ADMITTED: ("IMEISERVER-4.1",),
    },
    cites={
        **CITES,
        Code.G_UNAVAILABLE: ("IMEISERVER-3.3", "IMEISERVER-3.4", "IMEISERVER-2.2"),
        Code.H_VIDEO_REVIEW: (
            "IMEISERVER-4.1a", "IMEISERVER-4.1b", "IMEISERVER-4.1c", "IMEISERVER-4.1d", "IMEISERVER-4.1e",
        ),
        Code.H_EVIDENCE_INSUFFICIENT: ("IMEISERVER-4.1",),
        Code.H_PROCEDURE_HELP: ("IMEISERVER-4.3", "DSIM-UNLOCK-i-c"),
    },
)  # fmt: skip
