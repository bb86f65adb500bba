"""Collecting the money of a purchase.

``begin_payment`` sends the customer to the provider. ``settle`` is the one function behind webhook, return page and
sweep: it asks the provider what is true, and folds that into payment, ledger and orders in one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders import mailing, paying
from orders.models import Order, Purchase
from orders.models.mail import MailKind
from payments import booking, ledger
from payments.accepting import NotTaken, obstacle
from payments.models import Payment
from payments.providers.base import FactState, PaymentFact, PaymentRequest
from payments.providers.registry import provider_named
from payments.states import LIVE, RANK, Attention, PaymentState
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import Refused, ShopError

# Providers want a page to stay open for at least 30 minutes.
MIN_TIME_TO_PAY: Final = timedelta(minutes=31)
logger = logging.getLogger(__name__)

GONE: Final = frozenset({"resource_missing", "resource_not_found"})
FORGOTTEN_AFTER: Final = timedelta(hours=24)
FIRST_CHECK: Final = timedelta(seconds=30)
MAX_CHECK_INTERVAL: Final = timedelta(hours=1)
TURN_SECONDS: Final = 60

# States in which a payment's page may still be shown.
BEGUN: Final = frozenset({PaymentState.CREATED, PaymentState.OPEN})

STATE_OF_FACT: Final = {
    FactState.OPEN: PaymentState.OPEN,
    FactState.PENDING: PaymentState.PENDING,
    FactState.CAPTURED: PaymentState.CAPTURED,
    FactState.FAILED: PaymentState.FAILED,
    FactState.EXPIRED: PaymentState.EXPIRED,
}


class NothingToPay(Refused):
    """The purchase is paid, expired, or waits for the bank or for our staff already."""


def first_payment(purchase: Purchase, orders: Sequence[Order], *, provider_name: str) -> Payment | None:
    """The row of a purchase's first payment, written with the purchase: nobody knows of it, so nothing is locked.

    None where ``begin_payment`` would refuse; ``open_page`` goes on with the row once it is committed.
    """
    if obstacle(provider_name, purchase.money, *(order.money for order in orders)):
        return None
    return _new_payment(purchase, provider_name)


def begin_payment(purchase: Purchase, *, provider_name: str) -> Payment:
    """A payment page for the purchase; the row, with its key, is committed before the provider is called.

    An open payment of the same purchase is used again, so two tabs meet at one page. Raises ``NothingToPay``,
    ``NotTaken`` for money that the provider cannot move, or ``Retryable``/``OutcomeUnknown`` when it does not
    answer; trying again then reuses the row.
    """
    with transaction.atomic(durable=True):
        locked = Purchase.objects.select_for_update(no_key=True).get(pk=purchase.pk)
        if locked.paid_at is not None:
            raise NothingToPay(_("This purchase is paid already."), code="paid")
        if locked.expires_at - clock.now() < MIN_TIME_TO_PAY:
            raise NothingToPay(_("This purchase has expired. Please order again."), code="expired")
        payments = list(locked.payments.all())
        states = {payment.state for payment in payments}
        if PaymentState.PENDING in states:
            raise NothingToPay(_("Your bank is still confirming the payment."), code="pending")
        if states & {PaymentState.PARKED, PaymentState.CAPTURED}:
            # Money may have come in already; a second payment would have to be given back.
            raise NothingToPay(_("Our staff are checking a payment for this purchase."), code="in_check")
        orders = list(locked.orders.order_by("position"))
        if hindrance := obstacle(provider_name, locked.money, *(order.money for order in orders)):
            raise NotTaken(hindrance)
        usable = (each for each in payments if each.provider == provider_name and each.state in BEGUN)
        payment = next(usable, None) or _new_payment(locked, provider_name)
    if payment.state == PaymentState.OPEN and payment.url:
        return payment
    return open_page(locked, orders, payment)


def _new_payment(purchase: Purchase, provider_name: str) -> Payment:
    payment: Payment = Payment.objects.create(
        purchase=purchase,
        provider=provider_name,
        amount=purchase.total,
        currency=purchase.currency,
        is_live=settings.PAYMENTS_LIVE,
        next_action_at=clock.now() + FIRST_CHECK,
    )
    return payment


def open_page(purchase: Purchase, orders: Sequence[Order], payment: Payment) -> Payment:
    """Have the provider make the page of a committed payment; ``orders`` are the purchase's, by position.

    Raises as ``begin_payment`` where the provider refuses or does not answer.
    """
    try:
        begun = provider_named(payment.provider).begin(_request(purchase, orders, payment))
    except Refused:
        # The provider repeats its no for this key for ever; the next try needs a row, and a key, of its own.
        Payment.objects.filter(pk=payment.pk, state=PaymentState.CREATED).update(
            state=PaymentState.FAILED, next_action_at=None
        )
        raise
    crash_here("collect.after_begin")
    rows = Payment.objects.filter(pk=payment.pk, state=PaymentState.CREATED)
    if rows.update(state=PaymentState.OPEN, provider_ref=begun.provider_ref, url=begun.url):
        payment.state, payment.provider_ref, payment.url = PaymentState.OPEN, begun.provider_ref, begun.url
    else:  # another tab was first, or news of it came in
        payment.refresh_from_db()
    return payment


def _request(purchase: Purchase, orders: Sequence[Order], payment: Payment) -> PaymentRequest:
    """Derived from stored rows alone: the same key must always come with the same parameters."""
    count = len(orders)
    description = orders[0].service_name
    if count > 1:
        with translation.override(purchase.language):
            description = ngettext("%(name)s, %(count)d device", "%(name)s, %(count)d devices", count) % {
                "name": description,
                "count": count,
            }
    with translation.override(purchase.language):
        back = settings.BASE_URL + reverse("payment-return", args=[purchase.secret])
        page = settings.BASE_URL + purchase.get_absolute_url()
    return PaymentRequest(
        key=payment.key,
        reference=purchase.number,
        money=payment.money,
        description=description,
        email=purchase.email,
        language=purchase.language,
        success_url=back,
        cancel_url=f"{page}?payment=cancelled",
        expires_at=purchase.expires_at,
        statement_descriptor=settings.STATEMENT_DESCRIPTOR,
    )


def settle(payment_id: int) -> Payment:
    """Ask the provider about the payment and book what it says. Safe to call any number of times at once.

    Raises ``Retryable`` or ``OutcomeUnknown`` when the provider does not answer; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.provider_ref is None or payment.state == PaymentState.CAPTURED:
        return payment
    fact = provider_named(payment.provider).fetch(payment.provider_ref)
    crash_here("collect.after_fetch")
    return fold(payment_id, fact)


