"""Published profiles: frozen, complete, and with sentences that say the numbers the engine uses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from refunds.policy import facts
from refunds.policy.codes import Code
from refunds.policy.elsewhere import ELSEWHERE
from refunds.policy.profile import publish
from refunds.policy.published import profile, profiles
from refunds.policy.roles import Role
from refunds.policy.sentences import SENTENCES
from tests.helpers.scenarios import scenarios

NAMES = sorted(profiles())
# A published version never changes. New rules are a new version with a fingerprint of its own.
FINGERPRINTS = {
    ("default", "2026-11"): "fee284580b60ded5b76cbb1ff87434005803dc7c98506c2d9d5bff06060ca301",
    ("doctorsim", "2026-11"): "36af3b7d1dccc0f34bed3cac3acddfce7f608b1bd855e1dd4c9bf3e4a279f2c7",
    ("imei_org", "2026-11"): "d8d2d5b2c8336affa0b8c4f51cfc8f8d133a5be601b89572c6e4c60c302d37b8",
    ("imei_server", "2026-11"): "d42ee4a7ae8fee2b3e214b425ead6670a11101e7acfe554e398642b7848fff3a",
    ("imeishop", "2026-11"): "1db42e163c1986c52a2955f60e9e8a9620745942ea87a360b0ba0cfe319d17f4",
}


def test_published_versions_are_frozen():
    assert {(each.name, each.version): each.fingerprint() for each in profiles().values()} == FINGERPRINTS


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_number_changes_the_fingerprint(name):
    numbers = profiles()[name].numbers
    longer = replace(numbers, withdrawal=replace(numbers.withdrawal, days=15))

    assert publish(longer).fingerprint() != profiles()[name].fingerprint()


def test_a_sentence_says_the_number_that_decides():
    """Raising a number moves the sentence and the decision together."""
    numbers = profile("imei_server").numbers
    shop = publish(replace(numbers, claims=replace(numbers.claims, request_days=10)))
    late = next(each for each in scenarios("imei_server") if each.id == "IS-WIN-07")

    assert "10th day" in shop.clauses["IMEISERVER-3.1"].sentence
    assert not shop.rules[Role.REQUEST_WINDOW, "unlock"].clauses[0].holds(late.facts)
    assert "180th day" in profile("imei_server").clauses["IMEISERVER-3.1"].sentence
    assert profile("imei_server").rules[Role.REQUEST_WINDOW, "unlock"].clauses[0].holds(late.facts)


@pytest.mark.parametrize("name", NAMES)
def test_every_id_has_a_sentence_without_gaps(name):
    shop = profiles()[name]
    cited = {
        each for ids in shop.numbers.cites.values() for some in (ids.values() if hasattr(ids, "values") else [ids])
        for each in some
    }  # fmt: skip
    for each in cited | set(shop.clauses):
        sentence = str(SENTENCES[each]).format(n=shop.numbers)
        assert "None" not in sentence, each
        assert "{" not in sentence, each


def test_no_sentence_is_for_nobody():
    used = {each for shop in profiles().values() for each in shop.clauses}
    cited = {
        each
        for shop in profiles().values()
        for ids in shop.numbers.cites.values()
        for some in (ids.values() if hasattr(ids, "values") else [ids])
        for each in some
    }

    assert set(SENTENCES) == used | cited


def test_cited_clauses_without_a_rule_live_somewhere_else():
    deciding = {each for shop in profiles().values() for each in shop.clauses}

    assert set(SENTENCES) - deciding <= set(ELSEWHERE)
    assert not deciding & set(ELSEWHERE)


def test_an_unknown_version_is_an_error():
    assert profile("default", "2026-11") is profile("default")
    with pytest.raises(KeyError):
        profile("default", "1999-01")
    with pytest.raises(KeyError):
        profile("nobody")


def test_every_reason_code_is_used():
    used = {scenario.expected.code for name in NAMES for scenario in scenarios(name)}

    # Merged requests never decide; they stand behind the reason that does.
    assert set(map(str, Code)) - used == {Code.H_DUPLICATE_REQUEST}


def test_kinds_are_complete():
    assert set(facts.KINDS) == {"unlock", "check", "topup"}
