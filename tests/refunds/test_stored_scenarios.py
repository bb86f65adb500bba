"""Scenarios that staff keep: read from a file whole or not at all, made of a claim without naming anybody."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from orders.models import Purchase
from refunds import calling_off, deciding, policy_versions, rehearsing, stored_scenarios, trying_out
from refunds.models import Claim, Source, StoredScenario
from refunds.policy.assessing import assess
from refunds.scenarios import files, reading, writing
from refunds.scenarios.comparing import disagreements
from refunds.scenarios.fields import ScenarioError
from refunds.scenarios.plain import plain
from refunds.states import ClaimType
from refunds.stored_scenarios import Standing
from tests.refunds.claims import SAM, claimed, paid_order
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db
RAW = files.load(files.WORKED / "scenarios_default.yaml")[0]


def _flow(entry: object) -> bool | None:
    return None if isinstance(entry, dict) else False


def text(*entries: object, **top: object) -> bytes:
    written = [yaml.safe_dump([each], sort_keys=False, default_flow_style=_flow(each)) for each in entries]
    return ("scenarios:\n" + "".join(written) + (yaml.safe_dump(top) if top else "")).encode()


def kept(content: bytes, reason: str = "Ours.") -> stored_scenarios.Offer:
    offer = stored_scenarios.read(content)
    return stored_scenarios.keep(content, digest=offer.digest, came_from="ours.yaml", reason=reason, actor=SAM)


def changed(**changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(RAW[0])
    for path, value in changes.items():
        *folders, last = path.split("__")
        place: Any = found
        for folder in folders:
            place = place[int(folder) if folder.isdecimal() else folder]
        place[last] = value
    return found


class TestFiles:
    def test_a_good_file_is_shown_then_kept_then_known(self):
        content = text(*RAW[:3])
        offer = stored_scenarios.read(content)
        assert [each.standing for each in offer.scenarios] == [Standing.NEW] * 3
        assert all(each.agrees for each in offer.scenarios)
        assert not StoredScenario.objects.exists()

        kept(content)

        row = StoredScenario.objects.get(name=RAW[0]["id"])
        assert (row.profile, row.origin, row.came_from, row.kept_by) == ("default", "file", "ours.yaml", SAM.label)
        again = stored_scenarios.read(text(RAW[0], changed(id="another"), changed(id=RAW[1]["id"], title="Mine")))
        assert [each.standing for each in again.scenarios] == [Standing.UNCHANGED, Standing.NEW, Standing.CHANGED]

    def test_what_is_written_out_reads_as_it_was(self):
        everything = [each for path in files.worked() for each in files.load(path)[0]]
        kept(text(*everything))

        written = stored_scenarios.written(StoredScenario.objects.all())

        offer = stored_scenarios.read(written.encode())
        assert offer.count(Standing.UNCHANGED) == len(everything) > 500
        assert StoredScenario.objects.count() == len(everything)

    def test_moments_and_numbers_without_quotes_are_kept(self):
        content = text(changed()).decode().replace("'2026-03-10T12:00:00+01:00'", "2026-03-10T12:00:00+01:00")
        content = content.replace("'29.90'", "29.9")
        assert "'2026-03-10T12:00" not in content
        kept(content.encode())
        row = StoredScenario.objects.get()
        assert reading.scenario(row.raw).facts == reading.scenario(RAW[0]).facts

    def test_sums_are_counted_and_left(self):
        offer = stored_scenarios.read(text(RAW[0], arithmetic_cases=[{"name": "x"}, {"name": "y"}], meta={"by": "us"}))
        assert (offer.sums, len(offer.scenarios)) == (2, 1)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"scenarios: [", "is not valid YAML"),
            (b"\xff\xfe", "is not UTF-8"),
            (b"", "must be a mapping"),
            (b"scenarios: []", "holds no scenarios"),
            (b"arithmetic_cases: [{}]", "1 to 1000"),
            (b"tests: []", "unknown 'tests'"),
            (b"scenarios: [{a: 1, a: 2}]", "given twice"),
            (b"!!python/object/apply:os.system ['true']", "is not valid YAML"),
            (b"[" * 100_000, "nested"),
            (b"meta: &a {b: 1}\nscenarios: [*a]", "aliases are not read"),
            (b"meta: &a {b: 1}\nscenarios: [{<<: *a}]", "aliases are not read"),
            (b"#" * (901 * 1024), "larger than 900 KB"),
            (b"scenarios:\n" + b"- {}\n" * 1001, "this one has 1001"),
        ],
    )
    def test_a_bad_file_is_refused_in_words(self, content, words):
        with pytest.raises(Refused) as refused:
            stored_scenarios.read(content)
        assert words in str(refused.value)
        assert len(str(refused.value)) < 600

    def test_an_alias_bomb_is_refused_before_it_grows(self):
        levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 11)]
        content = "\n".join(["meta:", *(f"  {line}" for line in levels), "scenarios: [{id: big, notes: *a10}]"])
        with pytest.raises(Refused, match="aliases are not read"):
            stored_scenarios.read(content.encode())

    @pytest.mark.parametrize(
        ("raw", "words"),
        [
            (changed(profile="nobody"), "DF-G-01: profile: must be one of default"),
            (changed(facts__customer__consumer="yes"), "DF-G-01: facts.customer.consumer: must be true or false"),
            (changed(facts__service__price=[]), "DF-G-01: facts.service.price"),
            (changed(facts__surprise=1), "DF-G-01: facts: unknown 'surprise'"),
            (changed(claim__received_at="yesterday"), "DF-G-01: claim.received_at"),
            (changed(expect__decision="maybe"), "DF-G-01: expect.decision"),
            (changed(title="nul\x00byte"), "DF-G-01: title"),
            (changed(expect__refund={"total": "1.00", "currency": "EUR", "destinations": [{1: 2}]}), "keys must be"),
            (
                changed(expect__refund={"total": "1.00", "currency": "EUR", "destinations": [float("nan")]}),
                "cannot be",
            ),
            (
                changed(expect__refund={"total": "1.00", "currency": "EUR", "destinations": ["x" * 2000] * 30}),
                "DF-G-01: entry: is longer than",
            ),
            (changed(id=" padded"), "id: must be a text of 1 to 120"),
            (changed(id="x" * 121), "id: must be a text of 1 to 120"),
            (changed(id="a\u202eb"), "id: must be a text of 1 to 120"),
            ("text", "entry 2: entry: must be a mapping"),
            (None, "entry 2: entry: must be a mapping"),
        ],
    )
    def test_a_bad_scenario_is_named_and_nothing_is_kept(self, raw, words):
        content = text(changed(id="good"), raw)
        with pytest.raises(Refused) as refused:
            stored_scenarios.read(content)
        assert words in str(refused.value)
        with pytest.raises(Refused):
            stored_scenarios.keep(content, digest="x", came_from="", reason="y", actor=SAM)
        assert not StoredScenario.objects.exists()

    def test_ids_are_used_once_and_many_faults_are_told_in_part(self):
        with pytest.raises(Refused, match="DF-G-01: id: is used twice"):
            stored_scenarios.read(text(RAW[0], RAW[0]))
        with pytest.raises(Refused) as refused:
            stored_scenarios.read(text(*(changed(id=str(n), profile="x") for n in range(50))))
        assert len(str(refused.value).splitlines()) == 21
        assert "and 30 more" in str(refused.value)

    def test_only_what_was_shown_is_kept(self):
        content = text(RAW[0])
        shown = stored_scenarios.read(content).digest
        kept(text(changed(title="Somebody else's")))
        for sent, digest in ((content, shown), (text(RAW[1]), shown), (content, "")):
            with pytest.raises(Refused) as refused:
                stored_scenarios.keep(sent, digest=digest, came_from="", reason="x", actor=SAM)
            assert refused.value.code == "stale"
        assert StoredScenario.objects.get().title == "Somebody else's"
        with pytest.raises(Refused, match="reason"):
            stored_scenarios.keep(content, digest=shown, came_from="", reason=" ", actor=SAM)

    def test_there_is_an_end_to_what_is_kept(self, monkeypatch):
        monkeypatch.setattr(stored_scenarios, "MOST_STORED", 2)
        kept(text(*RAW[:2]))
        with pytest.raises(Refused, match="At most 2"):
            kept(text(RAW[2]))
        assert StoredScenario.objects.count() == 2

    def test_depth_and_odd_values_are_refused_without_yaml(self):
        deep: Any = "x"
        for _each in range(40):
            deep = [deep]
        for wrong in ({"a": deep}, {"a": object()}, {"a": 10**20}, {"a": "\ud800"}, {"a": b"x"}):
            with pytest.raises(ScenarioError):
                plain(wrong)


class TestClaims:
    def decided(self, kind: ClaimType = ClaimType.NOT_WORKING, days: int = 1, **order: Any) -> Claim:
        with clock.frozen(clock.now() - timedelta(days=days)):
            bought = paid_order(**order)
        claim = claimed(bought, kind)
        deciding.approve(claim.pk, amount=None, reason="The customer is right.", actor=SAM)
        return Claim.objects.select_related("order__purchase").get(pk=claim.pk)

    def keep(self, claim: Claim, **values: Any):
        values = {"name": "OURS-1", "title": "Approved", "by_rules": False, "reason": "It mattered.", **values}
        return stored_scenarios.keep_claim(claim.pk, actor=SAM, **values)

    def test_facts_as_judged_and_the_decision_as_taken(self):
        claim = self.decided()

        row, differing = self.keep(claim)

        assert (row.origin, row.claim, row.profile) == ("claim", claim, "default")
        found = reading.scenario(row.raw)
        assert found.expected.decision == "eligible"
        assert found.expected.total == claim.money == claim.order.money
        assert not found.facts.is_refunded
        assert {each.field for each in differing} >= {"decision"}
        answer = assess(found.facts, policy_versions.named(claim.profile))
        assert (answer.decision, answer.code) == (claim.engine_decision, claim.engine_code)

    def test_what_the_rules_answered_guards_later_versions(self):
        claim = self.decided(days=100)
        row, differing = self.keep(claim, by_rules=True)
        assert differing == []
        assert row.raw["expect"]["decision"] == claim.engine_decision

        base = calling_off.in_force()
        rehearsal = rehearsing.ask(base, {"claims.request_days": 60}, version="", reason="", actor=SAM)
        trying_out.carry_on(rehearsal.pk)
        rehearsal.refresh_from_db()

        assert rehearsal.figure("taken", Source.STORED) == 1
        assert rehearsal.figure("stopped", Source.STORED) == 1
        assert rehearsal.differences.get(source=Source.STORED).stops

    def test_it_names_nobody(self):
        claim = self.decided()
        row, _differing = self.keep(claim)
        order, purchase = claim.order, Purchase.objects.get(pk=claim.order.purchase_id)
        written = json.dumps(row.raw) + stored_scenarios.written([row])
        for secret in (order.number, order.identifier, purchase.email, purchase.number, SAM.label, claim.text):
            assert secret
            assert secret not in written
        for words in ({"name": f"x {order.number}"}, {"title": f"By {purchase.email.upper()}"}):
            StoredScenario.objects.all().delete()
            with pytest.raises(Refused) as refused:
                self.keep(claim, **words)
            assert refused.value.code == "named"

    def test_once_and_only_when_decided_and_under_a_name_of_its_own(self):
        first, second = self.decided(), self.decided()
        waiting = claimed(paid_order())
        for row, code in ((waiting, "undecided"),):
            with pytest.raises(Refused) as refused:
                self.keep(row)
            assert refused.value.code == code
        self.keep(first)
        for row, values, code in (
            (first, {"name": "OURS-2"}, "kept"), (second, {}, "name"), (second, {"name": "  "}, "name"),
            (second, {"name": "x" * 121}, "name"), (second, {"reason": ""}, "reason_required"),
        ):  # fmt: skip
            with pytest.raises(Refused) as refused:
                self.keep(row, **values)
            assert refused.value.code == code
        assert StoredScenario.objects.count() == 1

    def test_not_where_the_facts_of_then_are_lost(self):
        claim = self.decided()
        Claim.objects.filter(pk=claim.pk).update(engine_code="G_CODE_INCORRECT", engine_decision="eligible")
        with pytest.raises(Refused) as refused:
            self.keep(claim)
        assert refused.value.code == "lost"

    def test_an_orders_own_clocks_are_kept_where_they_decide(self):
        """Every worked decision, written from its facts, is decided as before."""
        for path in files.worked():
            for raw in files.load(path)[0]:
                found = reading.scenario(raw)
                if found.facts.price_match or found.facts.delay or found.facts.wallet_available:
                    continue
                if found.facts.new_price or found.facts.received_value or found.facts.requested:
                    continue
                again = {
                    **raw,
                    "facts": writing.facts_of(found.facts, with_clocks=True),
                    "claim": writing.claim_of(found.facts.claim),
                }
                if found.facts.payment.bank_country is None:
                    assert disagreements(reading.scenario(plain(again))) == [], found.id


class TestCommand:
    def run(self, *args: str) -> tuple[int, list[str]]:
        out, status = StringIO(), 0
        try:
            call_command("refund_scenarios", *args, stdout=out)
        except SystemExit as stop:
            status = int(str(stop.code))
        return status, out.getvalue().splitlines()

    def test_those_that_are_kept_are_run_too(self):
        kept(text(*RAW[:2], changed(id="wrong", expect__decision="eligible")))
        status, lines = self.run("--stored")
        assert (status, lines) == (1, ["wrong: decision: expected eligible, got not_eligible", "2 of 3 agree"])
        assert self.run(str(files.WORKED / "scenarios_default.yaml"), "--stored")[1][-1] == (
            f"{len(RAW) + 2} of {len(RAW) + 3} agree"
        )

    def test_one_that_is_set_aside_does_not_count(self):
        kept(text(changed(id="wrong", expect__decision="eligible")))
        row = StoredScenario.objects.get()
        stored_scenarios.set_active(row.pk, False, reason="Not ours.", actor=SAM)
        assert self.run("--stored") == (0, ["0 of 0 agree"])
        with pytest.raises(Refused):
            stored_scenarios.set_active(row.pk, True, reason="", actor=SAM)
        stored_scenarios.set_active(row.pk, True, reason="Ours.", actor=SAM)
        assert self.run("--stored")[0] == 1

    def test_the_rules_in_force_decide_those_that_are_kept(self):
        kept(text(*RAW))
        policy_versions.publish_version(
            "default", {"claims.request_days": 60}, version="2026-12-a", base="2026-11", reason="x", actor=SAM
        )
        status, lines = self.run("--stored")
        assert status == 1
        assert any("D_REQUEST_WINDOW_EXPIRED" in line or "request" in line for line in lines)

    def test_nothing_named(self):
        with pytest.raises(CommandError):
            call_command("refund_scenarios")
