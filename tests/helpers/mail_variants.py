"""Every mail in every wording that differs, with made-up data, in a language. For the tests of how mails look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from orders import cancelling, correcting, investigating, lifecycle, mailing
from orders.mailing import MailMessage
from orders.models import Order, OutgoingMail, Purchase
from orders.models.mail import MailKind
from orders.right_data import RightData
from orders.states import CancelState, Finding, HoldReason, OrderState
from payments import refunding, telling
from payments.models import Payment
from payments.refunding import Grounds
from refunds import answering, calling_off, overdue, telling_delays, telling_late
from refunds.answering import Telling
from refunds.models import SecondCode
from refunds.telling_delays import Message
from services.models import ResultKind
from tests import factories
from tests.admin.conftest import make_payment
from tests.refunds.claims import claimed
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.money import Money

S = OrderState
SAM: Final = actors.staff(1, "sam@example.com")
HOLD: Final = 600
CAPPED: Final = {"calendar": "madrid", "hard_cap_days": 10}
REPORT: Final = """Model: iPhone 13 128GB Midnight
IMEI: 354178036859789
Sim-Lock: Locked
Carrier: AT&T
Find My iPhone: OFF
Blacklist Status: Clean
Estimated Purchase Date: 12 May 2022"""


class Scene:
    """Writes a customer's rows in a language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def purchase(
        self, *, paid: bool = True, imeis: tuple[str, ...] = (factories.IMEI,), price: str = "18.90",
        terms: str = "default 2026-11", service: Mapping[str, Any] | None = None, **agreed: Any,
    ) -> Purchase:  # fmt: skip
        """A purchase, paid by a captured payment unless it costs nothing."""
        draft = factories.make_draft(factories.make_service(price=price, **dict(service or {})), imeis=imeis)
        consent = factories.consent(refund_profile=terms, **agreed)
        made = factories.place_purchase(
            draft, email=factories.ADA, language=self.language, consent=consent, is_demo=True, actor=factories.CUSTOMER
        )
        if paid:
            factories.paying.mark_purchase_paid(made.pk, actor=SYSTEM, at=clock.now())
            made.refresh_from_db()
            if made.total:
                make_payment(made.orders.earliest("position"))
                Payment.objects.filter(purchase=made).update(amount=made.total)
        return made

    def order(self, state: OrderState = S.PAID, **kwargs: Any) -> Order:
        """An order of such a purchase, brought to ``state``."""
        unpaid = {S.AWAITING_PAYMENT, S.EXPIRED}
        order = self.purchase(paid=state not in unpaid, **kwargs).orders.get()
        factories.bring_to(order, state)
        return Order.objects.select_related("purchase").get(pk=order.pk)

    def given_back(self, order: Order, amount: str) -> None:
        """Some of the price was given back before."""
        refunding.request_refund(
            Payment.objects.get(purchase=order.purchase).pk, money=Money(Decimal(amount), "EUR"), order_id=order.pk,
            grounds=Grounds("goodwill", "said sorry", override="asked for"), actor=SAM,
        )  # fmt: skip


Variant = Callable[[Scene], Any]


def _confirmation_of_many(at: Scene) -> None:
    at.purchase(imeis=tuple(factories.imei(n) for n in range(4)), hold_seconds=HOLD)


def _ended(state: OrderState, **kwargs: Any) -> Variant:
    return lambda at: at.order(state, **kwargs)


def _given(state: OrderState, amount: str) -> Variant:
    def write(at: Scene) -> None:
        order = at.order(S.IN_PROCESS)
        at.given_back(order, amount)
        {S.UNAVAILABLE: lifecycle.mark_unavailable, S.NOT_FOUND: lifecycle.mark_not_found}[state](
            order.pk, note="not eligible", supplier_name="S", actor=SYSTEM
        )

    return write


def _disputed(at: Scene) -> None:
    order = at.order(S.UNAVAILABLE)
    Purchase.objects.filter(pk=order.purchase_id).update(frozen_for=HoldReason.DISPUTE)


def _moved_on(at: Scene) -> None:
    lifecycle.resubmit(at.order(S.UNAVAILABLE).pk, reason="new source", actor=SYSTEM)


def _called_off(at: Scene) -> None:
    calling_off.call_off(at.order(hold_seconds=HOLD).pk, actor=factories.CUSTOMER)


def _supplier_agreed(at: Scene) -> None:
    asked = cancelling.request(at.order(S.IN_PROCESS).pk, reason="asked", actor=SAM)
    cancelling.settle(asked.pk, CancelState.AGREED, message="ok", actor=SAM)


