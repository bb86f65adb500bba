"""Rehearsals: what would differ is found, counted once and named, whoever dies on the way; nothing else changes."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from orders import investigating
from orders.models import Order
from orders.states import Finding, OrderState
from payments import refunding, remaining
from payments.models import Refund
from payments.states import RefundState
from refunds import (
    calling_off,
    deciding,
    establishing,
    past_decisions,
    policy_versions,
    publishing,
    rehearsing,
    reviewing,
    trying_out,
)
from refunds.models import Claim, ClaimEvent, PolicyVersion, Rehearsal, RehearsalDifference, Source
from refunds.order_facts import payment_of
from refunds.policy.assessing import assess
from refunds.scenarios import files, reading
from refunds.states import ClaimType, FactName, FactStanding
from refunds.tasks import sweep
from tests import factories
from tests.refunds.claims import SAM, claimed, paid_order
from tests.refunds.claims import payment_of as paid_by
from unlockshop.kernel import clock, work
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
SHORTER = {"claims.request_days": 60}


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(trying_out, "PIECE", 3)


def asked(changes=None) -> Rehearsal:
    return rehearsing.ask(calling_off.in_force(), changes or SHORTER, version="2026-12-a", reason="Fewer.", actor=SAM)


def worked_off(changes=None) -> Rehearsal:
    row = asked(changes)
    trying_out.carry_on(row.pk)
    row.refresh_from_db()
    return row


def found(row: Rehearsal, source: Source):
    return list(row.differences.filter(source=source))


def old_orders(count: int = 1, days: int = 100) -> list[Order]:
    with clock.frozen(clock.now() - timedelta(days=days)):
        return [paid_order() for _each in range(count)]


def by_hand(row: Rehearsal) -> dict[str, tuple[int, int]]:
    """Taken and differing by source, one decision after the other through the pages' own way of judging."""
    old, new = rehearsing.versions_of(row)
    facts = {
        Source.CLAIM: [
            past_decisions.facts_of_claim(each, now=row.asked_at)
            for each in Claim.objects.select_related("order__purchase")
        ],
        Source.ORDER: [
            pair[1]
            for order in Order.objects.filter(claims=None, price__gt=0).select_related("purchase")
            if order.state in {"completed", "unavailable", "not_found", "cancelled"}
            for pair in past_decisions.facts_of_orders([order], old, now=row.asked_at)
        ],
        Source.WORKED: [
            each.facts
            for path in files.worked()
            for each in map(reading.scenario, files.load(path)[0])
            if each.profile == row.name
        ],
    }

    def differs(each) -> bool:
        was, becomes = assess(each, old), assess(each, new)
        parts = [
            (a.decision, a.code, a.reasons[0].clauses, a.refund and a.refund.total, a.deadlines)
            for a in (was, becomes)
        ]
        return parts[0] != parts[1]

    return {source: (len(each), sum(map(differs, each))) for source, each in facts.items()}


def test_a_claim_an_order_and_scenarios_that_would_be_denied():
    late, unasked = old_orders(2)
    claim, fresh = claimed(late), claimed(paid_order())
    before = list(Claim.objects.order_by("pk").values()), ClaimEvent.objects.count(), list(Order.objects.values())

    row = worked_off()

    assert row.work_state == WorkState.DONE
    differing = {each.claim_id: each for each in found(row, Source.CLAIM)}
    assert (differing[claim.pk].is_another, differing[fresh.pk].is_another) == (True, False)
    parts = {part: (old, new) for part, old, new in differing[claim.pk].parts}
    assert set(parts) >= {"Decision", "Reason"}
    assert parts["Reason"][1] == "D_REQUEST_WINDOW_EXPIRED"
    assert [each.order for each in found(row, Source.ORDER)] == [unasked]
    assert found(row, Source.WORKED)
    assert rehearsing.sentence(row) == "3 of 3 past decisions would differ."
    assert before == (
        list(Claim.objects.order_by("pk").values()), ClaimEvent.objects.count(), list(Order.objects.values())
    )  # fmt: skip


