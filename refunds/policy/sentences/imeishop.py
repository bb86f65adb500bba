"""Clauses IMEISHOP."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: Final[dict[str, Promise]] = {
    "IMEISHOP-3": _("Delivery times are the supplier's estimates: being late alone is no reason for a refund."),
    "IMEISHOP-4": _("You can cancel freely until the order is submitted; after that only if the supplier agrees."),
    "IMEISHOP-5": _(
        "If an order takes far longer than estimated, ask for verification (service {n.stuck.service_code}) "
        "first: it is free."
    ),
    "IMEISHOP-6": _(
        "After a request for verification the supplier has up to {n.stuck.answer_days} working days to answer."
    ),
    "IMEISHOP-7": _("Once an order is with the supplier, cancelling and refunding follow its answer."),
    "IMEISHOP-8": _("If the supplier refuses, the work goes on and the order is not refunded."),
    "IMEISHOP-9": _("Orders with a wrong IMEI, model, network or service may be refused a refund; our staff decide."),
    "IMEISHOP-10": _("While work is in process there is no refund on demand; use the verification request instead."),
    "IMEISHOP-11": _("Several requests about one order are answered as one; they change nothing about the decision."),
    "IMEISHOP-12b": _("A request that leaves out the steps described here may be turned down."),
    "IMEISHOP-PRIV-5": _("You can withdraw your free balance at any time."),
}