def _run_out(at: Scene) -> None:
    order = at.order(S.IN_PROCESS, **CAPPED)
    assert order.cap_at is not None
    with clock.frozen(order.cap_at + timedelta(days=5)):
        assert overdue.end_overdue() == 1


def _delayed(*, days: int | None, **kwargs: Any) -> Variant:
    def write(at: Scene) -> None:
        order = at.order(S.IN_PROCESS, **kwargs)
        date = clock.now() + timedelta(days=days) if days else None
        message = Message("The supplier's office is closed.\nIt opens again on Monday.", date)
        telling_delays.tell(order.pk, message, batch="one", actor=SAM)

    return write


def _delayed_then_called_off(at: Scene) -> None:
    order = at.order(S.IN_PROCESS)
    telling_delays.tell(order.pk, Message("The supplier is closed.", None), batch="one", actor=SAM)
    calling_off.call_off(order.pk, actor=factories.CUSTOMER)


def _late(**kwargs: Any) -> Variant:
    def write(at: Scene) -> None:
        order = at.order(S.IN_PROCESS, **kwargs)
        assert order.result_due_at is not None
        with clock.frozen(order.result_due_at + timedelta(days=5)):
            assert telling_late.tell(order.pk)

    return write


def _failed(state: OrderState) -> Variant:
    def write(at: Scene) -> None:
        order = at.order(state)
        mailing.queue_for_purchase(order.purchase, MailKind.PAYMENT_FAILED)

    return write


def _reply(at: Scene) -> None:
    lines = "U-1: cancelled, €18.90 go back.\nU-2: our supplier has it, so it goes on."
    purchase = at.purchase(imeis=(factories.imei(1), factories.imei(2)))
    mailing.queue_for_purchase(purchase, MailKind.REPLY, facts={"lines": lines})


def _refund(kind: MailKind, *, of_one: bool) -> Variant:
    def write(at: Scene) -> None:
        order = at.purchase(imeis=(factories.imei(1), factories.imei(2))).orders.earliest("position")
        grounds = Grounds("goodwill", "It took long.", override="asked for")
        refund = refunding.request_refund(
            Payment.objects.get(purchase=order.purchase).pk, money=Money(Decimal("7.50"), "EUR"),
            order_id=order.pk if of_one else None, grounds=grounds, actor=SAM,
        )  # fmt: skip
        {MailKind.REFUNDED: telling.tell_refunded, MailKind.REFUND_RETURNED: telling.tell_returned}[kind](refund)

    return write


def _corrected(at: Scene) -> None:
    order = at.order(imeis=(factories.imei(1),))
    correcting.correct(order.pk, RightData(factories.IMEI, "imei", {}), rule="default", actor=factories.CUSTOMER)


def _correction(outcome: str, **facts: str) -> Variant:
    return lambda at: mailing.queue_for_order(
        at.order(S.IN_PROCESS), MailKind.CORRECTION, facts={"outcome": outcome, **facts}
    )


def _investigated(finding: Finding) -> Variant:
    def write(at: Scene) -> None:
        row = investigating.ask(at.order(S.NOT_FOUND).pk, note="", actor=factories.CUSTOMER)
        text = "The operator's list was out of date.\nIt was <our> fault."
        investigating.answer(row.pk, finding=finding, text=text, evidence="panel", actor=SAM)

    return write


def _claim(what: Telling) -> Variant:
    def write(at: Scene) -> None:
        claim = claimed(at.order(S.COMPLETED))
        OutgoingMail.objects.filter(kind=MailKind.CLAIM).delete()
        claim.amount, claim.pay_by = claim.order.price, clock.now() + timedelta(days=3)
        claim.decision_reason, claim.code = "The video shows the message.", "G_NOT_WORKING"
        if what in {Telling.SECOND_CODE, Telling.EXCHANGED}:
            second = at.order(imeis=(factories.imei(9),))
            SecondCode.objects.create(
                claim=claim, former=claim.order, order=second, reason="once more", by_label="sam"
            )
        answering.tell(claim, what)

    return write


def _claim_of_before(at: Scene) -> None:
    """A mail that waits since before the facts had a figure of their own."""
    facts = {"title": "Your claim is approved", "text": "The money leaves us soon."}
    mailing.queue_for_order(at.order(S.COMPLETED), MailKind.CLAIM, facts=facts)


_CHECK: Final = {"kind": "check", "result_kind": ResultKind.REPORT}


def _report(result: str) -> Variant:
    def write(at: Scene) -> None:
        order = at.order(S.IN_PROCESS, service=_CHECK)
        lifecycle.complete(order.pk, result=result, supplier_name="S", actor=SYSTEM)

    return write


