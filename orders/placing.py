"""Turning a checked basket into a purchase: prices from the catalogue, promises frozen, consent recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from orders import averages, events, moments, paying, rechecking, repeating
from orders.averages import Average
from orders.models import Draft, Order, Purchase
from services.models import Service, ServiceKind, ServicePrice
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

# A payment page stays open for at most 24 hours at the provider; an unpaid purchase lives a little shorter.
LIFETIME: Final = timedelta(hours=23, minutes=30)
# A draft holds an e-mail address and an IMEI; nobody comes back to one after a week.
DRAFTS_KEPT_FOR: Final = timedelta(days=7)


Beside = Callable[[Purchase, Sequence[Order]], None]


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


def is_several_free(draft: Draft, total: Money) -> bool:
    """Whether the basket has several devices at no cost: each needs its own task and counts for itself."""
    return total.amount == 0 and len(draft.devices) > 1


def refuse_several_free(draft: Draft, total: Money) -> None:
    """Raise ``Refused`` (``one_free``) for several devices at no cost."""
    if is_several_free(draft, total):
        raise Refused(_("Free checks are ordered one device at a time."), code="one_free")


def place_purchase(
    draft: Draft,
    *,
    email: str,
    language: str,
    consent: Consent,
    is_demo: bool,
    actor: Actor,
    time_zone: str = "",
    beside: Beside | None = None,
) -> Purchase:
    """Make the purchase that the draft describes; the same draft again returns the same purchase.

    ``beside`` is called in the same transaction with what is to be paid, for rows that belong to it from the start.
    Raises ``Refused`` (``empty``, ``service_closed``, ``not_free``, ``one_free``, ``under_way``) or ``PriceChanged``;
    nothing is written then.
    A purchase that costs nothing, which only checks may, is paid at once (DSIM-CHECK-DEF-5).
    ``time_zone`` is the customer's, as the browser tells it; one that is unknown is not kept.
    """
    try:
        with transaction.atomic():
            purchase, orders = _place(
                draft,
                email=email,
                language=language,
                consent=consent,
                is_demo=is_demo,
                actor=actor,
                time_zone=moments.known_zone(time_zone),
            )
            if beside is not None and purchase.paid_at is None:
                beside(purchase, orders)
            return purchase
    except (IntegrityError, Refused):
        # The same form was sent twice, and the other request was first; so nearly no draft is looked for twice.
        # Anything else is an error, or a refusal.
        first = Purchase.objects.filter(draft_token=draft.token).first()
        if first is None:
            raise
        return first


def _place(
    draft: Draft, *, email: str, language: str, consent: Consent, is_demo: bool, actor: Actor, time_zone: str
) -> tuple[Purchase, Sequence[Order]]:
    if not draft.devices:
        raise Refused(_("Enter the device first."), code="empty")
    service = _service_now(draft.service_id)
    if not (service.is_published and service.is_open):
        raise Refused(_("This service does not take orders at the moment."), code="service_closed")
    each = rechecking.price_each(draft, service)
    total = each.times(len(draft.devices))
    if draft.quoted_total is None or Money(draft.quoted_total, draft.currency) != total:
        raise PriceChanged(total)
    if total.amount == 0 and service.kind != ServiceKind.CHECK:
        raise Refused(_("Only checks can be free."), code="not_free")
    refuse_several_free(draft, total)
    repeating.refuse_unwanted(draft)
    moment = clock.now()
    purchase = Purchase.objects.create(
        draft_token=draft.token,
        email=email,
        language=language,
        time_zone=time_zone,
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
    orders = Order.objects.bulk_create(
        new_order(
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
        for position, device in enumerate(draft.devices, start=1)
    )
    rechecking.note(orders, draft)
    events.begin(orders, "order.placed", actor=actor)
    if total.amount == 0:
        paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=moment)
        purchase.refresh_from_db()
    return purchase, orders


def _service_now(service_id: int) -> Service:
    """The service with its prices, as they stand at this moment. One query where it has any."""
    rows = list(ServicePrice.objects.filter(service=service_id).select_related("service").order_by())
    if not rows:
        return Service.objects.get(pk=service_id)
    service: Service = rows[0].service
    service.price_rows = rows  # type: ignore[attr-defined]
    return service


def new_order(
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
    """One more order, not yet stored, of a purchase that is being placed; what it promises is frozen.

    ``average`` is what was measured of the service; without it the supplier's estimate stands.

    Raises ``Refused`` (``currency``) for a price in another currency: a purchase is paid once, in one.
    """
    if price.currency != purchase.currency:
        words = {"purchase": purchase.currency, "order": price.currency}
        raise Refused(
            _("This purchase is in %(purchase)s. Order what is priced in %(order)s separately.") % words,
            code="currency",
        )
    return Order(
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


def forget_old_drafts() -> int:
    """Delete drafts that nobody finished; returns how many."""
    deleted, _per_model = Draft.objects.filter(created_at__lt=clock.now() - DRAFTS_KEPT_FOR).delete()
    return deleted
