"""What strikes, and how often: the rates that the demo supplier and the demo bank get, and the armed crash points."""

from __future__ import annotations

from typing import Final

# Per place call.
SUPPLIER_FAULTS: Final = {
    "timeout_after": 0.08, "timeout_before": 0.03, "error_after": 0.04, "error_before": 0.04, "garbage_after": 0.03,
    "garbage_before": 0.02, "truncated_after": 0.03, "no_reference": 0.02, "no_credit": 0.02, "php_noise": 0.03,
    "wrong_imei": 0.03, "script_result": 0.05, "empty_code": 0.02, "flapping": 0.04, "rejected": 0.05,
    "not_found": 0.05, "slow": 0.03, "invalid": 0.01,
}  # fmt: skip
# Of these, what says something about the device and not about the line: it stays when the faults have stopped.
DEVICE_STORIES: Final = frozenset(
    {"wrong_imei", "script_result", "empty_code", "flapping", "rejected", "not_found", "slow", "invalid"}
)
# Per event, per mail, and per call that begins or captures a payment, refunds, or sends evidence.
WEBHOOK_FAULTS: Final = {"duplicate": 0.3, "max_copies": 8, "delay_seconds": 8, "drop": 0.05, "bad_signature": 0.02}
MAIL_FAULTS: Final = {"429": 0.1, "500": 0.1, "timeout_after": 0.05, "timeout_seconds": 5}
API_FAULTS: Final = {
    "timeout_before": {"begin": 0.02, "capture": 0.05, "refund": 0.08, "evidence": 0.1},
    "timeout_after": {"begin": 0.03, "capture": 0.08, "refund": 0.12, "evidence": 0.15},
    "500_before": {"begin": 0.03, "capture": 0.05, "refund": 0.08, "evidence": 0.1},
    "500_after": {"begin": 0.03, "capture": 0.05, "refund": 0.1, "evidence": 0.15},
    "timeout_seconds": 5,
}

# How often each is met in the life of an order differs, so the chance of dying at one is multiplied by this.
CRASH_POINTS: Final = {
    "forward.after_begin": 1.0,
    "forward.after_unknown": 1.0,
    "forward.after_post_before_commit": 1.0,
    "mail.before_send": 1.0,
    "mail.after_send": 1.0,
    "collect.after_begin": 1.0,
    # Met at every poll or visit, so that a single order passes them many times.
    "poll.before_record": 1 / 3,
    "collect.after_fetch": 1 / 3,
    # Met by few.
    "resolve.before_placing_again": 4.0,
    "resolve.after_placing_again": 4.0,
    "refund.before_send": 3.0,
    "refund.after_send": 4.0,
    "refund.after_fetch": 1.0,
    "dispute.after_fetch": 1.0,
    "warning.after_fetch": 4.0,
    "evidence.before_send": 3.0,
    "evidence.after_send": 4.0,
}
