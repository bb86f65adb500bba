"""Disputes under parallel hands: one row, one posting, one answer, and no order slips past a freeze."""

from __future__ import annotations

import pytest

from orders import forwarding
from orders.models import Order, SupplierAttempt
from orders.states import OrderState
from payments import disputing, evidence, ledger
from payments.models import Dispute, LedgerTransaction, Payment
from payments.states import DisputeState, PackState
from tests import factories
from tests.helpers.disputes import PROVIDERS, REF, Bank, captured, disputed, fact
from tests.helpers.race import at_once
from unlockshop.kernel import actors
from unlockshop.kernel.errors import Refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
SAM = actors.staff(1, "sam@example.com")


@pytest.fixture(autouse=True)
def _bank(settings):
    settings.PAYMENT_PROVIDERS = PROVIDERS
    Bank.reset()


def test_twenty_workers_on_one_new_dispute_book_it_once():
    Bank.facts[REF] = fact(captured(factories.make_order()))

    found = at_once(20, lambda _n: disputing.settle_dispute("stripe", REF).pk)

    rows = {answer for answer in found if not isinstance(answer, disputing.Outdated)}
    assert rows == {Dispute.objects.get().pk}
    assert LedgerTransaction.objects.filter(kind="dispute-withdrawn").count() == 1
    assert list(ledger.check()) == []


def test_ten_presses_of_submit_send_one_answer():
    _order, dispute = disputed(OrderState.COMPLETED)
    packs = [evidence.assemble(dispute).pk for _n in range(2)]

    answers = at_once(10, lambda n: evidence.submit(packs[n % 2], actor=SAM).state)

    assert [answer for answer in answers if not isinstance(answer, Refused)] == [PackState.SUBMITTED]
    assert len(Bank.submitted) == 1


def test_a_freeze_and_the_workers_never_leave_an_order_that_may_still_be_sent():
    imeis = tuple(factories.imei(n) for n in range(12))
    purchase = factories.make_purchase(imeis=imeis, paid=True)
    order_ids = list(purchase.orders.values_list("pk", flat=True))
    Bank.facts[REF] = fact(captured(purchase.orders.first()))

    def work(n: int):
        if n == 6:
            return disputing.settle_dispute("stripe", REF)
        return forwarding.begin(order_ids[n])

    errors = [answer for answer in at_once(12, work) if isinstance(answer, Exception)]

    assert errors == []
    sent = set(SupplierAttempt.objects.values_list("order_id", flat=True))
    for order in Order.objects.all():
        assert order.state == (OrderState.SUBMITTING if order.pk in sent else OrderState.ON_HOLD)
        assert forwarding.begin(order.pk) is None
    assert SupplierAttempt.objects.count() == len(sent)


def test_a_decision_that_arrives_while_the_answer_is_sent_is_not_undone():
    _order, dispute = disputed(OrderState.COMPLETED)
    pack = evidence.assemble(dispute)
    payment = Payment.objects.get()

    def decided_meanwhile():
        Bank.facts[REF] = fact(payment, DisputeState.LOST, has_our_evidence=True)
        disputing.settle_dispute("stripe", REF)

    Bank.outcome = decided_meanwhile
    evidence.submit(pack.pk, actor=SAM)

    pack.refresh_from_db()
    assert (pack.state, Dispute.objects.get().state) == (PackState.SUBMITTED, DisputeState.LOST)
