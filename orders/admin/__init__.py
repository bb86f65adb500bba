"""Staff pages of the orders app. Rows are shown, never edited; staff act through ``orders.admin.actions``."""

from orders.admin.mail import OutgoingMailAdmin
from orders.admin.order import OrderAdmin
from orders.admin.purchase import PurchaseAdmin
from orders.admin.supply import OrderEventAdmin, SupplierAttemptAdmin

__all__ = ["OrderAdmin", "OrderEventAdmin", "OutgoingMailAdmin", "PurchaseAdmin", "SupplierAttemptAdmin"]
