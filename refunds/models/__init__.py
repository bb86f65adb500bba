"""The tables of the refunds app."""

from refunds.models.claim import Claim
from refunds.models.event import ClaimEvent
from refunds.models.fact import Fact
from refunds.models.legal_notice import LegalNotice
from refunds.models.policy_version import PolicyVersion
from refunds.models.rehearsal import Rehearsal, RehearsalDifference, Source
from refunds.models.review import SecondApproval, SecondCode, VideoReview
from refunds.models.scenario import Origin, StoredScenario
from refunds.models.video import ClaimVideo, VideoPicture, VideoStore

__all__ = [
    "Claim",
    "ClaimEvent",
    "ClaimVideo",
    "Fact",
    "LegalNotice",
    "Origin",
    "PolicyVersion",
    "Rehearsal",
    "RehearsalDifference",
    "SecondApproval",
    "SecondCode",
    "Source",
    "StoredScenario",
    "VideoPicture",
    "VideoReview",
    "VideoStore",
]