def test_figures_are_those_of_counting_one_by_one():
    for order in old_orders(5):
        claimed(order)
    old_orders(4)
    for state in (OrderState.UNAVAILABLE, OrderState.NOT_FOUND, OrderState.COMPLETED):
        paid_order(state)
    claimed(paid_order(profile="doctorsim 2026-11"))
    paid_order(profile="doctorsim 2026-11")

    row = worked_off()

    assert row.figure("there_are", Source.CLAIM) == Claim.objects.filter(profile__startswith="default").count() == 5
    assert row.figure("there_are", Source.ORDER) == 7
    assert row.taken == row.planned == sum(each["taken"] for each in row.figures.values())
    for source in (Source.CLAIM, Source.ORDER):
        assert row.figure("differ", source) == row.differences.filter(source=source).count()
    assert row.figure("differ", Source.CLAIM) == 5
    assert row.figure("differ", Source.WORKED) > 0
    assert row.figure("stopped", Source.WORKED) > 0


def test_figures_against_brute_force():
    for order in old_orders(4):
        claimed(order)
    old_orders(3)
    claimed(paid_order())
    paid_order(OrderState.UNAVAILABLE)

    row = worked_off()

    for source, counted in by_hand(row).items():
        assert (row.figure("taken", source), row.figure("differ", source)) == counted, source


def test_the_newest_are_decided_and_the_rest_is_counted(settings):
    settings.REHEARSAL_MOST_DECISIONS = 5
    claims = [claimed(paid_order()) for _each in range(4)]
    orders = [paid_order() for _each in range(3)]

    row = worked_off()

    assert (row.figure("taken", Source.CLAIM), row.figure("there_are", Source.CLAIM)) == (4, 4)
    assert (row.figure("taken", Source.ORDER), row.figure("there_are", Source.ORDER)) == (1, 3)
    assert {each.claim_id for each in found(row, Source.CLAIM)} == {each.pk for each in claims}
    assert [each.order for each in found(row, Source.ORDER)] == [orders[-1]]


def test_what_was_paid_out_is_judged_as_it_was_then():
    """Seen from today it is only refunded already, under any version."""
    (order,) = old_orders()
    claim = claimed(order)
    deciding.approve(claim.pk, amount=None, reason="Kind.", actor=SAM)
    paid = Claim.objects.select_related("order__purchase").get(pk=claim.pk)

    assert reviewing.judged(paid).facts.is_refunded
    facts = past_decisions.facts_of_claim(paid, now=clock.now())
    assert not facts.is_refunded
    assert facts.payment.tenders[0].amount == order.money
    (differing,) = found(worked_off(), Source.CLAIM)
    assert ["Reason", "D_NOTIFY_WINDOW_EXPIRED", "D_REQUEST_WINDOW_EXPIRED"] in differing.parts


def test_a_fact_that_came_up_later_does_not_count_for_an_earlier_decision():
    claim = claimed(paid_order())
    Claim.objects.filter(pk=claim.pk).update(
        state="denied", code="D_X", clauses="X", decided_at=clock.now(), decided_by="s", assessed_at=clock.now(),
        due_at=None,
    )  # fmt: skip
    establishing.record(claim.order, FactName.BLACKLISTED, FactStanding.ESTABLISHED, evidence="list", actor=SAM)
    denied = Claim.objects.select_related("order__purchase").get(pk=claim.pk)

    assert past_decisions.facts_of_claim(denied, now=clock.now()).proven == frozenset()
    Claim.objects.filter(pk=claim.pk).update(assessed_at=clock.now())
    denied.refresh_from_db()
    assert past_decisions.facts_of_claim(denied, now=clock.now()).proven == {"blacklisted"}


def test_many_take_as_many_queries_as_one():
    def queries(count: int) -> tuple[int, int]:
        claims = [claimed(paid_order()) for _each in range(count)]
        for claim in claims[:2]:
            establishing.record(claim.order, FactName.BLACKLISTED, FactStanding.ALLEGED, evidence="x", actor=SAM)
        orders = [paid_order(OrderState.UNAVAILABLE) for _each in range(count)]
        found = []
        agreed, in_force = policy_versions.by_name("default"), calling_off.in_force()
        claims = list(Claim.objects.filter(pk__in=[each.pk for each in claims]).select_related("order__purchase"))
        with CaptureQueriesContext(connection) as caught:
            list(past_decisions.facts_of_claims(claims, agreed, now=clock.now()))
        found.append(len(caught))
        orders = list(Order.objects.filter(pk__in=[each.pk for each in orders]).select_related("purchase"))
        with CaptureQueriesContext(connection) as caught:
            list(past_decisions.facts_of_orders(orders, in_force, now=clock.now()))
        found.append(len(caught))
        return found[0], found[1]

    assert queries(1) == queries(6) == (10, 8)


