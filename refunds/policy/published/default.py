"""Profile default: what the shop itself offers, the fairest of the four shops' rules put together."""

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
    IdsByKind,
    NonGround,
    Numbers,
    RefundTerms,
    Stuck,
    Withdrawal,
)
from refunds.policy.published.best_price import BEST_PRICE
from refunds.policy.published.guards import CITES, GUARDS
from refunds.policy.roles import Role

_NOTHING_DELIVERED: Final[IdsByKind] = {
    "unlock": ("IMEIORG-8.2", "DSIM-UNLOCK-i-a"), "topup": ("IMEIORG-8.2",),
}  # fmt: skip
_NO_RESULT: Final = ("DSIM-CHECK-i", "IMEIORG-8.2")
_VIDEO: Final = ("IMEIORG-8.3", "IMEISERVER-4.1", "DSIM-UNLOCK-i-b")
_FAILED_CODE: Final = ("not_working",)
_DELIVERED: Final = ("completed", "not_found")

BARS: Final = (
    Bar(
        fact="wrong_identifier",
        code=Code.D_WRONG_IDENTIFIER,
        clauses=("IMEIORG-8.5", "IMEISERVER-4.2a", "DSIM-UNLOCK-ii-d"),
        outcomes=_DELIVERED,
    ),
    Bar(
        fact="wrong_service",
        code=Code.D_WRONG_SERVICE_OR_NETWORK,
        clauses=("IMEIORG-8.6", "IMEISERVER-4.2e", "DSIM-UNLOCK-ii-d"),
        outcomes=_DELIVERED,
    ),
    Bar(fact="already_unlocked", code=Code.D_ALREADY_UNLOCKED, clauses=("IMEIORG-8.4", "DSIM-UNLOCK-ii-c")),
    Bar(fact="already_unlocked_before_order", code=Code.D_ALREADY_UNLOCKED, clauses=("IMEIORG-8.18",)),
    Bar(
        fact="blacklisted",
        code=Code.D_BLACKLISTED,
        clauses=("IMEIORG-8.8", "DSIM-UNLOCK-ii-a"),
        clean_scope_only=True,
        outcomes=_DELIVERED,
    ),
    Bar(
        fact="attempts_exhausted",
        code=Code.D_ATTEMPTS_EXHAUSTED,
        clauses=("DSIM-UNLOCK-ii-b", "IMEISERVER-4.2c"),
        grounds=_FAILED_CODE,
        next_step="support",
    ),
    Bar(
        fact="modified_device",
        code=Code.D_MODIFIED_DEVICE,
        clauses=("DSIM-UNLOCK-ii-e",),
        causal_kinds=("unlock", "check", "topup"),
    ),
    Bar(
        fact="instructions_ignored",
        code=Code.D_INSTRUCTIONS_IGNORED,
        clauses=("IMEISERVER-4.2f",),
        grounds=_FAILED_CODE,
    ),
    Bar(
        fact="other_provider_used",
        code=Code.D_OTHER_PROVIDER_USED,
        clauses=("IMEISERVER-4.2b",),
        grounds=_FAILED_CODE,
    ),
    Bar(fact="bought_elsewhere", code=Code.D_BOUGHT_ELSEWHERE, clauses=("IMEIORG-8.11",)),
    Bar(fact="network_not_covered", code=Code.D_NETWORK_NOT_COVERED, clauses=("DSIM-CHECK-ii-e",)),
)

