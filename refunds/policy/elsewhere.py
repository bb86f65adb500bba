"""Clauses about refunds that decide nothing by themselves, and where the shop keeps them.

A clause that is neither behind a rule nor here would be forgotten: a test holds this table against the register.
"""

from __future__ import annotations

from typing import Final

_CHECKLIST: Final = "question of the order form (services/checklists.py)"
_POSTED: Final = "deadlines posted_earliest and posted_latest (refunds/policy/settling.py)"
_STAFF: Final = "a decision of staff about a person, never of the engine about money"

ELSEWHERE: Final[dict[str, str]] = {
    "IMEIORG-5.1": _CHECKLIST,
    "IMEIORG-5.2": _CHECKLIST,
    "IMEIORG-8.T1": "support contact on the order's page; cited where a video shows a mistake",
    "IMEIORG-8.T2": "deadline visible_by (refunds/policy/settling.py)",
    "IMEIORG-11.2b": "deadline replacement_due (refunds/policy/settling.py)",
    "IMEIORG-15.5": _STAFF,
    "IMEIORG-16.5a": _STAFF,
    "IMEIORG-16.5b": _STAFF,
    "IMEIORG-17.1": "deadline escalate_at (refunds/policy/settling.py)",
    "IMEISERVER-2.2": "refunds of orders paid by balance go to the balance (refunds/policy/settling.py)",
    "IMEISERVER-3.3": "deadline process_by (refunds/policy/settling.py)",
    "IMEISERVER-3.4": "the ways a claim comes in, page and e-mail: OrderFacts.claim.channel",
    "IMEISERVER-4.3": "support contact on the order's page; cited where a video shows a mistake",
    "DSIM-PRICE-8": "documents that staff ask for while an order is held; the engine only sees the suspicion",
    "DSIM-DEL-6": "start of long guarantees (unlockshop/kernel/calendars.py, guarantee_start)",
    "DSIM-HOURS-1": "calendar madrid (unlockshop/kernel/calendars.py)",
    "DSIM-ADDPAY-3": "the amount credited to the new order (refunds/policy/other_claims.py)",
    "DSIM-UNLOCK-CHK-a": _CHECKLIST,
    "DSIM-UNLOCK-CHK-e": _CHECKLIST,
    "DSIM-UNLOCK-CHK-f": _CHECKLIST,
    "DSIM-UNLOCK-R1": "deadline process_by (refunds/policy/settling.py)",
    "DSIM-UNLOCK-R2": _POSTED,
    "DSIM-CHECK-R2": _POSTED,
    "DSIM-TOPUP-R2": _POSTED,
    "IMEISHOP-12b": "no rule of its own: cited where the verification request is missing",
}