def test_a_piece_takes_as_many_queries_whatever_is_in_it(monkeypatch):
    """Also with claims of versions that staff published."""
    policy_versions.publish_version(
        "default", {"claims.notify_days": 40}, version="2026-12-0", base="2026-11", reason="x", actor=SAM
    )

    def queries(piece: int) -> int:
        monkeypatch.setattr(trying_out, "PIECE", piece)
        for profile in ("default 2026-11", "default 2026-12-0"):
            for _each in range(piece):
                claimed(paid_order(profile=profile))
        Rehearsal.objects.update(work_state=WorkState.NEEDS_STAFF)
        row = work.claim(Rehearsal, asked().pk, lease=trying_out.LEASE)
        rules = trying_out._Rules(*rehearsing.versions_of(row), policy_versions.by_name("default"))
        assert trying_out._plan(row)
        with CaptureQueriesContext(connection) as caught:
            assert trying_out._piece(row, rules)
        assert row.taken == piece
        return len(caught)

    assert queries(2) == queries(8)


def test_what_is_left_of_many_orders_is_what_is_left_of_each():
    orders = [paid_order(state) for state in (OrderState.COMPLETED, OrderState.UNAVAILABLE, OrderState.CANCELLED)]
    for order, amount in zip(orders, ("5.00", "18.90", "1.00"), strict=True):
        Refund.objects.create(
            payment=paid_by(order), order=order, amount=min(Decimal(amount), order.price), currency=order.currency,
            rule="x", reason="y", actor_kind="staff", actor_label="s", state=RefundState.SUCCEEDED,
            provider_ref=f"re_{order.pk}", succeeded_at=clock.now(),
            work_state=WorkState.DONE, next_action_at=None,
        )  # fmt: skip
    orders += [factories.make_order(OrderState.COMPLETED), paid_order(OrderState.NOT_FOUND)]
    orders[-2].refresh_from_db()

    left = remaining.of([(order, None) for order in orders])

    for order, each in zip(orders, left, strict=True):
        payment = payment_of(order)
        assert each.payment == payment
        assert each.left == (refunding.refundable_for(order, payment) if payment else order.money)
    then = remaining.of([(order, order.created_at - timedelta(days=1)) for order in orders])
    assert [each.left for each in then] == [order.money for order in orders]


def test_an_answer_that_came_later_does_not_count():
    order = paid_order(OrderState.NOT_FOUND)
    row = investigating.ask(order.pk, note="", actor=factories.CUSTOMER)
    investigating.answer(row.pk, finding=Finding.NO_CUSTOMER_ERROR, text="Ours.", evidence="seen", actor=SAM)
    now = clock.now()
    ((_order, facts),) = past_decisions.facts_of_orders(
        [Order.objects.select_related("purchase").get(pk=order.pk)], calling_off.in_force(), now=now
    )

    assert facts.investigation is None
    assert facts.moment == Order.objects.get(pk=order.pk).ended_at