def fold(payment_id: int, fact: PaymentFact) -> Payment:
    """Book one fact about a payment, in one transaction with the ledger and the orders."""
    payment = _fold(payment_id, fact)
    if payment.state == PaymentState.CAPTURED:
        # Outside the transaction: two payments of a purchase that are captured at once must not lock one another.
        others = Payment.objects.filter(purchase_id=payment.purchase_id, state=PaymentState.OPEN)
        others.filter(next_action_at__gt=clock.now()).update(next_action_at=clock.now())
    return payment


def _fold(payment_id: int, fact: PaymentFact) -> Payment:
    with transaction.atomic(durable=True):
        payment = Payment.objects.select_for_update(of=("self",)).select_related("purchase").get(pk=payment_id)
        target = STATE_OF_FACT[fact.state]
        if fact.is_declined and payment.state in LIVE:
            payment.declined_at = clock.now()
            payment.save(update_fields=["declined_at"])
        if RANK[target] <= RANK[PaymentState(payment.state)] or _has_strayed(payment):
            return payment
        mismatch = _mismatch(payment, fact)
        if mismatch:
            _park(payment, fact, mismatch)
            return payment
        payment.state = target
        payment.charge_ref = fact.charge_ref
        if target == PaymentState.CAPTURED:
            _capture(payment)
        elif target == PaymentState.FAILED:
            mailing.queue_for_purchase(payment.purchase, MailKind.PAYMENT_FAILED, revision=str(payment.pk))
        if target not in LIVE and target != PaymentState.CAPTURED:
            payment.next_action_at = None
        payment.save()
    return payment


def _has_strayed(payment: Payment) -> bool:
    """Whether its money is in the books already as money that fits nothing: only ``_park`` books that."""
    return payment.state == PaymentState.PARKED and ledger.is_booked(booking.stray_key(payment))


def _mismatch(payment: Payment, fact: PaymentFact) -> str:
    pairs = {
        "amount": (payment.money, fact.money),
        "reference": (payment.purchase.number, fact.reference),
        "live mode": (payment.is_live, fact.is_live),
        "provider reference": (payment.provider_ref, fact.provider_ref),
    }
    differing = [f"{name}: asked {ours}, got {theirs}" for name, (ours, theirs) in pairs.items() if ours != theirs]
    return "; ".join(differing)