K = MailKind
VARIANTS: Final[Mapping[str, tuple[MailKind, Variant]]] = {
    "confirmation": (K.CONFIRMATION, _ended(S.PAID)),
    "confirmation-held": (K.CONFIRMATION, _ended(S.PAID, hold_seconds=HOLD)),
    "confirmation-expected": (K.CONFIRMATION, _ended(S.PAID, terms="imei_org 2026-11")),
    "confirmation-many": (K.CONFIRMATION, _confirmation_of_many),
    "confirmation-free": (K.CONFIRMATION, _ended(S.PAID, price="0.00", service=_CHECK)),
    "completed-code": (K.COMPLETED, _ended(S.COMPLETED)),
    "completed-remote": (K.COMPLETED, _ended(S.COMPLETED, service={"result_kind": ResultKind.REMOTE_UNLOCK})),
    "completed-report": (K.COMPLETED, _report(REPORT)),
    "completed-unread-report": (K.COMPLETED, _report("All is <well> & fine")),
    "unavailable": (K.UNAVAILABLE, _ended(S.UNAVAILABLE)),
    "unavailable-part-given": (K.UNAVAILABLE, _given(S.UNAVAILABLE, "10.00")),
    "unavailable-disputed": (K.UNAVAILABLE, _disputed),
    "unavailable-free": (K.UNAVAILABLE, _ended(S.UNAVAILABLE, price="0.00", service=_CHECK)),
    "unavailable-moved-on": (K.UNAVAILABLE, _moved_on),
    "not_found": (K.NOT_FOUND, _ended(S.NOT_FOUND)),
    "not_found-owed": (K.NOT_FOUND, _ended(S.NOT_FOUND, terms="doctorsim 2026-11")),
    "not_found-part-given": (K.NOT_FOUND, _given(S.NOT_FOUND, "10.00")),
    "cancelled": (K.CANCELLED, _ended(S.CANCELLED)),
    "cancelled-called-off": (K.CANCELLED, _called_off),
    "cancelled-after-delay": (K.CANCELLED, _delayed_then_called_off),
    "cancelled-by-supplier": (K.CANCELLED, _supplier_agreed),
    "cancelled-run-out": (K.CANCELLED, _run_out),
    "cancelled-free": (K.CANCELLED, _ended(S.CANCELLED, price="0.00", service=_CHECK)),
    "delayed": (K.DELAYED, _delayed(days=2, **CAPPED)),
    "delayed-no-date": (K.DELAYED, _delayed(days=None)),
    "delayed-no-right": (K.DELAYED, _delayed(days=2, terms="imei_org 2026-11")),
    "late": (K.LATE, _late(**CAPPED)),
    "late-expected": (K.LATE, _late(terms="imei_org 2026-11")),
    "payment_failed": (K.PAYMENT_FAILED, _failed(S.AWAITING_PAYMENT)),
    "payment_failed-paid": (K.PAYMENT_FAILED, _failed(S.PAID)),
    "payment_failed-expired": (K.PAYMENT_FAILED, _failed(S.EXPIRED)),
    "reply": (K.REPLY, _reply),
    "refunded": (K.REFUNDED, _refund(K.REFUNDED, of_one=False)),
    "refunded-of-one": (K.REFUNDED, _refund(K.REFUNDED, of_one=True)),
    "refund_returned": (K.REFUND_RETURNED, _refund(K.REFUND_RETURNED, of_one=True)),
    "correction": (K.CORRECTION, _corrected),
    **{
        f"correction-{outcome}": (K.CORRECTION, _correction(outcome, **facts))
        for outcome, facts in {
            "asked": {}, "replaced": {"former": "U-2222-2222-2"}, "refused": {"refusal": "What was sent stays sent."},
            "too_late": {}, "ended": {},
        }.items()
    },
    **{f"investigation-{each.value}": (K.INVESTIGATION, _investigated(each)) for each in Finding},
    **{f"claim-{each.value}": (K.CLAIM, _claim(each)) for each in Telling},
    "claim-of-before": (K.CLAIM, _claim_of_before),
}  # fmt: skip


def write(name: str, language: str) -> OutgoingMail:
    """The mail as a row, with all that it speaks of."""
    kind, make = VARIANTS[name]
    make(Scene(language))
    return OutgoingMail.objects.select_related("purchase", "order").filter(kind=kind).latest("pk")


def rendered(name: str, language: str) -> tuple[MailMessage, OutgoingMail]:
    """The mail as its customer gets it."""
    mail = write(name, language)
    return mailing.render(mail), mail
