"""Staff pages of the orders app. Rows are shown, never edited, and staff act through ``orders.admin.actions``; days
off are entered and deleted.
"""

from orders.admin.cancelling import CancelRequestAdmin
from orders.admin.contact import ContactTaskAdmin
from orders.admin.correcting import CorrectionRequestAdmin
from orders.admin.day_off import DayOffAdmin
from orders.admin.investigating import InvestigationAdmin
from orders.admin.mail import OutgoingMailAdmin
from orders.admin.mail_event import MailEventAdmin
from orders.admin.measuring import ListingProbeAdmin
from orders.admin.order import OrderAdmin
from orders.admin.purchase import PurchaseAdmin
from orders.admin.supplier import SupplierHealthAdmin
from orders.admin.supply import OrderEventAdmin, SupplierAttemptAdmin

__all__ = [
    "CancelRequestAdmin",
    "ContactTaskAdmin",
    "CorrectionRequestAdmin",
    "DayOffAdmin",
    "InvestigationAdmin",
    "ListingProbeAdmin",
    "MailEventAdmin",
    "OrderAdmin",
    "OrderEventAdmin",
    "OutgoingMailAdmin",
    "PurchaseAdmin",
    "SupplierAttemptAdmin",
    "SupplierHealthAdmin",
]
