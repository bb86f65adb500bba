"""The videos of a claim as its pages list them."""

from __future__ import annotations

from typing import Any

from refunds.models import Claim
from refunds.states import TAKES_VIDEO, ClaimType, VideoStage
from refunds.videos.wording import advice
from unlockshop.storefront.private_pages import poll_delay


def listed(claim: Claim, round_: int = 0) -> dict[str, Any]:
    """What ``partials/claim_videos.html`` needs; ``round_`` counts how often the page has asked for news."""
    rows = [row for row in claim.videos.order_by("-pk") if row.stage != VideoStage.ABANDONED]
    shown = [(row, advice(row)) for row in rows]
    return {
        "order": claim.order,
        "claim": claim,
        "videos": shown,
        "takes_video": claim.state in TAKES_VIDEO and claim.type != ClaimType.OUTCOME,
        "is_waiting": any(not told.is_final for _row, told in shown),
        "poll_round": round_,
        "poll_delay": poll_delay(round_, first=2, ceiling=15),
    }
