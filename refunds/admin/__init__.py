"""Staff pages of the refunds app: claims, facts and videos; delays, told with what the terms allow; customers' mails.

Refund rules are rehearsed and published here. Rows are never edited, apart from legal notices; buttons act.
"""

from refunds.admin.claim import ClaimAdmin
from refunds.admin.delays import DelayNoticeAdmin
from refunds.admin.fact import FactAdmin
from refunds.admin.inbound import InboundMailAdmin
from refunds.admin.legal_notice import LegalNoticeAdmin
from refunds.admin.order import DelayableOrderAdmin
from refunds.admin.policy_version import PolicyVersionAdmin
from refunds.admin.rehearsal import RehearsalAdmin
from refunds.admin.scenario import StoredScenarioAdmin
from refunds.admin.video import ClaimVideoAdmin

__all__ = [
    "ClaimAdmin",
    "ClaimVideoAdmin",
    "DelayNoticeAdmin",
    "DelayableOrderAdmin",
    "FactAdmin",
    "InboundMailAdmin",
    "LegalNoticeAdmin",
    "PolicyVersionAdmin",
    "RehearsalAdmin",
    "StoredScenarioAdmin",
]
