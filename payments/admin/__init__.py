"""Staff pages of money: payments, webhook inbox, ledger. All of it is read-only."""

from payments.admin.ledger import LedgerTransactionAdmin
from payments.admin.payment import PaymentAdmin
from payments.admin.webhook import WebhookDeliveryAdmin

__all__ = ["LedgerTransactionAdmin", "PaymentAdmin", "WebhookDeliveryAdmin"]
