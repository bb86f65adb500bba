"""What the rules say about a claim, or about one that a customer thinks of making: the answer, in people's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from refunds import calling_off
from refunds.models import Claim
from refunds.order_facts import Asked, collect
from refunds.policy import facts as policy
from refunds.policy import periods, rendering
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.codes import ARITHMETIC, Decision
from refunds.policy.facts import OrderFacts
from refunds.policy.profile import Profile
from refunds.policy.rendering import ClauseLine
from refunds.policy_versions import named
from refunds.states import ClaimType
from unlockshop.kernel import clock


@dataclass(frozen=True, slots=True)
class Change:
    """What would turn the answer into a refund, and from when on, where that is a matter of time."""

    text: str
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer of an order's own terms, with the facts it rests on."""

    facts: OrderFacts
    profile: Profile
    answer: Assessment

    @property
    def clause_ids(self) -> tuple[str, ...]:
        """The clauses of all reasons, the deciding ones first."""
        return tuple(dict.fromkeys(each for reason in self.answer.reasons for each in reason.clauses))

    @property
    def clauses(self) -> list[ClauseLine]:
        """The clauses with their sentences."""
        return clause_lines(self.profile, self.clause_ids)

    @property
    def is_denied_by_arithmetic(self) -> bool:
        """Whether dates, states and sums alone deny: the only denial that needs no person."""
        return self.answer.decision == Decision.NOT_ELIGIBLE and self.answer.code in ARITHMETIC

    @property
    def rule(self) -> str:
        """Profile, code and clauses, as a refund names what it rests on."""
        return rule_of(f"{self.profile.name} {self.profile.version}", self.answer.code, self.clause_ids)

    @property
    def must_be_shown(self) -> list[ClauseLine]:
        """What a video must show; nothing where none is asked for."""
        if self.answer.decision != Decision.NEEDS_EVIDENCE:
            return []
        ids = [each for rule in self.profile.video_points.values() for each in rule.ids]
        return clause_lines(self.profile, tuple(dict.fromkeys(ids)))


def rule_of(terms: str, code: str, clauses: tuple[str, ...]) -> str:
    """What a refund rests on, in the width of its column: whole clause ids only."""
    rule = f"{terms} {code}"
    for clause in clauses:
        if len(rule) + 1 + len(clause) > 80:
            break
        rule += f" {clause}"
    return rule


def clause_lines(agreed: Profile, ids: tuple[str, ...]) -> list[ClauseLine]:
    """The sentences of some clauses with a profile's numbers, in the active language; ids without one are left out."""
    return rendering.clause_lines(agreed.numbers, ids)


def profile_of(claim: Claim) -> Profile:
    """The terms that the claim is judged by, whatever was published since."""
    return named(claim.profile)


def foresee(order: Order, kind: ClaimType) -> Ruling:
    """What the rules would say if this were claimed now."""
    agreed = calling_off.agreed_with(order.purchase)
    return _ruling(collect(order, Asked(kind, clock.now()), agreed), agreed)


def judge(claim: Claim, *, video: policy.Video | None = None) -> Ruling:
    """What the rules say about a claim: as it came in, or now where something was awaited since."""
    agreed = profile_of(claim)
    awaited = claim.evidence_requested_at or claim.supplier_asked_at
    asked = Asked(ClaimType(claim.type), clock.now() if awaited else claim.opened_at, claim)
    return _ruling(collect(claim.order, asked, agreed, video=video), agreed)


def _ruling(facts: OrderFacts, agreed: Profile) -> Ruling:
    return Ruling(facts, agreed, assess(facts, agreed))


_GOOD_VIDEO: Final = policy.Video(
    width=1280, height=720, duration_s=Decimal(60), continuous=True, imei=True, imei_matches=True, code_entry=True,
    keys_visible=True, screen_text=True, device_always=True, in_focus=True, good_light=True,
    follows_instructions=True, restore_activate=True, review="failure_confirmed",
)  # fmt: skip
_Suppose = Callable[[OrderFacts], OrderFacts]
_WHAT_IF: Final[tuple[tuple[str | Promise, _Suppose], ...]] = (
    (_("A video that shows that it does not work."), lambda f: replace(f, video=_GOOD_VIDEO)),
    (
        _("The supplier checks the code again and finds it wrong."),
        lambda f: replace(f, supplier=replace(f.supplier, code_recheck="wrong_confirmed")),
    ),
    (
        _("We look into it and find no mistake of yours."),
        lambda f: replace(f, investigation="no_customer_error"),
    ),
    (
        _("The supplier agrees to cancel."),
        lambda f: replace(f, supplier=replace(f.supplier, cancel_response="approved")),
    ),
    (_("We find that we delivered something else by our own fault."), lambda f: replace(f, shop_fault=True)),
)


def what_would_change(ruling: Ruling) -> list[Change]:
    """Which evidence, answer or date would turn the answer into a grant; each is tried on the rules themselves."""
    if ruling.answer.decision.is_grant:
        return []
    found = [Change(str(text)) for text, suppose in _WHAT_IF if _grants(suppose(ruling.facts), ruling.profile)]
    return [*found, *_by_waiting(ruling)]


def _by_waiting(ruling: Ruling) -> Iterator[Change]:
    facts, numbers = ruling.facts, ruling.profile.numbers
    ends = (
        (_("The guaranteed time passes without a result."), periods.effective_guarantee_end(facts, numbers)),
        (_("The last date for any delivery passes without a result."), periods.hard_cap(facts, numbers)),
        (_("The supplier does not answer in its time."), periods.supplier_answer_due(facts, numbers)),
    )
    for text, end in ends:
        # A minute of opening time later, also where the end is the close of a Friday.
        later = end + timedelta(days=5) if end else None
        if end and later and end > facts.moment and _grants(_claimed_at(facts, later), ruling.profile):
            yield Change(str(text), end)
            return


def _claimed_at(facts: OrderFacts, moment: datetime) -> OrderFacts:
    return replace(facts, claim=replace(facts.claim, received_at=moment))


def _grants(facts: OrderFacts, agreed: Profile) -> bool:
    return assess(facts, agreed).decision.is_grant
