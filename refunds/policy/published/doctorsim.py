"""Profile doctorsim: ten free minutes, guaranteed times, choice of refund, closed lists of exceptions by service."""

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
from refunds.policy.published.best_price import BEST_PRICE
from refunds.policy.published.guards import CITES, GUARDS
from refunds.policy.roles import Role

_VIDEO: Final = ("DSIM-UNLOCK-i-b",)

BARS: Final = (
    Bar(
        fact="blacklisted",
        code=Code.D_BLACKLISTED,
        clauses={"unlock": ("DSIM-UNLOCK-ii-a", "DSIM-UNLOCK-CHK-c"), "topup": ("DSIM-TOPUP-iii-c",)},
    ),
    Bar(
        fact="attempts_exhausted",
        code=Code.D_ATTEMPTS_EXHAUSTED,
        clauses={"unlock": ("DSIM-UNLOCK-ii-b", "DSIM-UNLOCK-CHK-b")},
        next_step="support",
    ),
    Bar(
        fact="already_unlocked",
        code=Code.D_ALREADY_UNLOCKED,
        clauses={"unlock": ("DSIM-UNLOCK-ii-c", "DSIM-UNLOCK-CHK-d")},
    ),
    Bar(
        fact="wrong_identifier",
        code=Code.D_WRONG_IDENTIFIER,
        clauses={"unlock": ("DSIM-UNLOCK-ii-d",), "check": ("DSIM-CHECK-ii-b",), "topup": ("DSIM-TOPUP-iii-b",)},
    ),
    Bar(fact="wrong_phone_number", code=Code.D_WRONG_IDENTIFIER, clauses={"topup": ("DSIM-TOPUP-iii-d",)}),
    Bar(
        fact="wrong_service",
        code=Code.D_WRONG_SERVICE_OR_NETWORK,
        clauses={"unlock": ("DSIM-UNLOCK-ii-d",), "check": ("DSIM-CHECK-ii-b",), "topup": ("DSIM-TOPUP-iii-b",)},
    ),
    Bar(
        fact="wrong_email",
        code=Code.D_WRONG_IDENTIFIER,
        clauses={"unlock": ("DSIM-UNLOCK-ii-d",)},
        next_step="resend_after_identity_check",
    ),
    Bar(fact="activation_lock", code=Code.D_ACTIVATION_LOCK, clauses={"unlock": ("DSIM-UNLOCK-CHK-g",)}),
    Bar(
        fact="access_codes_unknown",
        code=Code.D_ACCESS_CODES_UNKNOWN,
        clauses={"unlock": ("DSIM-UNLOCK-CHK-h",)},
        causal_kinds=("unlock",),
        next_step="support",
    ),
    Bar(
        fact="modified_device",
        code=Code.D_MODIFIED_DEVICE,
        clauses={"unlock": ("DSIM-UNLOCK-ii-e",), "check": ("DSIM-CHECK-ii-a",), "topup": ("DSIM-TOPUP-iii-a",)},
        causal_kinds=("unlock",),
    ),
    Bar(fact="network_not_covered", code=Code.D_NETWORK_NOT_COVERED, clauses={"check": ("DSIM-CHECK-ii-e",)}),
    Bar(fact="operator_data_delay", code=Code.D_OPERATOR_DATA_DELAY, clauses={"check": ("DSIM-CHECK-ii-d",)}),
    Bar(
        fact="status_changed_after_24h",
        code=Code.D_STATUS_CHANGED_AFTER_24H,
        clauses={"check": ("DSIM-CHECK-ii-c",)},
    ),
)

