"""Turning a checked basket into a purchase: prices from the catalogue, promises frozen, consent recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from orders import averages, events, paying, rechecking, repeating
from orders.averages import Average
from orders.models import Draft, Order, Purchase
from services.models import Service, ServiceKind
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

# A payment page stays open for at most 24 hours at the provider; an unpaid purchase lives a little shorter.
LIFETIME: Final = timedelta(hours=23, minutes=30)
# A draft holds an e-mail address and an IMEI; nobody comes back to one after a week.
DRAFTS_KEPT_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Consent:
    """What the customer agreed to at checkout, as evidence.

    ``refund_profile`` names the refund rules with their version; ``hold_seconds`` is how long after payment each order
    is held back for cancelling; ``calendar`` counts its times, and ``hard_cap_days`` after its guarantee it ends by
    itself (None: never). ``is_guaranteed``: the refund rules guarantee the times. All are
    frozen: a later change of the shop's never changes an order.
    """

    terms_version: str
    checklist: Sequence[str]
    start_now: bool
    ip: str | None
    user_agent: str
    refund_profile: str = ""
    hold_seconds: int = 0
    calendar: str = ""
    hard_cap_days: int | None = None
    is_guaranteed: bool = True


class PriceChanged(Refused):
    """The price is not the one that the customer was shown. ``now`` is today's."""

    def __init__(self, now: Money) -> None:
        super().__init__(_("The price has changed since you saw it."), code="price_changed")
        self.now = now


def quote(draft: Draft, service: Service) -> Money:
    """What the basket costs now, by the catalogue and by what it repeats."""
    return rechecking.price_each(draft, service).times(len(draft.devices))


def place_purchase(
    draft: Draft, *, email: str, language: str, consent: Consent, is_demo: bool, actor: Actor
) -> Purchase:
    """Make the purchase that the draft describes; the same draft again returns the same purchase.

    Raises ``Refused`` (``empty``, ``service_closed``, ``not_free``, ``under_way``) or ``PriceChanged``; nothing is
    written then.
    A purchase that costs nothing, which only checks may, is paid at once (DSIM-CHECK-DEF-5).
    """
    existing = Purchase.objects.filter(draft_token=draft.token).first()
    if existing is not None:
        return existing
    if not draft.devices:
        raise Refused(_("Enter the device first."), code="empty")
    try:
        with transaction.atomic():
            return _place(draft, email=email, language=language, consent=consent, is_demo=is_demo, actor=actor)
    except IntegrityError:
        # The same form was sent twice at once, and the other request was first. Anything else is an error.
        first = Purchase.objects.filter(draft_token=draft.token).first()
        if first is None:
            raise
        return first


def _place(draft: Draft, *, email: str, language: str, consent: Consent, is_demo: bool, actor: Actor) -> Purchase:
    service = Service.objects.get(pk=draft.service_id)
    if not (service.is_published and service.is_open):
        raise Refused(_("This service does not take orders at the moment."), code="service_closed")
    total = quote(draft, service)
    if draft.quoted_total is None or Money(draft.quoted_total, draft.currency) != total:
        raise PriceChanged(total)
    if total.amount == 0 and service.kind != ServiceKind.CHECK:
        raise Refused(_("Only checks can be free."), code="not_free")
    repeating.refuse_unwanted(draft)
    each = rechecking.price_each(draft, service)
    moment = clock.now()
    purchase = Purchase.objects.create(
        draft_token=draft.token,
        email=email,
        language=language,
        currency=total.currency,
        total=total.amount,
        terms_version=consent.terms_version,
        refund_profile=consent.refund_profile,
        terms_accepted_at=moment,
        start_now_acknowledged_at=moment if consent.start_now else None,
        checklist=list(consent.checklist),
        ip=consent.ip,
        user_agent=consent.user_agent[:300],
        is_demo=is_demo,
        created_at=moment,
        expires_at=moment + LIFETIME,
    )
    average = averages.measured([service.pk]).get(service.pk)
    for position, device in enumerate(draft.devices, start=1):
        order = add_order(
            purchase,
            service,
            position=position,
            device=device,
            answers=draft.answers,
            price=each,
            consent=consent,
            average=average,
            is_recheck=device["value"] in draft.repeats,
        )
        rechecking.note(order, draft)
        events.record(order, "order.placed", actor=actor, to_state=order.state)
    if total.amount == 0:
        paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=moment)
        purchase.refresh_from_db()
    return purchase


def add_order(
    purchase: Purchase,
    service: Service,
    *,
    position: int,
    device: Mapping[str, str],
    answers: Mapping[str, str],
    price: Money,
    consent: Consent | None = None,
    average: Average | None = None,
    is_recheck: bool = False,
) -> Order:
    """One more order in a purchase that is being placed; what it promises is frozen.

    ``average`` is what was measured of the service; without it the supplier's estimate stands.

    Raises ``Refused`` (``currency``) for a price in another currency: a purchase is paid once, in one.
    """
    if price.currency != purchase.currency:
        words = {"purchase": purchase.currency, "order": price.currency}
        raise Refused(
            _("This purchase is in %(purchase)s. Order what is priced in %(order)s separately.") % words,
            code="currency",
        )
    order: Order = Order.objects.create(
        purchase=purchase,
        service=service,
        position=position,
        service_name=service.name,
        service_kind=service.kind,
        result_kind=service.result_kind,
        price=price.amount,
        currency=price.currency,
        average_minutes=average.minutes if average else service.average_minutes,
        average_orders=average.orders if average else 0,
        average_days=average.days if average else 0,
        guaranteed_minutes=service.guaranteed_minutes,
        hold_seconds=consent.hold_seconds if consent else 0,
        calendar=consent.calendar if consent else "",
        hard_cap_days=consent.hard_cap_days if consent else None,
        is_guaranteed=consent.is_guaranteed if consent else True,
        is_recheck=is_recheck,
        identifier=device["value"],
        identifier_kind=device["kind"],
        answers=dict(answers),
        next_action_at=purchase.expires_at,
        created_at=purchase.created_at,
        state_changed_at=purchase.created_at,
    )
    return order


def forget_old_drafts() -> int:
    """Delete drafts that nobody finished; returns how many."""
    deleted, _per_model = Draft.objects.filter(created_at__lt=clock.now() - DRAFTS_KEPT_FOR).delete()
    return deleted
