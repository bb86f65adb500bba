"""What a staff member must be allowed to do beside changing claims and mails."""

from __future__ import annotations

from typing import Final

# Who may refund a payment on its own page may do so by a claim or a mail too, and nobody else. It is asked for
# wherever the shop's money leaves: approving, confirming as second person, paying again, buying a second code.
PAYS_BACK: Final = "payments.change_payment"
# Keeping a claim as a scenario that later versions of the refund rules are tried on.
KEEPS_SCENARIOS: Final = "refunds.add_storedscenario"