class TestWorkingOff:
    def test_the_sweep_rings_for_it(self, monkeypatch):
        row = asked()
        rung = []
        monkeypatch.setattr(work, "ring_again", lambda task, pks: rung.append((task.name, list(pks))))
        sweep()
        assert ("refunds.try_out_rules", [row.pk]) in rung

    def test_a_slice_of_time_and_then_others_first(self, monkeypatch):
        for _each in range(7):
            claimed(paid_order())
        monkeypatch.setattr(trying_out, "SLICE_SECONDS", -1.0)
        row = asked()

        steps = []
        for _each in range(300):
            trying_out.carry_on(row.pk)
            row.refresh_from_db()
            steps.append(row.taken)
            if row.work_state == WorkState.DONE:
                break

        assert row.work_state == WorkState.DONE
        assert steps[:3] == [3, 6, 7]
        assert row.taken == row.planned
        assert row.figure("differ", Source.CLAIM) == row.differences.filter(source=Source.CLAIM).count() == 7

    @pytest.mark.parametrize("killed_after", [0, 1, 2])
    def test_a_worker_that_is_killed_loses_its_piece_and_counts_nothing_twice(self, monkeypatch, killed_after):
        for order in old_orders(8):
            claimed(order)
        undisturbed = worked_off()
        row = asked()
        taken, compare = [], rehearsing.compare

        class Killed(BaseException):
            """As by the kernel: nothing catches it."""

        def dies(*args):
            taken.append(args)
            if len(taken) > killed_after * 3 + 1:
                raise Killed
            return compare(*args)

        with monkeypatch.context() as patched:
            patched.setattr(rehearsing, "compare", dies)
            with pytest.raises(Killed):
                trying_out.carry_on(row.pk)
        row.refresh_from_db()
        assert (row.work_state, row.taken) == (WorkState.CLAIMED, killed_after * 3)
        trying_out.carry_on(row.pk)
        row.refresh_from_db()
        assert row.taken == killed_after * 3, "its lease holds still"

        with clock.frozen(clock.now() + trying_out.LEASE + timedelta(seconds=5)):
            assert work.due(Rehearsal) == [row.pk]
            trying_out.carry_on(row.pk)

        row.refresh_from_db()
        assert row.work_state == WorkState.DONE
        assert row.figures == undisturbed.figures
        assert names(row) == names(undisturbed)

    def test_a_worker_that_was_only_slow_writes_nothing_after_another_took_over(self):
        for order in old_orders(4):
            claimed(order)
        row = asked()
        slow = work.claim(Rehearsal, row.pk, lease=trying_out.LEASE)
        rules = trying_out._Rules(*rehearsing.versions_of(slow), policy_versions.by_name("default"))
        assert trying_out._plan(slow)
        with clock.frozen(clock.now() + trying_out.LEASE + timedelta(seconds=5)):
            trying_out.carry_on(row.pk)
        row.refresh_from_db()
        before = row.figures, names(row)

        assert not trying_out._piece(slow, rules)

        row.refresh_from_db()
        assert (row.figures, names(row)) == before
        assert row.figure("taken", Source.CLAIM) == 4

    def test_one_that_fails_again_and_again_comes_to_a_stop_and_goes_on_where_it_was(self, monkeypatch):
        for _each in range(4):
            claimed(paid_order())
        row = asked()
        with monkeypatch.context() as patched:
            patched.setattr(past_decisions, "facts_of_orders", lambda *_args, **_kwargs: 1 / 0)
            paid_order()
            for attempt in range(trying_out.CAP + 1):
                with clock.frozen(clock.now() + timedelta(hours=attempt)):
                    trying_out.carry_on(row.pk)
        row.refresh_from_db()
        assert (row.work_state, row.taken) == (WorkState.NEEDS_STAFF, 4)
        assert "ZeroDivisionError" in row.last_error
        assert work.due(Rehearsal) == []

        rehearsing.go_on(row.pk)
        trying_out.carry_on(row.pk)

        row.refresh_from_db()
        assert (row.work_state, row.figure("taken", Source.CLAIM)) == (WorkState.DONE, 4)
        with pytest.raises(Refused):
            rehearsing.go_on(row.pk)

    def test_all_count_and_the_first_are_kept(self, monkeypatch):
        monkeypatch.setattr(trying_out, "MOST_GRAVER", 4)
        monkeypatch.setattr(trying_out, "MOST_LIGHTER", 2)
        for order in old_orders(6):
            claimed(order)
        for _each in range(4):
            claimed(paid_order())

        row = worked_off()

        assert row.figure("differ", Source.CLAIM) == 10
        assert row.figure("graver", Source.CLAIM) == 6
        assert row.differences.filter(is_another=True).count() == 4
        assert row.differences.filter(is_another=False).count() == 2


def names(row: Rehearsal) -> list[tuple[str, str]]:
    return sorted(row.differences.values_list("source", "name"))


