"""Staff pages of money: payments, refunds, webhook inbox, ledger, reconciliation. Rows are never edited."""

from payments.admin.dispute import DisputeAdmin
from payments.admin.ledger import LedgerTransactionAdmin
from payments.admin.payment import PaymentAdmin
from payments.admin.reconciliation import BreakAdmin, ReconciliationRunAdmin
from payments.admin.refund import RefundAdmin
from payments.admin.webhook import WebhookDeliveryAdmin

__all__ = [
    "BreakAdmin",
    "DisputeAdmin",
    "LedgerTransactionAdmin",
    "PaymentAdmin",
    "ReconciliationRunAdmin",
    "RefundAdmin",
    "WebhookDeliveryAdmin",
]
