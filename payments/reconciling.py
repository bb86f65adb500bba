"""Comparing a provider's books with ours, for facts whose webhook never came and money that fits nothing.

A pass looks at the last 72 hours: every payment, refund, dispute and fraud warning there is settled through the
ordinary door, then both sides are laid side by side. What the pass cannot repair is a ``Break``, with an owner, until
staff say how it was explained.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from payments import collecting, disputing, refunding
from payments.models import Break, Dispute, FraudWarning, Payment, ReconciliationRun
from payments.providers.base import FactState, PaymentFact, PaymentProvider
from payments.providers.registry import provider_named
from payments.states import OPEN_DISPUTES, BreakKind, PaymentState, RefundState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, ShopError

LOOK_BACK: Final = timedelta(hours=72)
MOST_IN_A_ROW: Final = 3
"""Calls that fail one after the other before a pass gives the provider up until the next one."""


class _Troubles:
    """What a pass could not look at. It goes on with the rest, and gives up only when so many in a row fail."""

    def __init__(self) -> None:
        self.count = self.in_a_row = 0
        self.last = ""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """One thing to look at; what the provider does not answer is written down."""
        try:
            yield
        except ShopError as error:
            self.count += 1
            self.in_a_row += 1
            self.last = str(error)
            if self.in_a_row >= MOST_IN_A_ROW:
                raise _GaveUp from error
        else:
            self.in_a_row = 0

    def __str__(self) -> str:
        if not self.count:
            return ""
        return _("%(count)s could not be looked at: %(last)s") % {"count": self.count, "last": self.last[:200]}


class _GaveUp(Exception):
    """The provider does not answer."""


def reconcile(provider_name: str, *, look_back: timedelta = LOOK_BACK) -> ReconciliationRun:
    """One pass over one provider. Never raises for what the provider does; the run says what went wrong.

    A call that fails costs the pass what it asked about, not the rest: with thousands of payments some call always
    fails. The next pass looks at it again.
    """
    run = ReconciliationRun.objects.create(
        provider=provider_name, since=clock.now() - look_back, started_at=clock.now()
    )
    troubles = _Troubles()
    try:
        with troubles.noted():
            provider = provider_named(provider_name)
            for compare in (_compare_payments, _compare_refunds, _compare_disputes, _compare_warnings):
                with troubles.noted():
                    compare(run, provider, troubles)
    except _GaveUp:
        pass
    run.error = str(troubles)[:300]
    run.finished_at = clock.now()
    run.save()
    return run


def _compare_payments(run: ReconciliationRun, provider: PaymentProvider, troubles: _Troubles) -> None:
    """What is captured there is booked here, and the other way round."""
    seen: set[str] = set()
    with troubles.noted():
        for fact in provider.payments_since(run.since):
            run.payments_seen += 1
            seen.add(fact.provider_ref)
            with troubles.noted():
                _compare_payment(run, fact)
    _find_missing(run, seen, troubles)


def _compare_payment(run: ReconciliationRun, fact: PaymentFact) -> None:
    payment = Payment.objects.filter(provider=run.provider, provider_ref=fact.provider_ref).first()
    if payment is None:
        if fact.state == FactState.CAPTURED:
            _break(run, BreakKind.UNKNOWN_CAPTURE, fact.provider_ref, f"{fact.money} for {fact.reference or '?'}")
        return
    before = payment.state
    payment = collecting.fold(payment.pk, fact)
    if payment.state != before:
        run.repaired += 1
    if fact.state == FactState.CAPTURED and payment.state != PaymentState.CAPTURED:
        _break(run, BreakKind.UNBOOKED_CAPTURE, fact.provider_ref, payment.note or payment.state, payment)
    elif fact.state == FactState.CAPTURED and fact.money != payment.money:
        _break(run, BreakKind.AMOUNT, fact.provider_ref, f"{fact.money} there, {payment.money} here", payment)


def _find_missing(run: ReconciliationRun, seen: set[str], troubles: _Troubles) -> None:
    """What is booked here as captured must be captured there. Asked one by one where the list did not show it."""
    booked = Payment.objects.filter(
        provider=run.provider, state=PaymentState.CAPTURED, created_at__gte=run.since
    ).exclude(provider_ref__in=seen)
    for payment in booked:
        with troubles.noted():
            try:
                fact = provider_named(run.provider).fetch(str(payment.provider_ref))
            except Refused as error:
                _break(run, BreakKind.MISSING_CAPTURE, str(payment.provider_ref), str(error), payment)
                continue
            if fact.state != FactState.CAPTURED:
                detail = f"there it is {fact.state}"
                _break(run, BreakKind.MISSING_CAPTURE, str(payment.provider_ref), detail, payment)


def _compare_refunds(run: ReconciliationRun, provider: PaymentProvider, troubles: _Troubles) -> None:
    """Every refund there of a payment captured lately, or refunded lately, is booked; every booked one is there."""
    captured = Payment.objects.filter(provider=run.provider, state=PaymentState.CAPTURED)
    lately = captured.filter(captured_at__gte=run.since) | captured.filter(refunds__created_at__gte=run.since)
    for payment in lately.distinct():
        with troubles.noted():
            _compare_refunds_of(run, provider, payment)


def _compare_refunds_of(run: ReconciliationRun, provider: PaymentProvider, payment: Payment) -> None:
    # Read before the provider is asked: a refund that is booked meanwhile is no difference.
    booked = list(payment.refunds.filter(state=RefundState.SUCCEEDED, by_hand=""))
    facts = provider.refunds_of(str(payment.charge_ref))
    run.refunds_seen += len(facts)
    for fact in facts:
        run.repaired += refunding.fold_found(payment, fact)
    there = {fact.provider_ref for fact in facts}
    for refund in booked:
        if refund.provider_ref not in there:
            detail = f"{refund.money} of {payment}"
            _break(run, BreakKind.MISSING_REFUND, str(refund.provider_ref), detail, payment)


def _compare_disputes(run: ReconciliationRun, provider: PaymentProvider, troubles: _Troubles) -> None:
    """Every dispute that the provider has had lately, or that is open here, is brought to where it stands there."""
    still_open = Dispute.objects.filter(payment__provider=run.provider, state__in=OPEN_DISPUTES)
    refs = {*still_open.values_list("provider_ref", flat=True), *provider.disputes_since(run.since)}
    for ref in sorted(refs):
        before = disputing.revision_of(ref)
        # Of an unknown payment: that is a break of its own, if money came in.
        with troubles.noted(), suppress(disputing.UnknownPayment):
            disputing.settle_dispute(run.provider, ref)
            run.repaired += disputing.revision_of(ref) != before


def _compare_warnings(run: ReconciliationRun, provider: PaymentProvider, troubles: _Troubles) -> None:
    """Every payment that was warned about lately is flagged here. What staff have cleared stays cleared."""
    for charge_ref in sorted(set(provider.warned_since(run.since))):
        seen = FraudWarning.objects.filter(payment__provider=run.provider, payment__charge_ref=charge_ref)
        before = seen.count()
        with troubles.noted(), suppress(disputing.UnknownPayment):
            disputing.settle_warning(run.provider, charge_ref)
            run.repaired += seen.count() != before


def _break(run: ReconciliationRun, kind: BreakKind, ref: str, detail: str, payment: Payment | None = None) -> None:
    """Open a break, or see an open one again. One that staff explained is not opened anew."""
    explained = Break.objects.filter(provider=run.provider, kind=kind, provider_ref=ref, closed_at__isnull=False)
    if explained.exists():
        return
    row, is_new = Break.objects.get_or_create(
        provider=run.provider,
        kind=kind,
        provider_ref=ref,
        closed_at=None,
        defaults={
            "detail": detail[:300], "payment": payment, "first_seen_at": clock.now(), "last_seen_at": clock.now(),
        },
    )  # fmt: skip
    if not is_new:
        Break.objects.filter(pk=row.pk).update(last_seen_at=clock.now(), detail=detail[:300])


def explain(break_id: int, *, explanation: str, actor: Actor) -> Break:
    """Staff close a break with what explains it. Raises ``Refused`` without words, or when it is closed."""
    if not explanation.strip():
        raise Refused(_("Say what explains the difference."), code="reason_required")
    with transaction.atomic():
        row = Break.objects.select_for_update().get(pk=break_id)
        if row.closed_at is not None:
            raise Refused(_("This difference is explained already."), code="closed")
        row.closed_at = clock.now()
        row.explanation = f"{actor.label}: {explanation.strip()}"[:500]
        row.save(update_fields=["closed_at", "explanation"])
    return row


def open_breaks(*, older_than: datetime | None = None) -> int:
    """How many differences nobody has explained."""
    rows = Break.objects.filter(closed_at__isnull=True)
    return rows.filter(first_seen_at__lt=older_than).count() if older_than else rows.count()
