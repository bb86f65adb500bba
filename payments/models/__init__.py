"""Rows of the payments app. Domain modules beside this package hold the verbs."""

from payments.models.dispute import Dispute, EvidencePack, FraudWarning
from payments.models.ledger import CLEARING, Account, LedgerEntry, LedgerTransaction
from payments.models.payment import Payment
from payments.models.reconciliation import Break, ReconciliationRun
from payments.models.refund import Refund
from payments.models.webhook import WebhookDelivery

__all__ = [
    "CLEARING",
    "Account",
    "Break",
    "Dispute",
    "EvidencePack",
    "FraudWarning",
    "LedgerEntry",
    "LedgerTransaction",
    "Payment",
    "ReconciliationRun",
    "Refund",
    "WebhookDelivery",
]
