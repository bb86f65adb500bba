"""A customer calls an order off: by the terms of its checkout, and refunded at once.

State decides, not the clock: what has not left may be called off where the terms allow it, also after the minutes for
which it was held. The order's lock is what this and forwarding both take, so that only one of them wins. What has left
may be called off after a notice of delay, for as long as the terms say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from orders import cancelling, delaying, events, lifecycle
from orders.models import DelayNotice, Order, Purchase
from orders.models.delay_notice import DelayOutcome
from orders.states import BOUGHT_OUTCOMES, UNPAID, OrderState
from payments import booking, refunding
from payments.models import Payment, Refund
from payments.refunding import Grounds
from payments.states import PaymentState
from refunds import sweeping
from refunds.cancel_facts import cancellation_facts
from refunds.policy import facts as policy_facts
from refunds.policy import published
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.codes import Code, Decision
from refunds.policy.profile import Profile
from refunds.policy.roles import Role
from refunds.policy_versions import named, profile
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

LEFT = "left"
BY_DELAY = frozenset({Code.G_DELAY_NOTICE_CANCEL, Code.G_INDEFINITE_DELAY})
CALLED_OFF = ("order.called_off", "order.cancelled_on_delay")


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an order can be called off now, by which clauses, and until when it is held back in any case.

    ``code`` and ``text`` say why not; ``left_at`` is when it left for a supplier, None while it has not. ``notice`` is
    the notice of delay that holds for it.
    """

    may: bool
    rule: str = ""
    code: str = ""
    text: str = ""
    held_until: datetime | None = None
    left_at: datetime | None = None
    notice: DelayNotice | None = None

    @property
    def is_wished(self) -> bool:
        """Whether the customer has called it off already, and only the supplier's news is awaited."""
        return self.notice is not None and self.notice.wished_at is not None


def in_force() -> Profile:
    """The profile that purchases are made under today."""
    return profile(settings.REFUND_PROFILE)


def name_of(agreed: Profile) -> str:
    """How a purchase remembers the profile it was made under."""
    return f"{agreed.name} {agreed.version}"


def hold_seconds(kind: str, agreed: Profile | None = None) -> int:
    """How long a new order of this kind of service is held back after payment, so that it can be called off.

    The profile's free minutes, where it has some for the kind. Only the demo may shorten them: they are promised.
    ``agreed`` is the profile that the customer accepted, the one in force unless told.
    """
    terms = (agreed or in_force()).numbers.cancellation
    seconds = terms.window_minutes * 60 if kind in terms.window_kinds else 0
    shortened = settings.DEMO_HOLD_SECONDS
    return seconds if shortened is None else min(seconds, shortened)


def hard_cap_days(agreed: Profile | None = None) -> int | None:
    """How many business days after its guarantee a new order ends by itself; None where it never does."""
    terms = (agreed or in_force()).numbers.delivery
    return terms.hard_cap_days if terms.hard_cap_is_automatic else None


def is_guaranteed(agreed: Profile | None = None) -> bool:
    """Whether the rules that new orders are made under guarantee the delivery time."""
    return (agreed or in_force()).numbers.delivery.guaranteed


def agreed_with(purchase: Purchase) -> Profile:
    """The profile that the purchase was made under; for one from before profiles were kept, the shipped one."""
    return named(purchase.refund_profile) if purchase.refund_profile else published.profile(settings.REFUND_PROFILE)


def standing(order: Order, *, at: datetime | None = None, sender_matches: bool = True) -> Standing | None:
    """How it stands with calling the order off; None where there is nothing to call off.

    ``at`` is when it was asked for, now unless told; ``sender_matches``: whether it was asked for by who ordered.
    """
    if order.state in UNPAID or order.ended_at is not None:
        return None
    if has_left(order):
        return _standing_of_left(order, at, sender_matches=sender_matches)
    notice = delaying.latest(order)
    open_notice = notice if notice and notice.outcome == DelayOutcome.NONE else None
    judged = assess(
        cancellation_facts(order, open_notice, at, sender_matches=sender_matches), agreed_with(order.purchase)
    )
    if judged.decision == Decision.ELIGIBLE:
        held = order.forward_after
        until = held if held and held > clock.now() else None
        return Standing(True, rule=rule_of(judged), held_until=until, notice=notice)
    return Standing(False, rule=rule_of(judged), code=judged.code, text=_refusal(judged.code), notice=notice)


