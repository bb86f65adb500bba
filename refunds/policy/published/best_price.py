"""The best-price promise, which two profiles share."""

from __future__ import annotations

from typing import Final

from refunds.policy.numbers import PriceMatchTerms

BEST_PRICE: Final = PriceMatchTerms(
    hours=24,
    site_months=6,
    details={
        "url": ("DSIM-BPG-4a",),
        "screenshot": ("DSIM-BPG-4b",),
        "company": ("DSIM-BPG-4c",),
        "tax_no": ("DSIM-BPG-4c",),
        "request_id": ("DSIM-BPG-4d",),
        "competitor_price": ("DSIM-BPG-4b",),
    },
    conditions={
        "total_incl_taxes_fees": ("DSIM-BPG-2a",),
        "public_price": ("DSIM-BPG-2b",),
        "registered_company": ("DSIM-BPG-3a",),
        "legal_fiscal_ok": ("DSIM-BPG-3b",),
        "issues_invoices": ("DSIM-BPG-3c",),
        "comparable_service": ("DSIM-BPG-3d",),
        "site_updated_on": ("DSIM-BPG-3e",),
    },
)
