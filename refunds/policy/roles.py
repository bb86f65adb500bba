"""The questions that rules answer. A profile names, for each question it has a rule for, the clauses that decide."""

from __future__ import annotations

from enum import StrEnum, auto


class Role(StrEnum):
    """One question of the rulebook."""

    # Guards
    REFUNDED = auto()
    DISPUTE_PREMATURE = auto()
    DISPUTE_OPEN = auto()
    CREDIT_ABUSE = auto()
    PAYMENT_STOLEN = auto()
    FRAUD_SUSPECTED = auto()
    OTHER_SENDER = auto()
    # Calling off
    CANCEL_WINDOW = auto()
    DELAY_NOTICE = auto()
    INDEFINITE_DELAY = auto()
    BEFORE_SUBMISSION = auto()
    UNPAID = auto()
    WITHDRAWAL = auto()
    WITHDRAWAL_WITHOUT_WAIVER = auto()
    REPROCESSED = auto()
    TOO_LATE_TO_CANCEL = auto()
    SUPPLIER_APPROVED = auto()
    SUPPLIER_REJECTED = auto()
    SUPPLIER_ASKED = auto()
    # Time
    REQUEST_WINDOW = auto()
    NOTIFY_WINDOW = auto()
    GUARANTEE_EXCEEDED = auto()
    DEADLINE_REPLACED = auto()
    HARD_CAP_EXCEEDED = auto()
    LATE = auto()
    # How the order ended
    REFUSED_BY_SHOP = auto()
    UNAVAILABLE = auto()
    CHECK_UNAVAILABLE = auto()
    TOPUP_FAILED = auto()
    SUPPLIER_CANCELLED = auto()
    NOT_FOUND = auto()
    NOT_FOUND_CLEARED = auto()
    RESUBMIT = auto()
    UNLISTED_CAUSE = auto()
    WRONG_DELIVERY = auto()
    STATUS_CHANGED = auto()
    RESULT_DISPUTED = auto()
    # Evidence
    VIDEO_MISSING = auto()
    VIDEO_LAPSED = auto()
    VIDEO_SMALL = auto()
    VIDEO_TO_REVIEW = auto()
    CUSTOMER_ERROR = auto()
    FAILURE_CONFIRMED = auto()
    WRONG_CODE_ADMITTED = auto()
    SECOND_CODE = auto()
    # The stuck order
    VERIFICATION_REQUIRED = auto()
    VERIFICATION_WAIT = auto()
    SUPPLIER_SILENT = auto()
    # Other claims
    CORRECTION = auto()
    CORRECTION_APPROVED = auto()
    CORRECTION_REJECTED = auto()
    FULFILLED = auto()
    PRICE_MATCH_IN_TIME = auto()
    PAID_IN_FULL = auto()
    ADDITIONAL_PAYMENT = auto()
    MOVED_ON = auto()
    WALLET_BALANCE = auto()
    # Before money leaves
    ABUSE = auto()
    DESTINATION_IMPOSSIBLE = auto()
    BANK_ABROAD = auto()
    DUPLICATE = auto()
