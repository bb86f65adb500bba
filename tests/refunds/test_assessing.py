"""What holds for any facts at all: one answer, the same answer, and never more money than came in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refunds.policy import facts as f
from refunds.policy.assessing import assess
from refunds.policy.codes import Code, Decision
from refunds.policy.published import profiles
from tests.helpers.scenarios import all_scenarios
from unlockshop.kernel.money import Money

START = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = sorted({bar.fact for shop in profiles().values() for bar in shop.numbers.bars} | {"unheard_of"})
GROUNDS = [
    None, "not_working", "late", "stuck", "unavailable", "not_found", "relocked", "change_of_mind", "no_reason",
    "result_differs", "payment_stolen", "wrong_service_delivered", "other_beyond_control", "other", "",
]  # fmt: skip


def maybe(strategy):
    return st.none() | strategy


moments = st.integers(0, 300 * 24 * 3600).map(lambda seconds: START + timedelta(seconds=seconds))
money = st.integers(0, 10_000).map(lambda cents: Money(Decimal(cents) / 100, "EUR"))
hours = maybe(st.integers(0, 300))
videos = st.builds(
    f.Video,
    width=st.integers(0, 4000),
    height=st.integers(0, 4000),
    duration_s=st.just(Decimal(60)),
    review=st.sampled_from(["pending", "failure_confirmed", "customer_error"]),
)
matches = st.builds(
    f.PriceMatch,
    request_id=maybe(st.just("R-1")), url=maybe(st.just("u")), company=maybe(st.just("c")), tax_no=maybe(st.just("t")),
    site_updated_on=maybe(st.dates(date(2025, 1, 1), date(2026, 12, 31))), competitor_price=maybe(money),
)  # fmt: skip
claims = st.builds(
    f.Claim,
    type=st.sampled_from(
        ["cancel", "refund", "correction", "price_match", "additional_payment", "wallet_withdrawal", "dispute",
         "supplier_event"]
    ),
    ground=st.sampled_from(GROUNDS),
    received_at=moments,
    actor=st.just("customer"),
    channel=st.just("web"),
)  # fmt: skip
orders = st.builds(
    f.OrderFacts,
    customer=st.builds(f.Customer, country=st.sampled_from(["ES", "US", "GB", "PK"])),
    service=st.builds(
        f.Service,
        kind=st.sampled_from(f.KINDS),
        scope=st.sampled_from(["clean", "any"]),
        price=money,
        delivery=st.builds(f.Delivery, hours, hours, maybe(st.integers(0, 30)), maybe(st.integers(0, 30))),
    ),
    payment=st.builds(
        f.Payment,
        method=st.sampled_from(["card", "bank_transfer", "wallet"]),
        tenders=st.lists(
            st.builds(f.Tender, source=st.sampled_from(["card", "wallet", "credits", "promo_credits"]), amount=money),
            max_size=3,
        ).map(tuple),
        destination_status=st.sampled_from(["ok", "ok", "impossible"]),
        dispute=maybe(st.builds(f.Dispute, opened_at=moments, closed_at=maybe(moments))),
        bank_country=maybe(st.sampled_from(["ES", "FR"])),
    ),
    history=st.lists(
        st.builds(f.Event, state=st.sampled_from([*sorted(f.STATES), "paid", "paid", "dispatched"]), at=moments),
        max_size=8,
    ).map(tuple),
    supplier=st.builds(
        f.Supplier,
        cancel_response=maybe(st.sampled_from(["pending", "approved", "rejected"])),
        code_recheck=maybe(st.just("wrong_confirmed")),
    ),
    claim=claims,
    established=st.lists(
        st.builds(f.Established, fact=st.sampled_from(FACTS), by=st.just("staff"), caused_delay=st.booleans()),
        max_size=3,
    ).map(tuple),
    alleged=st.frozensets(st.sampled_from(FACTS), max_size=2),
    video=maybe(videos),
    delay=maybe(st.builds(f.Delay, mail_delivered_at=maybe(moments), new_date=maybe(moments))),
    evidence_requested_at=maybe(moments),
    verification_submitted_at=maybe(moments),
    price_match=maybe(matches),
    new_price=maybe(money),
    wallet_available=maybe(money),
    requested=maybe(money),
    status_changed_at=maybe(moments),
    received_value=maybe(money),
    fraud_suspected=st.sampled_from([False, False, False, True]),
    credit_abuse=st.sampled_from([False, False, False, True]),
    additional_payment_state=maybe(st.sampled_from(["selected_unpaid", "paid"])),
    investigation=maybe(st.sampled_from(["customer_error", "no_customer_error", "wrong_rejection_eligible"])),
    closed_days=st.frozensets(st.dates(date(2026, 3, 1), date(2026, 3, 31)), max_size=3),
)
names = st.sampled_from(sorted(profiles()))


@settings(max_examples=400, deadline=None)
@given(orders, names)
def test_any_facts_get_one_answer_and_the_same_again(facts, name):
    answer = assess(facts, profiles()[name])

    assert answer == assess(replaced(facts), profiles()[name])
    assert answer.reasons
    assert (answer.refund is not None) == answer.decision.is_grant
    assert [each.name for each in answer.deadlines] == list(dict.fromkeys(each.name for each in answer.deadlines))


@settings(max_examples=400, deadline=None)
@given(orders, names)
def test_no_more_goes_back_than_came_in(facts, name):
    answer = assess(facts, profiles()[name])

    if answer.refund is None:
        return
    total = answer.refund.total.amount
    assert total >= 0
    if facts.claim.type == "wallet_withdrawal":
        assert total <= facts.wallet_available.amount
        return
    paid = sum(tender.amount.amount for tender in facts.payment.tenders)
    gone = any(event.state == "refunded" for event in facts.history)
    assert total <= (0 if gone else paid)
    if "exchange" not in str(answer.refund):
        kept = [part for part in answer.refund.fixed if part.to in {"wallet", "credits", "promo_credits"}]
        assert sum(part.amount.amount for part in kept) <= total


@settings(max_examples=200, deadline=None)
@given(orders, names)
def test_only_a_recorded_fact_denies_and_a_person_confirms_it(facts, name):
    shop = profiles()[name]
    answer = assess(facts, shop)
    barring = {bar.code for bar in shop.numbers.bars} - {each.code for each in shop.numbers.non_grounds}

    asserted_by_dates = {Code.D_STATUS_CHANGED_AFTER_24H}
    if answer.decision == Decision.NOT_ELIGIBLE and answer.code in barring - asserted_by_dates:
        is_fulfilled_correction = facts.claim.type == "correction"
        assert facts.proven or is_fulfilled_correction
        assert answer.needs_confirmation


@settings(max_examples=200, deadline=None)
@given(orders.filter(lambda each: each.payment.dispute is not None), names)
def test_an_open_dispute_freezes_all_money(facts, name):
    dispute = facts.payment.dispute
    is_open = dispute.closed_at is None or dispute.closed_at > facts.moment

    assert not (is_open and assess(facts, profiles()[name]).decision.is_grant)


@pytest.mark.parametrize("name", sorted(profiles()))
def test_abuse_never_changes_what_is_denied(name):
    """Abuse can put a person between a grant and the money; no denial comes from it."""
    for scenario in (each for each in all_scenarios() if each.profile == name):
        calm = assess(scenario.facts, profiles()[name])
        if not calm.decision.is_grant:
            assert assess(replaced(scenario.facts, abuse_flag=True), profiles()[name]).decision == calm.decision


def replaced(facts: f.OrderFacts, **changes: object) -> f.OrderFacts:
    return f.OrderFacts(**{**{name: getattr(facts, name) for name in f.OrderFacts.__dataclass_fields__}, **changes})


def test_the_trail_says_what_was_tried():
    scenario = next(each for each in all_scenarios() if each.id == "DS-CAN-04")
    answer = assess(scenario.facts, profiles()["doctorsim"])

    tried = [(each.clause, each.held) for each in answer.trail]
    assert ("DSIM-CANCEL-2", False) in tried
    assert ("DSIM-CANCEL-1", True) in tried
    assert (answer.profile, answer.version) == ("doctorsim", "2026-11")


def test_credits_go_back_to_credits_and_money_where_the_customer_likes():
    scenario = next(each for each in all_scenarios() if each.id == "DS-P-07")
    refund = assess(scenario.facts, profiles()["doctorsim"]).refund

    assert [(part.to, str(part.amount)) for part in refund.fixed] == [("promo_credits", "7.00 EUR")]
    assert refund.choices == ("original_payment", "refund_credits", "additional_payment")


def test_merged_requests_are_named_behind_the_reason():
    scenario = next(each for each in all_scenarios() if each.id == "SH-STK-09")

    assert [each.code for each in assess(scenario.facts, profiles()["imeishop"]).reasons] == [
        Code.H_VERIFICATION_WAIT,
        Code.H_DUPLICATE_REQUEST,
    ]
