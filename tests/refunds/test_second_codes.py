"""A second code instead of money: ordered once, at no charge, and the claim follows what becomes of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from orders import correcting as order_correcting
from orders import doing_again, forwarding, lifecycle
from orders.models import Order, OutgoingMail
from orders.right_data import RightData
from orders.states import OrderState
from payments import booking, ledger, refunding
from payments.models import Dispute, LedgerTransaction, Refund
from payments.refunding import Grounds
from payments.states import DisputeState, RefundState
from refunds import claiming, correcting, deciding, outcomes, paying_out, resubmitting, second_codes
from refunds.models import SecondCode
from refunds.states import ClaimState, ClaimType
from refunds.tasks import follow_claims
from tests import factories
from tests.factories import CUSTOMER
from tests.helpers.suppliers import ScriptedClient
from tests.refunds.claims import KIM, SAM, claimed, fresh, paid_order, payment_of
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = pytest.mark.django_db
S = ClaimState
T = ClaimType


@pytest.fixture(autouse=True)
def _supplier(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def bought(claim=None) -> SecondCode:
    claim = claim or claimed(paid_order())
    return second_codes.buy(claim.pk, reason="The supplier sends another.", actor=SAM)


def refusal(claim) -> str:
    with pytest.raises(Refused) as refused:
        bought(claim)
    assert not SecondCode.objects.filter(claim=claim).exists()
    return refused.value.code


def test_it_is_an_order_beside_the_former_that_costs_nothing(monday):
    row = bought()

    former, new = row.former, row.order
    assert (new.purchase, new.price, new.position, new.identifier) == (
        former.purchase,
        Decimal(0),
        2,
        former.identifier,
    )
    assert Order.objects.get(pk=new.pk).state == OrderState.PAID
    claim = fresh(row.claim)
    assert (claim.state, claim.amount, claim.decision_reason) == (S.APPROVED, 0, "The supplier sends another.")
    mail = OutgoingMail.objects.filter(kind="claim").first()
    assert mail.facts["title"] == "We get you a second code"
    assert new.number in mail.facts["text"]
    assert former.events.get(kind="order.done_again").data["number"] == new.number
    assert new.events.get(kind="order.doing_again").data["number"] == former.number


def test_it_is_bought_once_and_settles_the_claim_when_it_comes():
    row = bought()
    forwarding.forward(row.order.pk)
    forwarding.forward(row.order.pk)
    assert [job.identifier for verb, job in ScriptedClient.calls if verb == "place"] == [row.former.identifier]
    follow_claims()
    assert fresh(row.claim).state == S.APPROVED

    lifecycle.complete(row.order.pk, result="CODE: 1", supplier_name="x", actor=SYSTEM)
    follow_claims()
    follow_claims()

    assert fresh(row.claim).state == S.SETTLED
    booking.book_deliveries()
    assert not LedgerTransaction.objects.filter(order=row.order).exists()
    assert list(ledger.check()) == []


def test_without_a_code_the_claim_is_with_staff_again_and_money_can_go_back():
    row = bought()
    forwarding.forward(row.order.pk)
    lifecycle.mark_unavailable(row.order.pk, note="no", supplier_name="x", actor=SYSTEM)

    follow_claims()

    claim = fresh(row.claim)
    assert (claim.state, claim.code, claim.decided_at) == (S.WAITING_STAFF, "", None)
    assert outcomes.look_at_ended() == 0
    assert refusal_of_another(claim) == "not_offered"
    deciding.approve(claim.pk, amount=None, reason="no code to be had", actor=KIM)
    assert fresh(claim).refund.money == claim.order.money


def refusal_of_another(claim) -> str:
    with pytest.raises(Refused) as refused:
        second_codes.buy(claim.pk, reason="once more", actor=SAM)
    return refused.value.code


def test_money_waits_while_it_is_being_bought():
    order = paid_order()
    other = claimed(order, T.OTHER)
    bought(claimed(order))

    with pytest.raises(Refused) as refused:
        deciding.approve(other.pk, amount=None, reason="fair", actor=SAM)

    assert (refused.value.code, Refund.objects.count()) == ("second_code_under_way", 0)


@pytest.mark.parametrize("part", ["1.00", "18.90"])
def test_none_is_bought_where_money_went_back(part):
    order = paid_order()
    claim = claimed(order)
    grounds = Grounds("goodwill", "by hand")
    money = order.money.__class__(Decimal(part), order.currency)
    refunding.request_refund(payment_of(order).pk, money=money, grounds=grounds, actor=SAM, order_id=order.pk)

    assert refusal(claim) == "money_went_back"


def test_none_is_bought_while_the_payment_is_disputed():
    claim = claimed(paid_order())
    payment = payment_of(claim.order)
    Dispute.objects.create(
        payment=payment, provider_ref="dp_1", amount=payment.amount, currency=payment.currency,
        state=DisputeState.NEEDS_RESPONSE, provider_status="needs_response",
    )  # fmt: skip

    assert refusal(claim) == "disputed"


@pytest.mark.parametrize("is_named", [True, False])
def test_it_is_not_bought_once_the_money_goes_back(is_named):
    row = bought()
    payment = payment_of(row.former)
    grounds = Grounds("goodwill", "by hand", override="they ask for money after all")

    refunding.request_refund(
        payment.pk, money=row.former.money, grounds=grounds, actor=SAM, order_id=row.former.pk if is_named else None
    )

    order = Order.objects.get(pk=row.order.pk)
    assert order.state == OrderState.CANCELLED
    assert forwarding.begin(order.pk) is None


def test_a_part_that_goes_back_leaves_it_alone():
    row = bought()
    money = row.former.money.__class__(Decimal(1), row.former.currency)
    grounds = Grounds("goodwill", "by hand", override="a kind word")

    refunding.request_refund(payment_of(row.former).pk, money=money, grounds=grounds, actor=SAM)

    assert Order.objects.get(pk=row.order.pk).state == OrderState.PAID


@pytest.mark.parametrize(("limit", "is_refused"), [("18.90", False), ("18.89", True)])
def test_what_needs_two_people_as_money_is_not_given_by_one_as_a_code(settings, limit, is_refused):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(limit)}
    claim = claimed(paid_order())

    if is_refused:
        assert refusal(claim) == "second_person"
    else:
        assert bought(claim).order.price == 0


def test_an_exchange_counts_by_what_is_given(settings):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(20)}
    claim = claimed(paid_order(), T.WRONG_SERVICE)
    dear = factories.make_service(price="25.00")

    with pytest.raises(Refused) as refused:
        second_codes.exchange(claim.pk, dear, reason="that one was meant", actor=SAM)

    assert (refused.value.code, Order.objects.count()) == ("second_person", 1)


@pytest.mark.parametrize(
    ("state", "kind"), [(OrderState.IN_PROCESS, "unlock"), (OrderState.COMPLETED, "check")]
)  # fmt: skip
def test_only_an_unlock_that_is_done_gets_one(state, kind):
    assert refusal(claimed(paid_order(state, kind=kind), T.OTHER)) == "not_offered"


def test_a_decided_claim_gets_none_and_a_reason_is_needed():
    claim = claimed(paid_order(), T.OTHER)
    with pytest.raises(Refused):
        second_codes.buy(claim.pk, reason=" ", actor=SAM)
    claiming.withdraw(claim.pk, actor=CUSTOMER)
    with pytest.raises(TransitionRefused):
        bought(claim)

    assert Order.objects.count() == 1


def test_the_database_knows_one_for_an_order_and_for_a_claim():
    row = bought()
    other = claimed(row.former, T.OTHER)

    for columns in ({"claim": other, "former": row.former}, {"claim": row.claim, "former": row.order}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SecondCode.objects.create(order=paid_order(), reason="r", by_label="sam", **columns)


def test_it_stays_with_its_device():
    row = bought()
    data = RightData("356938030000005", row.order.identifier_kind, {}, again=True)

    assert not correcting.offers_it(row.order)
    for state in (OrderState.PAID, OrderState.IN_PROCESS):
        if state == OrderState.IN_PROCESS:
            forwarding.forward(row.order.pk)
        order = Order.objects.get(pk=row.order.pk)
        assert (order.state, correcting.standing(order).code) == (state, "repeat")
        with pytest.raises(Refused) as refused:
            correcting.submit(order.pk, data, shown=correcting.standing(order).way or "", actor=CUSTOMER)
        assert refused.value.code == "repeat"
    with pytest.raises(Refused) as refused:
        order_correcting.ask(row.order.pk, data, rule="x", refusal="", actor=SAM)
    assert refused.value.code == "repeat"


def test_it_is_not_sent_in_again():
    row = bought()
    forwarding.forward(row.order.pk)
    lifecycle.mark_unavailable(row.order.pk, note="no", supplier_name="x", actor=SYSTEM)
    order = Order.objects.get(pk=row.order.pk)

    assert not resubmitting.may(order)
    with pytest.raises(Refused) as refused:
        resubmitting.resubmit(order.pk, reason="once more", actor=SAM)

    assert refused.value.code == "second_code"
    assert Order.objects.get(pk=order.pk).state == OrderState.UNAVAILABLE


def test_the_payment_page_gives_no_money_back_beside_it():
    row = bought()
    former = row.former

    def refund() -> None:
        grounds = Grounds("goodwill", "by hand")
        refunding.request_refund(
            payment_of(former).pk, money=former.money, grounds=grounds, actor=SAM, order_id=former.pk
        )

    with pytest.raises(Refused) as refused:
        refund()
    assert refused.value.code == "alive_at_supplier"
    forwarding.forward(row.order.pk)
    lifecycle.mark_unavailable(row.order.pk, note="no", supplier_name="x", actor=SYSTEM)

    refund()

    assert Refund.objects.get().money == former.money


def test_a_refund_that_failed_before_is_not_paid_again_beside_it():
    order = paid_order()
    first = claimed(order, T.OTHER)
    deciding.approve(first.pk, amount=Decimal("5.00"), reason="fair", actor=SAM)
    Refund.objects.update(state=RefundState.FAILED, failure="account closed")
    follow_claims()
    assert refusal(claimed(order)) == "claim_granted"


def test_money_granted_after_a_code_that_did_not_work_either_can_be_paid_again():
    row = bought()
    forwarding.forward(row.order.pk)
    lifecycle.complete(row.order.pk, result="CODE: 1", supplier_name="x", actor=SYSTEM)
    follow_claims()
    claim = claimed(row.former, T.OTHER)
    deciding.approve(claim.pk, amount=None, reason="neither code works", actor=SAM)
    Refund.objects.update(state=RefundState.FAILED, failure="account closed")
    follow_claims()

    paying_out.pay_again(claim.pk, reason="another try", actor=SAM)

    assert [refund.state for refund in Refund.objects.order_by("created_at")] == [
        RefundState.FAILED, RefundState.REQUESTED
    ]  # fmt: skip


def exchanged(service, claim) -> SecondCode:
    return second_codes.exchange(claim.pk, service, reason="Ours was the mistake.", actor=SAM)


def other_service(**changes):
    return factories.make_service(name="The right one", **changes)


def test_something_else_that_came_is_exchanged_for_what_was_meant(monday):
    claim = claimed(paid_order(), T.WRONG_SERVICE)
    right = other_service(guaranteed_minutes=7_777)

    row = exchanged(right, claim)

    former, new = row.former, Order.objects.get(pk=row.order_id)
    assert (new.service, new.service_name, new.guaranteed_minutes) == (right, "The right one", 7_777)
    assert (new.price, new.identifier, new.purchase, new.state) == (
        Decimal(0), former.identifier, former.purchase, OrderState.PAID
    )  # fmt: skip
    assert (former.state, fresh(claim).state, Refund.objects.count()) == (OrderState.COMPLETED, S.APPROVED, 0)
    assert "order.exchanged" in former.events.values_list("kind", flat=True)
    mail = OutgoingMail.objects.filter(kind="claim").latest("pk")
    assert "The right one" in mail.facts["text"]
    assert new.number in mail.facts["text"]


def test_the_claim_is_settled_by_what_comes_in_exchange():
    claim = claimed(paid_order(), T.WRONG_SERVICE)
    row = exchanged(other_service(), claim)
    with pytest.raises(Refused) as refused:
        refunding.request_refund(
            payment_of(claim.order).pk, money=claim.order.money, grounds=Grounds("goodwill", "Why not."), actor=SAM
        )
    assert refused.value.code == "alive_at_supplier"

    factories.bring_to(row.order, OrderState.COMPLETED)
    follow_claims()

    assert fresh(claim).state == S.SETTLED


@pytest.mark.parametrize("kind", [T.NOT_WORKING, T.OTHER, T.RELOCKED])
def test_nothing_else_is_exchanged(kind):
    claim = claimed(paid_order(), kind)

    with pytest.raises(Refused) as refused:
        exchanged(other_service(), claim)

    assert refused.value.code == "not_offered"
    assert not SecondCode.objects.exists()


@pytest.mark.parametrize("changes", [{"is_published": False}, {"is_open": False}, {"fields": [("number", "msisdn")]}])
def test_only_a_service_on_sale_that_the_device_fits(changes):
    claim = claimed(paid_order(), T.WRONG_SERVICE)
    fields = changes.pop("fields", None)
    service = other_service(**changes)
    if fields:
        service.fields.all().delete()
        service.fields.create(name="number", label="Number", kind="msisdn")

    assert service not in doing_again.alternatives(claim.order)
    for wrong in (service, claim.order.service):
        with pytest.raises(Refused) as refused:
            exchanged(wrong, claim)
        assert refused.value.code == "does_not_fit"
    assert Order.objects.count() == 1
