"""What every profile has alike: the guards, and the house's own rules where a shop's terms are silent."""

from __future__ import annotations

from typing import Final

from refunds.policy.codes import Code
from refunds.policy.numbers import IdsByKind
from refunds.policy.roles import Role

GUARDS: Final[dict[Role, IdsByKind]] = {
    Role.REFUNDED: ("HOUSE-REFUNDED-ONCE",),
    Role.DISPUTE_OPEN: ("IMEIORG-16.4",),
    Role.PAYMENT_STOLEN: ("DSIM-TOPUP-iii-e",),
    Role.FRAUD_SUSPECTED: {"unlock": ("DSIM-REQ-4",), "check": ("DSIM-CHECK-DEF-9",), "topup": ("DSIM-REQ-4",)},
    Role.CREDIT_ABUSE: ("DSIM-CRED-7",),
    Role.REFUSED_BY_SHOP: {"unlock": ("DSIM-REQ-4",), "check": ("DSIM-CHECK-DEF-9",), "topup": ("DSIM-REQ-4",)},
    Role.DESTINATION_IMPOSSIBLE: ("IMEISERVER-3.2",),
}
CITES: Final[dict[Code, IdsByKind]] = {
    Code.H_FRAUD_REVIEW: ("IMEIORG-16.1",),
}
# Statutory withdrawal where the shop's terms say nothing of it.
BY_LAW: Final = ("HOUSE-WITHDRAWAL-BY-LAW",)
