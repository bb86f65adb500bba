"""``assess``: one claim under one profile. Pure and total: the same facts always give the same answer, and always one.

The order of rules, in which an earlier one decides:

1. guards: refunded already, disputed, suspicious, another sender (``guarding``)
2. rights to cancel and to withdraw (``cancelling``)
3. broken promises of time; before them the last day for asking (``lateness``, ``proving``)
4. the last day for reporting a result that does not work (``proving``)
5. established facts that bar a claim; alleged ones go to staff (``barring``)
6. how the order ended (``ended``)
7. proof that a result does not work (``proving``)
8. the supplier's part (``stuck``)
9. reasons that are no ground by themselves, then a person (``refunding``)

A right to withdraw also beats every later denial. Before money leaves, abuse and impossible destinations go to staff.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from refunds.policy import other_claims, settling
from refunds.policy.assessment import Assessment
from refunds.policy.case import Case, Verdict, first_of
from refunds.policy.facts import ClaimType, OrderFacts
from refunds.policy.guarding import GUARDS
from refunds.policy.profile import Profile
from refunds.policy.refunding import for_staff, refund_claim

_BY_CLAIM: Final[Mapping[ClaimType, Callable[[Case], Verdict]]] = {
    "cancel": other_claims.cancellation,
    "refund": refund_claim,
    "supplier_event": refund_claim,
    "correction": other_claims.correction,
    "price_match": other_claims.price_match,
    "additional_payment": other_claims.additional_payment,
    "wallet_withdrawal": other_claims.wallet_withdrawal,
    "dispute": for_staff,
}


def assess(facts: OrderFacts, profile: Profile) -> Assessment:
    """Decide a claim by the terms in ``profile``. Amounts are in the order's currency, deadlines in the "
    "profile's zone."""
    case = Case(facts, profile)
    verdict = first_of(case, GUARDS) or _BY_CLAIM[facts.claim.type](case)
    return settling.settle(case, verdict)
