"""Rows of the orders app. Domain modules beside this package hold the verbs."""

from orders.models.attempt import SupplierAttempt, SupplierExchange
from orders.models.draft import Draft
from orders.models.event import OrderEvent
from orders.models.mail import OutgoingMail
from orders.models.order import Order
from orders.models.purchase import Purchase

__all__ = ["Draft", "Order", "OrderEvent", "OutgoingMail", "Purchase", "SupplierAttempt", "SupplierExchange"]
