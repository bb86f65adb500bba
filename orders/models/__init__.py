"""Rows of the orders app. Domain modules beside this package hold the verbs."""

from orders.models.attempt import SupplierAttempt, SupplierExchange
from orders.models.cancel_request import CancelRequest
from orders.models.certificate import CheckCertificate
from orders.models.contact import ContactTask
from orders.models.correction import CorrectionRequest
from orders.models.day_off import DayOff
from orders.models.delay_notice import DelayNotice
from orders.models.draft import Draft
from orders.models.event import OrderEvent
from orders.models.inbound_mail import InboundMail
from orders.models.investigation import Investigation
from orders.models.mail import OutgoingMail
from orders.models.mail_event import MailEvent
from orders.models.order import Order
from orders.models.probe import BulkProbe, ListingProbe
from orders.models.purchase import Purchase
from orders.models.repeat import CheckRepeat
from orders.models.turnaround import EndedOrder, ServiceTurnaround

__all__ = [
    "BulkProbe",
    "CancelRequest",
    "CheckCertificate",
    "CheckRepeat",
    "ContactTask",
    "CorrectionRequest",
    "DayOff",
    "DelayNotice",
    "Draft",
    "EndedOrder",
    "InboundMail",
    "Investigation",
    "ListingProbe",
    "MailEvent",
    "Order",
    "OrderEvent",
    "OutgoingMail",
    "Purchase",
    "ServiceTurnaround",
    "SupplierAttempt",
    "SupplierExchange",
]
