"""What a decision can be, and the reason codes it can carry."""

from __future__ import annotations

from enum import StrEnum, auto


class Decision(StrEnum):
    """What happens with a claim."""

    ELIGIBLE = auto()
    NOT_ELIGIBLE = auto()
    NEEDS_EVIDENCE = auto()
    NEEDS_STAFF = auto()
    NEEDS_SUPPLIER = auto()
    AUTO_REFUND = auto()

    @property
    def is_grant(self) -> bool:
        """Whether the customer gets what the claim asks for."""
        return self in {Decision.ELIGIBLE, Decision.AUTO_REFUND}


class _Spelled(StrEnum):
    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return name


class Code(_Spelled):
    """Why: G grants, D denies, H hands the claim on (to evidence, staff or the supplier)."""

    G_CANCEL_WINDOW = auto()
    G_CANCEL_BEFORE_SUBMISSION = auto()
    G_STATUTORY_WITHDRAWAL = auto()
    G_DELAY_NOTICE_CANCEL = auto()
    G_INDEFINITE_DELAY = auto()
    G_GUARANTEED_TIME_EXCEEDED = auto()
    G_HARD_CAP_EXCEEDED = auto()
    G_UNAVAILABLE = auto()
    G_CODE_INCORRECT = auto()
    G_CHECK_RESULT_UNAVAILABLE = auto()
    G_TOPUP_FAILED = auto()
    G_SUPPLIER_APPROVED_CANCEL = auto()
    G_SUPPLIER_SILENT = auto()
    G_PRICE_MATCH = auto()
    G_WRONG_SERVICE_DELIVERED = auto()
    G_REFUSED_BY_SHOP = auto()
    G_WALLET_WITHDRAWAL = auto()
    G_ADDITIONAL_PAYMENT = auto()

    D_ALREADY_REFUNDED = auto()
    D_CANCELLATION_NOT_OFFERED = auto()
    D_CANCEL_WINDOW_CLOSED = auto()
    D_ALREADY_REPROCESSED = auto()
    D_IN_PROCESS_NO_CANCEL = auto()
    D_GUARANTEE_NOT_EXCEEDED = auto()
    D_DEADLINE_REPLACED = auto()
    D_LATE_NOT_GROUND = auto()
    D_REQUEST_WINDOW_EXPIRED = auto()
    D_NOTIFY_WINDOW_EXPIRED = auto()
    D_FINAL_SALE = auto()
    D_WRONG_IDENTIFIER = auto()
    D_WRONG_SERVICE_OR_NETWORK = auto()
    D_ALREADY_UNLOCKED = auto()
    D_BLACKLISTED = auto()
    D_BLOCKED_AFTER_UNLOCK = auto()
    D_NOT_ACTIVATED = auto()
    D_ACTIVATION_LOCK = auto()
    D_OTHER_LOCK = auto()
    D_ACCESS_CODES_UNKNOWN = auto()
    D_ATTEMPTS_EXHAUSTED = auto()
    D_NO_CODE_PROMPT = auto()
    D_MODIFIED_DEVICE = auto()
    D_INSTRUCTIONS_IGNORED = auto()
    D_OTHER_PROVIDER_USED = auto()
    D_BOUGHT_ELSEWHERE = auto()
    D_NO_EVIDENCE = auto()
    D_CANNOT_COMPLETE = auto()
    D_ITUNES_ACTIVATION = auto()
    D_INCOMPATIBLE_NETWORK = auto()
    D_CHANGE_OF_MIND = auto()
    D_UNPAID_DUES = auto()
    D_RELOCKED = auto()
    D_STATUS_CHANGED_AFTER_24H = auto()
    D_OPERATOR_DATA_DELAY = auto()
    D_NETWORK_NOT_COVERED = auto()
    D_NOT_RESPONSIBLE_CLAIM = auto()
    D_SUPPLIER_REJECTED = auto()
    D_PRICE_MATCH_LATE = auto()
    D_PRICE_MATCH_CONDITIONS = auto()
    D_INSUFFICIENT_BALANCE = auto()

    H_EVIDENCE_REQUIRED = auto()
    H_EVIDENCE_INSUFFICIENT = auto()
    H_VIDEO_REVIEW = auto()
    H_PROCEDURE_HELP = auto()
    H_NOT_FOUND_INVESTIGATION = auto()
    H_RESUBMIT = auto()
    H_SECOND_CODE = auto()
    H_ORDER_CORRECTION = auto()
    H_SUPPLIER_DECISION_PENDING = auto()
    H_VERIFICATION_REQUIRED = auto()
    H_VERIFICATION_WAIT = auto()
    H_SUPPLIER_OVERDUE = auto()
    H_DUPLICATE_REQUEST = auto()
    H_DISPUTE_OPEN = auto()
    H_PREMATURE_DISPUTE = auto()
    H_FRAUD_REVIEW = auto()
    H_ABUSE_REVIEW = auto()
    H_IDENTITY_MISMATCH = auto()
    H_DESTINATION_REVIEW = auto()
    H_FACT_UNVERIFIED = auto()
    H_RESULT_DISPUTED = auto()
    H_STAFF_JUDGEMENT = auto()


# Denials that follow from dates, states and sums alone. Every other denial waits for a person to confirm it.
ARITHMETIC = frozenset(
    {
        Code.D_ALREADY_REFUNDED, Code.D_CANCELLATION_NOT_OFFERED, Code.D_CANCEL_WINDOW_CLOSED,
        Code.D_ALREADY_REPROCESSED, Code.D_IN_PROCESS_NO_CANCEL, Code.D_GUARANTEE_NOT_EXCEEDED,
        Code.D_DEADLINE_REPLACED, Code.D_LATE_NOT_GROUND, Code.D_REQUEST_WINDOW_EXPIRED,
        Code.D_NOTIFY_WINDOW_EXPIRED, Code.D_NO_EVIDENCE, Code.D_PRICE_MATCH_LATE, Code.D_INSUFFICIENT_BALANCE,
        Code.D_SUPPLIER_REJECTED, Code.H_VERIFICATION_REQUIRED,
    }
)  # fmt: skip
