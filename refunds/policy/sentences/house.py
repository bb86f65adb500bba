"""Rules of the house where the shops' terms are silent."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: Final[dict[str, Promise]] = {
    "HOUSE-REFUNDED-ONCE": _("What has gone back to you once, by us or through a dispute, is not paid a second time."),
    "HOUSE-UNPAID": _("An order that is not paid can be dropped at any time."),
    "HOUSE-BEFORE-SUBMISSION": _(
        "As long as nothing has been sent to a supplier, you can cancel and get back all you paid."
    ),
    "HOUSE-SUPPLIER-AGREES": _(
        "Once the supplier has the order, we ask it to stop; if it agrees, you get your money back."
    ),
    "HOUSE-WITHDRAWAL-BY-LAW": _(
        "Consumers in the European Economic Area and the United Kingdom may withdraw within {n.withdrawal.days} days; "
        "the right ends earlier only if you asked us to begin at once and gave it up."
    ),
}
