"""What ends without a result, cause by cause and profile by profile: paid back by itself, or a claim for staff."""

from __future__ import annotations

import pytest

from orders import cancelling, mailing
from orders.models import OutgoingMail
from orders.states import CancelState, OrderState
from payments.models import Refund
from refunds import deciding, queues
from refunds.models import Claim
from refunds.policy.published import profiles
from refunds.states import ClaimState, ClaimType
from refunds.tasks import end_overdue, follow_claims
from tests.refunds.claims import SAM, fresh, paid_order
from tests.refunds.test_overdue import PAST_CAP, late_order, state_of
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db
S = ClaimState
UNAVAILABLE, AGREED = "unavailable", "the supplier agreed to cancel"

# Profile, cause, kind of service; the code, the clause that decides, and whether money leaves without a person.
TABLE = [
    ("imei_org", UNAVAILABLE, "unlock", "G_UNAVAILABLE", "IMEIORG-8.2", True),
    ("imei_org", UNAVAILABLE, "check", "G_CHECK_RESULT_UNAVAILABLE", "IMEIORG-8.2", True),
    ("imei_org", UNAVAILABLE, "topup", "G_TOPUP_FAILED", "IMEIORG-8.2", True),
    # No rule of its own for a supplier that gives up: nothing was delivered.
    ("imei_org", AGREED, "unlock", "G_UNAVAILABLE", "IMEIORG-8.2", True),
    # Refunds on request: the shop looks, a person grants.
    ("imei_server", UNAVAILABLE, "unlock", "G_UNAVAILABLE", "IMEISERVER-3.1", False),
    ("imei_server", UNAVAILABLE, "check", "G_CHECK_RESULT_UNAVAILABLE", "IMEISERVER-3.1", False),
    ("imei_server", UNAVAILABLE, "topup", "G_TOPUP_FAILED", "IMEISERVER-3.1", False),
    ("imei_server", AGREED, "unlock", "G_SUPPLIER_APPROVED_CANCEL", "IMEISERVER-3.1", False),
    ("doctorsim", UNAVAILABLE, "unlock", "G_UNAVAILABLE", "DSIM-UNLOCK-i-a", True),
    ("doctorsim", UNAVAILABLE, "check", "G_CHECK_RESULT_UNAVAILABLE", "DSIM-CHECK-i", True),
    ("doctorsim", UNAVAILABLE, "topup", "G_TOPUP_FAILED", "DSIM-TOPUP-ii", True),
    ("doctorsim", AGREED, "unlock", "G_UNAVAILABLE", "DSIM-UNLOCK-i-a", True),
    ("imeishop", UNAVAILABLE, "unlock", "G_UNAVAILABLE", "IMEISHOP-7", True),
    ("imeishop", UNAVAILABLE, "check", "G_CHECK_RESULT_UNAVAILABLE", "IMEISHOP-7", True),
    ("imeishop", UNAVAILABLE, "topup", "G_TOPUP_FAILED", "IMEISHOP-7", True),
    ("imeishop", AGREED, "unlock", "G_SUPPLIER_APPROVED_CANCEL", "IMEISHOP-7", True),
    ("default", UNAVAILABLE, "unlock", "G_UNAVAILABLE", "IMEIORG-8.2", True),
    ("default", UNAVAILABLE, "check", "G_CHECK_RESULT_UNAVAILABLE", "DSIM-CHECK-i", True),
    ("default", UNAVAILABLE, "topup", "G_TOPUP_FAILED", "DSIM-TOPUP-ii", True),
    ("default", AGREED, "unlock", "G_SUPPLIER_APPROVED_CANCEL", "IMEISHOP-7", True),
]


def ended(profile: str, cause: str, kind: str):
    """A paid order that ended for the cause, its purchase made under the profile."""
    if cause == UNAVAILABLE:
        return paid_order(OrderState.UNAVAILABLE, kind=kind, profile=f"{profile} 2026-11")
    order = paid_order(OrderState.IN_PROCESS, kind=kind, profile=f"{profile} 2026-11")
    asked = cancelling.request(order.pk, reason="asked", actor=SAM)
    cancelling.settle(asked.pk, CancelState.AGREED, message="ok", actor=SAM)
    return order


def test_the_table_has_every_profile_and_cause():
    causes = [(UNAVAILABLE, kind) for kind in ("unlock", "check", "topup")] + [(AGREED, "unlock")]

    assert [row[:3] for row in TABLE] == [
        (name, *cause) for name in ("imei_org", "imei_server", "doctorsim", "imeishop", "default") for cause in causes
    ]
    assert {row[0] for row in TABLE} == set(profiles())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: "-".join(row[:3]).replace(" ", "_"))
def test_once_with_its_rule_or_to_staff(monday, row):
    profile, cause, kind, code, clause, by_itself = row
    order = ended(profile, cause, kind)

    for _ in range(3):
        follow_claims()

    claim = Claim.objects.get()
    assert (claim.type, claim.order, claim.engine_code, claim.profile) == (
        ClaimType.OUTCOME, order, code, f"{profile} 2026-11"
    )  # fmt: skip
    assert clause in claim.engine_clauses.split()
    if not by_itself:
        assert (claim.state, claim.engine_decision, Refund.objects.count()) == (S.WAITING_STAFF, "eligible", 0)
        assert list(queues.for_staff()) == [claim]
        assert claim.due_at is not None
        deciding.approve(claim.pk, amount=None, reason="As the rules say.", actor=SAM)
        for _ in range(2):
            follow_claims()

    refund, claim = Refund.objects.get(), fresh(claim)
    assert (claim.state, claim.refund, claim.code, refund.money) == (S.APPROVED, refund, code, order.money)
    assert refund.actor_kind == ("system" if by_itself else "staff")
    assert refund.rule.startswith(f"{profile} 2026-11 {code} ")
    assert clause in refund.rule.split()
    assert claim.pay_by is not None
    title = "You get your money back" if by_itself else "Your claim is approved"
    told = next(mail for mail in OutgoingMail.objects.filter(kind="claim") if mail.facts["title"] == title)
    text = mailing.render(told).text
    assert f"({clause})" in text
    assert profiles()[profile].clauses[clause].sentence in " ".join(text.split())
    assert "18.90" in text


@pytest.mark.parametrize("profile", sorted(profiles()))
def test_only_terms_with_an_automatic_cap_end_a_late_order_by_themselves(profile):
    order = late_order(profile=profile)

    with clock.frozen(PAST_CAP):
        for _ in range(2):
            end_overdue()
            follow_claims()

    if profiles()[profile].numbers.delivery.hard_cap_is_automatic and profile == "default":
        refund = Refund.objects.get()
        assert (state_of(order), refund.money) == (OrderState.CANCELLED, Money(order.price, "EUR"))
        assert refund.rule.startswith("default 2026-11 G_HARD_CAP_EXCEEDED IMEISERVER-2.3")
    else:
        assert (state_of(order), Refund.objects.count()) == (OrderState.IN_PROCESS, 0)


def test_default_alone_has_an_automatic_cap():
    assert [name for name in profiles() if profiles()[name].numbers.delivery.hard_cap_is_automatic] == ["default"]
