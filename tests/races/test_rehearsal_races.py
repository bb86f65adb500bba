"""Workers that ring for one rehearsal at once: each decision is taken and counted once."""

from __future__ import annotations

import pytest

from refunds import calling_off, rehearsing, trying_out
from refunds.models import Rehearsal, Source
from tests.helpers.race import at_once
from tests.refunds.claims import SAM, claimed, paid_order

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def ask(_n: int = 0) -> Rehearsal:
    return rehearsing.ask(calling_off.in_force(), {"claims.request_days": 60}, version="", reason="", actor=SAM)


def test_many_workers_count_each_decision_once(monkeypatch):
    monkeypatch.setattr(trying_out, "PIECE", 2)
    monkeypatch.setattr(trying_out, "SLICE_SECONDS", -1.0)
    for _each in range(7):
        claimed(paid_order())
    row = ask()

    for _round in range(120):
        assert at_once(4, lambda _n: trying_out.carry_on(row.pk)) == [None] * 4
        row.refresh_from_db()
        if row.work_state == "done":
            break

    assert row.work_state == "done"
    assert row.taken == row.planned
    assert row.figure("taken", Source.CLAIM) == row.figure("differ", Source.CLAIM) == 7
    names = list(row.differences.filter(source=Source.CLAIM).values_list("claim_id", flat=True))
    assert len(names) == len(set(names)) == 7


def test_who_ask_at_once_share_one():
    found = at_once(6, ask)

    assert len({row.pk for row in found}) == Rehearsal.objects.count() == 1
