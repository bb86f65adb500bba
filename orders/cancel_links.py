"""Links for one purpose: cancelling an order. They open neither its page nor its result.

The confirmation's grow old; those of a notice of delay do not, for without a new date cancelling stays open for as
long as it lasts. Whether a link still cancels is decided by how the order stands, not by the link.
"""

from __future__ import annotations

from typing import Final

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _

from orders.models import Order
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

LIVES_DAYS: Final = 30
LASTING: Final = "delay"
_signer: Final = Signer(salt="orders.cancel")


def token_of(order: Order) -> str:
    """A token that names the order for cancelling it, good for 30 days from today."""
    return _signer.sign(f"{order.number}.{clock.now().date().toordinal()}")


def lasting_token_of(order: Order) -> str:
    """A token that names the order for cancelling it and does not grow old."""
    return _signer.sign(f"{order.number}.{LASTING}")


def order_number(token: str) -> str:
    """The number that the token names. Raises ``Refused`` (``unknown``, ``expired``)."""
    try:
        number, _dot, day = _signer.unsign(token).partition(".")
    except BadSignature:
        raise Refused(_("This link is not complete."), code="unknown") from None
    if day == LASTING:
        return number
    if clock.now().date().toordinal() - int(day) > LIVES_DAYS:
        raise Refused(_("This link is too old."), code="expired")
    return number
