"""Profile imei_org: final sale with a guarantee, no cancelling after payment, times not guaranteed."""

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
from refunds.policy.published.guards import CITES, GUARDS
from refunds.policy.roles import Role

_STATUTORY: Final = ("IMEIORG-KP-3", "IMEIORG-18.5b")
_GUARANTEE: Final = ("IMEIORG-8.2", "IMEIORG-8.1")

NUMBERS: Final = Numbers(
    name="imei_org",
    version="2026-11",
    effective_on=date(2026, 11, 1),
    calendar_name="la",
    cancellation=Cancellation(
        after_dispatch="refuse",
        refusal=Code.D_CANCELLATION_NOT_OFFERED,
        # Assumed: the terms give no delivery time for a replacement whose service states none.
        replacement_hours=4,
    ),
    withdrawal=Withdrawal(),
    delivery=DeliveryTerms(),
    claims=ClaimTerms(evidence_days=14),
    evidence=EvidenceTerms(
        shows={
            "imei": ("IMEIORG-8.3a",),
            "imei_matches": ("IMEIORG-8.3a",),
            "restore_activate": ("IMEIORG-8.3b",),
        }
    ),
    outcomes={"unavailable": Decision.AUTO_REFUND, "not_found": None, "check_unavailable": Decision.AUTO_REFUND},
    refund=RefundTerms(destinations=("original_payment",), visible_days=7),
    disputes=Disputes(premature_hours=48, escalate_days=7),
    bars=(
        Bar(
            fact="wrong_identifier",
            code=Code.D_WRONG_IDENTIFIER,
            clauses=("IMEIORG-8.5", "IMEIORG-11.1"),
            outcomes=("completed", "not_found"),
        ),
        Bar(
            fact="wrong_service",
            code=Code.D_WRONG_SERVICE_OR_NETWORK,
            clauses=("IMEIORG-8.6", "IMEIORG-11.1"),
            outcomes=("completed", "not_found", "unavailable"),
        ),
        Bar(fact="already_unlocked", code=Code.D_ALREADY_UNLOCKED, clauses=("IMEIORG-8.4",)),
        Bar(fact="already_unlocked_before_order", code=Code.D_ALREADY_UNLOCKED, clauses=("IMEIORG-8.18",)),
        Bar(fact="not_activated", code=Code.D_NOT_ACTIVATED, clauses=("IMEIORG-8.7", "IMEIORG-11.1")),
        Bar(fact="blacklisted", code=Code.D_BLACKLISTED, clauses=("IMEIORG-8.8",), clean_scope_only=True),
        Bar(fact="bought_for_activation_lock", code=Code.D_ACTIVATION_LOCK, clauses=("IMEIORG-8.9",)),
        Bar(fact="bought_elsewhere", code=Code.D_BOUGHT_ELSEWHERE, clauses=("IMEIORG-8.11",)),
        Bar(fact="blocked_after_unlock", code=Code.D_BLOCKED_AFTER_UNLOCK, clauses=("IMEIORG-8.12",)),
        Bar(fact="unpaid_dues", code=Code.D_UNPAID_DUES, clauses=("IMEIORG-8.20",), grounds=("relocked",)),
        Bar(
            fact="not_restored_latest",
            code=Code.D_INSTRUCTIONS_IGNORED,
            clauses=("IMEIORG-9.2",),
            grounds=("not_working",),
            next_step="restore_and_try_again",
        ),
    ),
    non_grounds=(
        NonGround(
            ground="cannot_complete",
            code=Code.D_CANNOT_COMPLETE,
            clauses=("IMEIORG-8.13", "IMEIORG-KP-4"),
            next_step="support",
        ),
        NonGround(
            ground="activation_lock", code=Code.D_ACTIVATION_LOCK, clauses=("IMEIORG-8.14",), next_step="support"
        ),
        NonGround(ground="incompatible_network", code=Code.D_INCOMPATIBLE_NETWORK, clauses=("IMEIORG-8.16",)),
        NonGround(ground="change_of_mind", code=Code.D_CHANGE_OF_MIND, clauses=("IMEIORG-8.17",)),
        NonGround(
            ground="itunes_activation", code=Code.D_ITUNES_ACTIVATION, clauses=("IMEIORG-8.19",), next_step="support"
        ),
        NonGround(
            ground="relocked", code=Code.D_RELOCKED, clauses=("IMEIORG-1.7", "IMEIORG-KP-4"), next_step="support"
        ),
        NonGround(ground="no_reason", code=Code.D_FINAL_SALE, clauses=("IMEIORG-KP-1", "IMEIORG-KP-2a")),
    ),
    decided_by={
        **GUARDS,
        Role.DISPUTE_PREMATURE: ("IMEIORG-16.6",),
        Role.FRAUD_SUSPECTED: ("IMEIORG-16.1",),
        Role.UNPAID: ("HOUSE-UNPAID",),
        Role.WITHDRAWAL: _STATUTORY,
        Role.WITHDRAWAL_WITHOUT_WAIVER: _STATUTORY,
        Role.TOO_LATE_TO_CANCEL: ("IMEIORG-2.1", "IMEIORG-8.21", "IMEIORG-KP-2c"),
        Role.LATE: ("IMEIORG-8.15",),
        Role.UNAVAILABLE: _GUARANTEE,
        Role.CHECK_UNAVAILABLE: _GUARANTEE,
        Role.TOPUP_FAILED: _GUARANTEE,
        Role.NOT_FOUND: ("IMEIORG-12.1",),
        Role.NOT_FOUND_CLEARED: ("IMEIORG-8.2", "IMEIORG-12.1"),
        Role.RESUBMIT: ("IMEIORG-7.1",),
        Role.VIDEO_MISSING: ("IMEIORG-8.3",),
        Role.VIDEO_LAPSED: ("IMEIORG-8.10",),
        Role.VIDEO_TO_REVIEW: ("IMEIORG-8.3",),
        Role.CUSTOMER_ERROR: ("IMEIORG-8.13",),
        Role.FAILURE_CONFIRMED: ("IMEIORG-8.3", "IMEIORG-8.1"),
        Role.WRONG_CODE_ADMITTED: ("IMEIORG-8.1",),
        Role.CORRECTION: ("IMEIORG-11.2a",),
        Role.CORRECTION_APPROVED: ("IMEIORG-11.2a",),
        Role.CORRECTION_REJECTED: ("IMEIORG-11.2c",),
        Role.FULFILLED: ("IMEIORG-11.1",),
        Role.ABUSE: ("IMEIORG-16.5c",),
    },
    cites={
        **CITES,
        Code.H_DISPUTE_OPEN: ("IMEIORG-17.1",),
        Code.G_UNAVAILABLE: ("IMEIORG-8.T2",),
        Code.G_SUPPLIER_APPROVED_CANCEL: ("IMEIORG-11.2b",),
        Code.H_EVIDENCE_REQUIRED: ("IMEIORG-8.10",),
        Code.H_VIDEO_REVIEW: ("IMEIORG-8.3a", "IMEIORG-8.3b"),
        Code.H_EVIDENCE_INSUFFICIENT: ("IMEIORG-8.3",),
        Code.H_PROCEDURE_HELP: ("IMEIORG-8.T1", "DSIM-UNLOCK-i-c"),
        Code.D_CANCELLATION_NOT_OFFERED: ("IMEIORG-KP-2c",),
    },
)