def has_left(order: Order) -> bool:
    """Whether a supplier has the paid, open order, or may have it."""
    return order.state not in {OrderState.PAID, OrderState.ON_HOLD} or lifecycle.live_attempt(order) is not None


@dataclass(frozen=True, slots=True)
class DelayRight:
    """What a notice of delay would give the customer: whether they may cancel, for how many hours, by which rule."""

    may: bool
    hours: int | None = None
    words: str = ""


def right_after_delay(order: Order, new_date: datetime | None) -> DelayRight:
    """What the terms of the order's checkout give once a delay until ``new_date`` (None: nobody knows) is told."""
    agreed = agreed_with(order.purchase)
    left_at = _left(order).left_at if has_left(order) else None
    told = replace(cancellation_facts(order, None, left_at=left_at), delay=policy_facts.Delay(None, new_date))
    judged = assess(told, agreed)
    if judged.decision != Decision.ELIGIBLE:
        return DelayRight(False)
    by_delay = agreed.rule(Role.DELAY_NOTICE if new_date else Role.INDEFINITE_DELAY, told.kind)
    found = by_delay.ids if by_delay else judged.reasons[0].clauses
    clauses = [agreed.clauses[each] for each in found if each in agreed.clauses]
    words = " ".join(f"{clause.sentence} ({clause.id})" for clause in clauses)
    return DelayRight(True, agreed.numbers.cancellation.delay_notice_hours if by_delay else None, words)


def call_off(order_id: int, *, actor: Actor, at: datetime | None = None, sender_matches: bool = True) -> Refund | None:
    """Cancel the order and ask for its refund, or neither: one transaction. Called off already, nothing happens.

    After a notice of delay that goes for an order at a supplier too, which is then asked to drop it. While nobody can
    tell whether a supplier has it, the wish is kept and carried out later (``carry_out_wishes``).

    Returns the refund; None where nothing was paid, or the wish is kept. Raises ``Refused`` with a code of the
    policy, ``left`` or ``over``, or what ``refunding.request_refund`` raises.
    """
    with transaction.atomic():
        # Payment before order, as refunding takes them.
        payment = payment_of(order_id)
        order = lifecycle.lock(order_id)
        if order.state == OrderState.CANCELLED:
            return Refund.objects.filter(order=order).order_by("created_at").last()
        now = standing(order, at=at, sender_matches=sender_matches)
        if now is None:
            raise Refused(_("This order is over; there is nothing to cancel."), code="over")
        if now.is_wished:
            return None
        if not now.may:
            raise Refused(now.text, code=now.code)
        return _call_off(order, payment, now, actor)


def carry_out_wishes() -> int:
    """Cancel the orders whose customers asked for it while nobody could tell where they were; how many were settled.

    For the sweep. An order that ended meanwhile is paid back all the same: it was called off in time. One that is
    refused, as by a dispute, keeps none of the others.
    """
    return sweeping.each(list(delaying.wished().values_list("pk", flat=True)[: work.SWEEP_LIMIT]), _carry_out)


def _carry_out(notice_id: int) -> bool:
    found = DelayNotice.objects.select_related("order__purchase").get(pk=notice_id)
    purchase = found.order.purchase
    actor = actors.customer(purchase.email, found.wished_from)
    with transaction.atomic():
        payment = payment_of(found.order_id)
        order = lifecycle.lock(found.order_id)
        notice = delaying.in_force(order)
        if notice is None or notice.wished_at is None:
            return False
        judged = assess(cancellation_facts(order, notice, notice.wished_at), agreed_with(order.purchase))
        rule = Standing(True, rule=rule_of(judged), notice=notice)
        if order.ended_at is None:
            _call_off(order, payment, rule, actor)
            return Order.objects.filter(pk=order.pk, state=OrderState.CANCELLED).exists()
        delaying.close(notice, DelayOutcome.CANCELLED)
        _give_back(order, payment, rule, actor)
    return True


