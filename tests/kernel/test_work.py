"""Work items: one worker at a time, later and later, at last staff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders.models import OutgoingMail
from tests import factories
from unlockshop.kernel import clock, work
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=60)


@pytest.fixture
def item() -> OutgoingMail:
    return OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True))


def fresh(item: OutgoingMail) -> OutgoingMail:
    return OutgoingMail.objects.get(pk=item.pk)


def test_one_claim_at_a_time(item):
    assert work.claim(OutgoingMail, item.pk, lease=LEASE) is not None
    assert work.claim(OutgoingMail, item.pk, lease=LEASE) is None
    assert work.due(OutgoingMail, limit=10) == []


def test_an_abandoned_claim_is_due_again_and_the_former_holder_is_out(item):
    first = work.claim(OutgoingMail, item.pk, lease=LEASE)

    with clock.frozen(clock.now() + LEASE + timedelta(seconds=1)):
        assert work.due(OutgoingMail, limit=10) == [item.pk]
        second = work.claim(OutgoingMail, item.pk, lease=LEASE)

    assert second.attempts == 2
    assert not work.finish(first)
    assert work.finish(second)
    assert fresh(item).work_state == WorkState.DONE


def test_what_is_not_due_cannot_be_claimed(item):
    OutgoingMail.objects.update(next_action_at=clock.now() + timedelta(hours=1))

    assert work.claim(OutgoingMail, item.pk, lease=LEASE) is None


def test_failures_wait_longer_and_end_with_staff(item):
    waits = []
    moment = clock.now()
    for _ in range(4):
        with clock.frozen(moment):
            claimed = work.claim(OutgoingMail, item.pk, lease=LEASE)
            work.retry_or_give_up(claimed, "down", cap=4)
            moment = fresh(item).next_action_at
            waits.append(moment - clock.now() if moment else None)

    assert waits[3] is None
    assert waits[0] < waits[1] < waits[2]
    assert fresh(item).work_state == WorkState.NEEDS_STAFF
    assert fresh(item).last_error == "down"


def test_back_off_has_a_ceiling():
    assert work.backoff(1000) <= work.MAX_BACKOFF * 1.1


def test_a_doorbell_needs_a_task():
    with pytest.raises(KeyError):
        work.ring("orders.no_such_task", 1)


def test_a_dead_broker_does_not_hurt(item, settings, django_capture_on_commit_callbacks, monkeypatch):
    monkeypatch.setattr("kombu.transport.memory.Channel._put", lambda *_args, **_kwargs: 1 / 0)

    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        work.ring("orders.deliver_mail", item.pk)

    assert len(callbacks) == 1