NUMBERS: Final = Numbers(
    name="doctorsim",
    version="2026-11",
    effective_on=date(2026, 11, 1),
    calendar_name="madrid",
    cancellation=Cancellation(
        after_dispatch="refuse",
        refusal=Code.D_CANCEL_WINDOW_CLOSED,
        window_minutes=10,
        delay_notice_hours=24,
    ),
    withdrawal=Withdrawal(regions=None, consumers_only=False, rolls_forward=False),
    delivery=DeliveryTerms(guaranteed=True, notice_replaces_deadline=True),
    claims=ClaimTerms(evidence_days=14, contest_hours=24),
    evidence=EvidenceTerms(
        shows={
            "continuous": _VIDEO,
            "imei": _VIDEO,
            "imei_matches": _VIDEO,
            "code_entry": _VIDEO,
            "keys_visible": _VIDEO,
            "screen_text": _VIDEO,
            "device_always": _VIDEO,
        }
    ),
    outcomes={
        "unavailable": Decision.AUTO_REFUND,
        "not_found": Decision.AUTO_REFUND,
        "check_unavailable": Decision.AUTO_REFUND,
        "topup_failed": Decision.AUTO_REFUND,
    },
    refund=RefundTerms(
        destinations=("original_payment", "refund_credits", "additional_payment"),
        process_business_days=3,
        posted_after_hours=48,
        posted_within_hours={"unlock": 72},
        posted_within_business_days={"check": 7, "topup": 7},
        bank_countries=("ES", "MX"),
    ),
    disputes=Disputes(),
    bars=BARS,
    non_grounds=(
        NonGround(ground="change_of_mind", code=Code.D_CHANGE_OF_MIND, clauses=("DSIM-TOPUP-iv-a",)),
        NonGround(
            ground="not_responsible",
            code=Code.D_NOT_RESPONSIBLE_CLAIM,
            clauses=("DSIM-TOPUP-iv-b",),
            next_step="report_to_police",
        ),
    ),
    decided_by={
        **GUARDS,
        Role.OTHER_SENDER: ("DSIM-CANCEL-2",),
        Role.CANCEL_WINDOW: ("DSIM-CANCEL-2",),
        Role.DELAY_NOTICE: ("DSIM-HOURS-3",),
        Role.INDEFINITE_DELAY: ("DSIM-HOURS-5",),
        Role.WITHDRAWAL: ("DSIM-CANCEL-1",),
        Role.REPROCESSED: ("DSIM-HOURS-4",),
        Role.TOO_LATE_TO_CANCEL: {
            "unlock": ("DSIM-CANCEL-3", "DSIM-CANCEL-1"),
            "check": ("DSIM-CANCEL-1",),
            "topup": ("DSIM-CANCEL-1",),
        },
        Role.GUARANTEE_EXCEEDED: ("DSIM-DEL-5",),
        Role.DEADLINE_REPLACED: ("DSIM-DEL-5", "DSIM-HOURS-4"),
        Role.LATE: ("DSIM-DEL-2",),
        Role.UNAVAILABLE: ("DSIM-UNLOCK-i-a",),
        Role.CHECK_UNAVAILABLE: ("DSIM-CHECK-i",),
        Role.TOPUP_FAILED: ("DSIM-TOPUP-ii",),
        Role.UNLISTED_CAUSE: {"check": ("DSIM-CHECK-ii-0",), "topup": ("DSIM-TOPUP-iii-0",)},
        Role.WRONG_DELIVERY: ("DSIM-TOPUP-v-a",),
        Role.STATUS_CHANGED: ("DSIM-CHECK-ii-c",),
        Role.RESULT_DISPUTED: {"check": ("DSIM-CHECK-ii-c", "DSIM-CHECK-ii-d")},
        Role.VIDEO_MISSING: _VIDEO,
        Role.VIDEO_LAPSED: _VIDEO,
        Role.VIDEO_TO_REVIEW: _VIDEO,
        Role.CUSTOMER_ERROR: ("DSIM-UNLOCK-i-c",),
        Role.SECOND_CODE: ("DSIM-UNLOCK-i-c",),
        Role.WRONG_CODE_ADMITTED: ("DSIM-UNLOCK-i-c",),
        Role.PRICE_MATCH_IN_TIME: ("DSIM-BPG-1",),
        Role.PAID_IN_FULL: ("DSIM-BPG-2c",),
        Role.ADDITIONAL_PAYMENT: ("DSIM-ADDPAY-1",),
        Role.MOVED_ON: ("DSIM-ADDPAY-2",),
        Role.BANK_ABROAD: {
            "unlock": ("DSIM-UNLOCK-R4",), "check": ("DSIM-CHECK-R4",), "topup": ("DSIM-TOPUP-R4",),
        },
    },
    cites={
        **CITES,
        Code.G_DELAY_NOTICE_CANCEL: ("DSIM-HOURS-4",),
        Code.G_GUARANTEED_TIME_EXCEEDED: ("DSIM-DEL-6", "DSIM-HOURS-1"),
        Code.D_GUARANTEE_NOT_EXCEEDED: ("DSIM-DEL-2", "DSIM-DEL-6", "DSIM-HOURS-1"),
        Code.D_LATE_NOT_GROUND: ("DSIM-DEL-2",),
        Code.G_UNAVAILABLE: ("DSIM-UNLOCK-R1", "DSIM-UNLOCK-R2", "DSIM-UNLOCK-R4", "DSIM-ADDPAY-2"),
        Code.G_CHECK_RESULT_UNAVAILABLE: ("DSIM-CHECK-R2",),
        Code.G_TOPUP_FAILED: ("DSIM-TOPUP-R2",),
        Code.G_ADDITIONAL_PAYMENT: ("DSIM-ADDPAY-2", "DSIM-ADDPAY-3"),
        Code.H_VIDEO_REVIEW: ("DSIM-UNLOCK-i-c",),
        Code.H_DESTINATION_REVIEW: {
            "unlock": ("DSIM-UNLOCK-R4",), "check": ("DSIM-CHECK-R4",), "topup": ("DSIM-TOPUP-R4",),
        },
    },
    price_match=BEST_PRICE,
)  # fmt: skip