class TestAsking:
    def test_one_of_the_same_draft_is_under_way_once(self):
        first = asked()
        assert asked() == first
        assert asked({"claims.request_days": 61}) != first
        trying_out.carry_on(first.pk)
        assert asked() != first

    def test_nothing_to_try(self):
        with pytest.raises(Refused, match="Nothing would change"):
            asked({"claims.request_days": 180})
        with pytest.raises(Refused):
            asked({"claims.request_days": 0})
        assert not Rehearsal.objects.exists()

    def test_what_was_tried_stays_as_it_was(self):
        claimed(paid_order())
        row = worked_off()
        for change in (
            lambda: Rehearsal.objects.update(changes={}),
            lambda: Rehearsal.objects.update(fingerprint="x"),
            lambda: RehearsalDifference.objects.update(parts=[]),
            lambda: RehearsalDifference.objects.all()._raw_delete("default"),
            row.delete,
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()


class TestPublishing:
    def publish(self, row: Rehearsal, **values):
        return publishing.publish(row.pk, **{"version": "2026-12-a", "reason": "Fewer.", "actor": SAM, **values})

    def test_what_was_rehearsed_is_published(self):
        row = worked_off()

        version = self.publish(row)

        assert version.changes == SHORTER
        assert calling_off.in_force().numbers.claims.request_days == 60
        row.refresh_from_db()
        assert (row.published, row.published_without) == (version, "")
        assert not publishing.is_current(row)
        with pytest.raises(Refused, match="published"):
            self.publish(row, version="2026-12-b")

    def test_not_before_its_end_unless_somebody_says_why(self):
        row = asked()
        for without in ("", "  "):
            with pytest.raises(Refused) as refused:
                self.publish(row, without=without)
            assert refused.value.code == "not_rehearsed"
        assert not PolicyVersion.objects.exists()

        self.publish(row, without="The court said so.")

        row.refresh_from_db()
        assert row.published_without == "The court said so."
        trying_out.carry_on(row.pk)
        row.refresh_from_db()
        assert row.work_state == WorkState.DONE

    def test_not_where_clauses_read_otherwise_by_now(self, monkeypatch):
        row = worked_off()
        from refunds.policy import sentences  # noqa: PLC0415 - its table is what is edited here

        monkeypatch.setitem(sentences.SENTENCES, "IMEISERVER-3.1", "Never.")
        with pytest.raises(Refused) as refused:
            self.publish(row)
        assert refused.value.code == "altered"
        assert not PolicyVersion.objects.exists()

    def test_of_two_drafts_one_follows_the_version_that_both_were_tried_against(self):
        first, second = worked_off(), worked_off({"claims.request_days": 90})
        self.publish(first)
        with pytest.raises(Refused) as refused:
            self.publish(second, version="2026-12-b")
        assert refused.value.code == "stale"
        second.refresh_from_db()
        assert second.published is None

    def test_the_database_wants_the_end_or_the_reason(self):
        row = asked()
        version = policy_versions.publish_version(
            "default", SHORTER, version="2026-12-a", base="2026-11", reason="x", actor=SAM
        )
        with pytest.raises(DatabaseError), transaction.atomic():
            Rehearsal.objects.filter(pk=row.pk).update(published=version)


def test_the_table_runs_no_formula():
    (order,) = old_orders()
    claimed(order, ClaimType.NOT_WORKING, text="=1+1")
    row = worked_off()
    RehearsalDifference.objects.create(
        rehearsal=row, source=Source.STORED, name="=cmd|' /C calc'!A0", parts=[["+Decision", "-1", "@x"]]
    )

    lines = list(csv.reader(b"".join(rehearsing.table(row)).decode().splitlines()))

    assert lines[0] == list(rehearsing.HEADER)
    mine = [line for line in lines if line[0] == "claim"]
    assert {line[1] for line in mine} == {order.number}
    assert ["Reason", "D_NOTIFY_WINDOW_EXPIRED", "D_REQUEST_WINDOW_EXPIRED", "yes"] in [line[3:] for line in mine]
    assert [
        "stored", "", "'=cmd|' /C calc'!A0", "'+Decision", "'-1", "'@x", "no",
    ] in lines  # fmt: skip
    assert len(lines) == 1 + sum(len(each.parts) for each in row.differences.all())