def _call_off(order: Order, payment: Payment | None, now: Standing, actor: Actor) -> Refund | None:
    """Move the order, as its place demands, and ask for its money. The caller holds both locks."""
    live = lifecycle.live_attempt(order)
    if live is None and order.state in {OrderState.PAID, OrderState.ON_HOLD}:
        lifecycle.call_off(order.pk, rule=now.rule, actor=actor)
    elif live is not None and live.outcome in BOUGHT_OUTCOMES and order.state in cancelling.AT_SUPPLIER:
        if cancelling.open_request(order) is None:
            cancelling.request(order.pk, reason=_("The customer cancelled after a notice of delay."), actor=actor)
        lifecycle.cancel_at_supplier(order.pk, rule=now.rule, actor=actor)
    else:
        assert now.notice is not None
        delaying.wish(now.notice, actor=actor)
        return None
    if now.notice is not None:
        delaying.close(now.notice, DelayOutcome.CANCELLED)
    return _give_back(order, payment, now, actor)


def _give_back(order: Order, payment: Payment | None, now: Standing, actor: Actor) -> Refund | None:
    """Ask for what is left of the order's price; where nothing is, say so in the order's story."""
    if payment is None or order.price == 0:
        return None
    left = refunding.refundable_for(order, payment)
    if left.amount <= 0:
        events.record(order, "order.nothing_left", actor=actor, rule=now.rule)
        return None
    delayed = _("Cancelled after we told that it is delayed.")
    grounds = Grounds(now.rule, delayed if now.notice else _("Cancelled before it left for a supplier."))
    return refunding.request_refund(payment.pk, money=left, grounds=grounds, actor=actor, order_id=order.pk)


def payment_of(order_id: int) -> Payment | None:
    """The payment that paid for the order, its row locked."""
    captured = Payment.objects.filter(purchase__orders=order_id, state=PaymentState.CAPTURED)
    rows = captured.exclude(attention__in=booking.UNATTACHED).order_by("pk")
    return rows.select_for_update(of=("self",)).first()


def _standing_of_left(order: Order, at: datetime | None, *, sender_matches: bool) -> Standing:
    """Only a notice of delay gives a right to call off what is at a supplier; all else is for it to answer."""
    notice = delaying.latest(order)
    left = _left(order)
    if notice is None:
        return left
    judged = assess(
        cancellation_facts(order, notice, at, left_at=left.left_at, sender_matches=sender_matches),
        agreed_with(order.purchase),
    )
    # Once the silence took the work up again, only what is left of the notice's own right counts.
    if judged.decision == Decision.ELIGIBLE and (not notice.outcome or judged.code in BY_DELAY):
        return Standing(True, rule=rule_of(judged), notice=notice)
    if judged.decision == Decision.NEEDS_STAFF:
        return Standing(False, rule=rule_of(judged), code=judged.code, text=_refusal(judged.code), notice=notice)
    return replace(left, rule=rule_of(judged), notice=notice)


def _left(order: Order) -> Standing:
    # All events, for pages have them at hand.
    left = max((event.at for event in order.events.all() if event.to_state == OrderState.SUBMITTING), default=None)
    text = _("Your order has left for our supplier and can no longer be cancelled here.")
    return Standing(False, code=LEFT, text=text, left_at=left or order.state_changed_at)


def rule_of(judged: Assessment) -> str:
    """What the decision rests on: profile, code and clauses."""
    clauses = " ".join(judged.reasons[0].clauses)
    return f"{judged.profile} {judged.version} {judged.code} {clauses}"[:80]


def _refusal(code: Code) -> str:
    if code == Code.D_CANCELLATION_NOT_OFFERED:
        return _(
            "The terms of this order offer no cancellation. If the law gives you a right to withdraw, write to us."
        )
    return _("Our staff must look at this order first. Write to us if you want to cancel it.")