NUMBERS: Final = Numbers(
    name="default",
    version="2026-11",
    effective_on=date(2026, 11, 1),
    calendar_name="madrid",
    cancellation=Cancellation(
        after_dispatch="ask_supplier",
        refusal=Code.D_CANCEL_WINDOW_CLOSED,
        window_minutes=10,
        ends_with_completion=True,
        delay_notice_hours=24,
    ),
    withdrawal=Withdrawal(regions=None, consumers_only=False),
    delivery=DeliveryTerms(
        guaranteed=True, notice_replaces_deadline=True, hard_cap_days=10, hard_cap_is_automatic=True
    ),
    claims=ClaimTerms(
        request_days=180,
        notify_days=30,
        notify_late=Decision.NEEDS_STAFF,
        evidence_days=14,
        reminder_days=(7, 12),
        contest_hours=24,
    ),
    evidence=EvidenceTerms(
        min_short_side=720,
        small_is_fine_if_legible=True,
        shows={
            "continuous": ("IMEISERVER-4.1", "DSIM-UNLOCK-i-b"),
            "imei": ("IMEIORG-8.3a", "IMEISERVER-4.1d", "DSIM-UNLOCK-i-b"),
            "imei_matches": ("IMEIORG-8.3a", "IMEISERVER-4.1d", "DSIM-UNLOCK-i-b"),
            "follows_instructions": ("IMEISERVER-4.1e",),
            "screen_text": ("DSIM-UNLOCK-i-b",),
        },
    ),
    outcomes={
        "unavailable": Decision.AUTO_REFUND,
        "not_found": None,
        "check_unavailable": Decision.AUTO_REFUND,
        "topup_failed": Decision.AUTO_REFUND,
        "supplier_cancelled": Decision.AUTO_REFUND,
    },
    refund=RefundTerms(
        destinations=("original_payment", "refund_credits"),
        process_business_days=3,
        process_calendar_days=7,
        posted_after_hours=48,
        posted_within_hours={"unlock": 72, "check": 72, "topup": 72},
        bank_countries=("ES", "MX"),
    ),
    disputes=Disputes(premature_hours=48, escalate_days=7),
    bars=BARS,
    non_grounds=(
        NonGround(
            ground="cannot_complete", code=Code.D_CANNOT_COMPLETE, clauses=("IMEIORG-8.13",), next_step="support"
        ),
        NonGround(
            ground="activation_lock",
            code=Code.D_ACTIVATION_LOCK,
            clauses=("IMEIORG-8.14", "DSIM-UNLOCK-CHK-g"),
            next_step="support",
        ),
        NonGround(ground="incompatible_network", code=Code.D_INCOMPATIBLE_NETWORK, clauses=("IMEIORG-8.16",)),
        NonGround(ground="change_of_mind", code=Code.D_CHANGE_OF_MIND, clauses=("IMEIORG-8.17",)),
        NonGround(
            ground="itunes_activation", code=Code.D_ITUNES_ACTIVATION, clauses=("IMEIORG-8.19",), next_step="support"
        ),
        NonGround(
            ground="relocked", code=Code.D_RELOCKED, clauses=("IMEIORG-1.7", "IMEISERVER-2.4"), next_step="support"
        ),
    ),
    decided_by={
        **GUARDS,
        Role.DISPUTE_PREMATURE: ("IMEIORG-16.6",),
        Role.OTHER_SENDER: ("DSIM-CANCEL-2",),
        Role.CANCEL_WINDOW: ("DSIM-CANCEL-2",),
        Role.DELAY_NOTICE: ("DSIM-HOURS-3",),
        Role.INDEFINITE_DELAY: ("DSIM-HOURS-5",),
        Role.BEFORE_SUBMISSION: ("IMEISHOP-4",),
        Role.WITHDRAWAL: ("DSIM-CANCEL-1",),
        Role.TOO_LATE_TO_CANCEL: ("DSIM-CANCEL-1",),
        Role.SUPPLIER_APPROVED: ("IMEISHOP-7",),
        Role.SUPPLIER_REJECTED: ("IMEISHOP-8",),
        Role.SUPPLIER_ASKED: ("IMEISHOP-4",),
        Role.REQUEST_WINDOW: ("IMEISERVER-3.1",),
        Role.NOTIFY_WINDOW: ("IMEISERVER-4.1",),
        Role.GUARANTEE_EXCEEDED: ("DSIM-DEL-5",),
        Role.DEADLINE_REPLACED: ("DSIM-DEL-5", "DSIM-HOURS-4"),
        Role.HARD_CAP_EXCEEDED: ("IMEISERVER-2.3",),
        Role.LATE: ("DSIM-DEL-2",),
        Role.UNAVAILABLE: _NOTHING_DELIVERED,
        Role.CHECK_UNAVAILABLE: _NO_RESULT,
        Role.TOPUP_FAILED: ("DSIM-TOPUP-ii",),
        Role.SUPPLIER_CANCELLED: ("IMEISHOP-7",),
        Role.NOT_FOUND: ("IMEIORG-12.1",),
        Role.NOT_FOUND_CLEARED: ("IMEIORG-8.2", "IMEIORG-12.1"),
        Role.RESUBMIT: ("IMEIORG-7.1",),
        Role.WRONG_DELIVERY: ("DSIM-TOPUP-v-a",),
        Role.RESULT_DISPUTED: {"check": ("DSIM-CHECK-ii-c",)},
        Role.VIDEO_MISSING: _VIDEO,
        Role.VIDEO_LAPSED: ("IMEIORG-8.10",),
        Role.VIDEO_SMALL: ("IMEISERVER-4.1a",),
        Role.VIDEO_TO_REVIEW: _VIDEO,
        Role.CUSTOMER_ERROR: ("DSIM-UNLOCK-i-c",),
        Role.FAILURE_CONFIRMED: ("IMEISERVER-4.1", "IMEIORG-8.3"),
        Role.WRONG_CODE_ADMITTED: ("DSIM-UNLOCK-i-c",),
        Role.VERIFICATION_WAIT: ("IMEISHOP-6",),
        Role.SUPPLIER_SILENT: ("IMEISHOP-6",),
        Role.CORRECTION: ("IMEIORG-11.2a",),
        Role.CORRECTION_APPROVED: ("IMEIORG-11.2a",),
        Role.CORRECTION_REJECTED: ("IMEIORG-11.2c",),
        Role.FULFILLED: ("IMEIORG-11.1",),
        Role.PRICE_MATCH_IN_TIME: ("DSIM-BPG-1",),
        Role.PAID_IN_FULL: ("DSIM-BPG-2c",),
        Role.WALLET_BALANCE: ("IMEISHOP-PRIV-5",),
        Role.DUPLICATE: ("IMEISHOP-11",),
        Role.BANK_ABROAD: {
            "unlock": ("DSIM-UNLOCK-R4",), "check": ("DSIM-CHECK-R4",), "topup": ("DSIM-TOPUP-R4",),
        },
    },
    cites={
        **CITES,
        Code.H_DISPUTE_OPEN: ("IMEIORG-17.1",),
        Code.G_CANCEL_BEFORE_SUBMISSION: ("DSIM-CANCEL-1",),
        Code.G_GUARANTEED_TIME_EXCEEDED: ("DSIM-DEL-6",),
        Code.D_GUARANTEE_NOT_EXCEEDED: ("DSIM-DEL-2", "DSIM-DEL-6"),
        Code.D_LATE_NOT_GROUND: ("DSIM-DEL-2",),
        Code.G_HARD_CAP_EXCEEDED: ("DSIM-DEL-5",),
        Code.G_CODE_INCORRECT: ("IMEISERVER-4.1", "IMEIORG-8.3"),
        Code.H_SUPPLIER_DECISION_PENDING: ("IMEISHOP-7",),
        Code.H_VIDEO_REVIEW: ("IMEISERVER-4.1a", "DSIM-UNLOCK-i-c"),
        Code.G_SUPPLIER_APPROVED_CANCEL: ("IMEISHOP-4",),
    },
    stuck=Stuck(service_code="742#", required=False, answer_days=7, silence=Decision.ELIGIBLE),
    price_match=BEST_PRICE,
)  # fmt: skip