def _park(payment: Payment, fact: PaymentFact, mismatch: str) -> None:
    """Something differs from what was asked: nothing is called paid, a person looks.

    Money that came in is booked all the same; an amount that nobody can have received is none.
    """
    payment.state = PaymentState.PARKED
    payment.attention = Attention.MISMATCH
    payment.note = f"provider says {fact.state}; {mismatch}"[:500]
    payment.next_action_at = None
    payment.save()
    if fact.state == FactState.CAPTURED and fact.money.amount > 0:
        booking.book_stray_capture(payment, fact.money)


def _capture(payment: Payment) -> None:
    """Money came in. It is booked whatever becomes of the orders; money that fits none is flagged for staff."""
    payment.captured_at = clock.now()
    actor = actors.provider(payment.provider)
    if not paying.mark_purchase_paid(payment.purchase_id, actor=actor, at=payment.captured_at):
        paid = Purchase.objects.get(pk=payment.purchase_id).paid_at is not None
        payment.attention = Attention.OVERPAYMENT if paid else Attention.LATE
    booking.book_capture(payment)
    # The provider tells its fee a little later.
    payment.next_action_at = clock.now() + FIRST_CHECK


def due_payments(*, limit: int = work.SWEEP_LIMIT) -> list[int]:
    """Ids of payments that the provider is to be asked about now, longest waiting first."""
    rows = Payment.objects.filter(next_action_at__lte=clock.database_now())
    return list(rows.order_by("next_action_at").values_list("pk", flat=True)[:limit])


def check(payment_id: int) -> None:
    """The sweep's visit to a payment: ask how it stands, let go of one that never began, or learn its fee."""
    moment = clock.database_now()
    due = Payment.objects.filter(pk=payment_id, next_action_at__lte=moment)
    if not due.update(next_action_at=moment + timedelta(seconds=TURN_SECONDS)):
        return
    payment = Payment.objects.select_related("purchase").get(pk=payment_id)
    try:
        if payment.state == PaymentState.CREATED:
            _give_up_unbegun(payment)
        elif payment.state == PaymentState.CAPTURED:
            _learn_fee(payment)
        else:
            _close_if_paid(payment)
            payment = settle(payment_id)
    except ShopError as error:
        logger.warning("%s could not be checked: %s", payment, error)
        _forget_lost(payment, error)
    _check_later(payment)


def _close_if_paid(payment: Payment) -> None:
    """The purchase was paid by another payment: a page that still stands open would only take the money twice."""
    if payment.purchase.paid_at is not None and payment.state == PaymentState.OPEN and payment.provider_ref:
        provider_named(payment.provider).close(payment.provider_ref)


def _forget_lost(payment: Payment, error: ShopError) -> None:
    """A provider may forget an unpaid page. Long after the purchase expired, that page can bring no money any more."""
    is_gone = isinstance(error, Refused) and error.code in GONE
    if is_gone and clock.now() - payment.purchase.expires_at > FORGOTTEN_AFTER:
        Payment.objects.filter(pk=payment.pk, state__in=LIVE).update(
            state=PaymentState.EXPIRED, next_action_at=None, note=str(error)[:500]
        )


def _learn_fee(payment: Payment) -> None:
    """Book what the provider kept, once it says so."""
    fee = provider_named(payment.provider).fee(str(payment.charge_ref))
    if fee is None:
        return
    with transaction.atomic(durable=True):
        rows = Payment.objects.filter(pk=payment.pk, fee__isnull=True)
        if rows.update(fee=fee.amount, fee_currency=fee.currency, next_action_at=None) and fee.amount:
            booking.book_fee(payment, fee)


def _give_up_unbegun(payment: Payment) -> None:
    """Never got a page: the customer came no further. With the purchase expired nobody can pay it any more."""
    if payment.purchase.expires_at <= clock.now():
        Payment.objects.filter(pk=payment.pk, state=PaymentState.CREATED).update(
            state=PaymentState.EXPIRED, next_action_at=None
        )


def _check_later(payment: Payment) -> None:
    moment = clock.now()
    later = moment + min(FIRST_CHECK * 2 ** min(payment.checks, 8), MAX_CHECK_INTERVAL)
    just_expired = payment.purchase.expires_at + FIRST_CHECK
    if moment < just_expired < later:
        later = just_expired
    waiting = Q(state__in=LIVE) | Q(state=PaymentState.CAPTURED, fee__isnull=True)
    Payment.objects.filter(waiting, pk=payment.pk).update(next_action_at=later, checks=payment.checks + 1)
