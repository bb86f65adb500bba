"""What staff make of a supplier's services. Each choice is one function here, written with who made it.

Nothing is ever published: a draft is hidden, an offer is put behind a service that somebody else publishes. Every
function takes the rows as the person saw them (``Seen``) and refuses one that has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from services.models import Offer, Service, SupplierService
from services.pricing.costs import rounded_up
from services.syncing.differences import cost_text
from services.syncing.drafting import DraftWish, make_draft
from services.syncing.forbidden import Forbidden, forbidden
from services.syncing.models import CatalogueChoice, Choice
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money, MoneyError

MOST: Final = 500
Seen = Mapping[int, str]
"""Rows by id, with ``version_of`` each as it was shown."""


@dataclass(slots=True)
class Result:
    """What became of the rows: done, and refused with the reason."""

    done: list[SupplierService] = field(default_factory=list)
    refused: list[tuple[SupplierService, str]] = field(default_factory=list)


def version_of(row: SupplierService) -> str:
    """Changes with everything that a decision about the row may rest on."""
    told = (row.name, row.group, row.cost, row.cost_currency, row.form, row.gone_since, row.known_at, row.is_ignored)
    return sha256(repr(told).encode()).hexdigest()[:16]


def link(seen: Seen, *, service_id: int, priority: int, actor: Actor) -> Result:
    """Put the rows behind a service of ours, as offers at the supplier's cost, asked in the order of ``priority``."""
    service = Service.objects.filter(pk=service_id).first()
    if service is None:
        raise Refused("there is no such service", code="no_service")

    def one(row: SupplierService) -> str:
        _refuse_forbidden(row)
        _offer(row, service, priority)
        return f"{service.slug}, priority {priority}"

    return _each(seen, Choice.LINK, one, actor)


def draft(seen: Seen, *, wish: DraftWish, actor: Actor) -> Result:
    """Make a hidden service with its order form from each row, and an offer behind it. Staff price and publish it."""

    def one(row: SupplierService) -> str:
        _refuse_forbidden(row)
        service, left_out = make_draft(row, wish)
        _offer(row, service, 100)
        lacks = f"; without the optional {', '.join(left_out)}" if left_out else ""
        return f"{service.slug}{lacks}"

    return _each(seen, Choice.DRAFT, one, actor)


def take_costs(seen: Seen, *, actor: Actor) -> Result:
    """Write what the supplier asks now into all offers of the rows. Prices stay as they are."""

    def one(row: SupplierService) -> str:
        cost = _cost(row)
        offers = _offers(row)
        if not offers:
            raise Refused(_("no offer of ours uses it"), code="not_linked")
        before = ", ".join(sorted({cost_text(offer.cost, offer.cost_currency) for offer in offers}))
        _offers_of(row).update(cost=cost.amount, cost_currency=cost.currency)
        return f"{before} → {cost}"

    return _each(seen, Choice.TAKE_COST, one, actor, keeps=frozenset({"known_name", "known_form"}))


def switch_off(seen: Seen, *, actor: Actor) -> Result:
    """Take the offers of services that are gone out of use. The services of ours stay as they are."""

    def one(row: SupplierService) -> str:
        if row.gone_since is None:
            raise Refused(_("the supplier still lists it"), code="not_gone")
        count = _offers_of(row).filter(is_active=True).update(is_active=False)
        return f"{count} offers"

    return _each(seen, Choice.SWITCH_OFF, one, actor)


def note(seen: Seen, *, actor: Actor) -> Result:
    """Staff have seen how it is now; nothing else changes."""
    return _each(seen, Choice.NOTE, lambda _row: "", actor)


def ignore(seen: Seen, *, actor: Actor) -> Result:
    """Not of interest: shown no more until it is watched again. Refused where an active offer uses it."""

    def one(row: SupplierService) -> str:
        if any(offer.is_active for offer in _offers(row)):
            raise Refused(_("an active offer of ours uses it"), code="linked")
        row.is_ignored = True
        return ""

    return _each(seen, Choice.IGNORE, one, actor)


def watch(seen: Seen, *, actor: Actor) -> Result:
    """No longer ignored."""

    def one(row: SupplierService) -> str:
        row.is_ignored = False
        return ""

    return _each(seen, Choice.WATCH, one, actor)


def _each(
    seen: Seen,
    choice: Choice,
    one: Callable[[SupplierService], str],
    actor: Actor,
    *,
    keeps: Set[str] = frozenset(),
) -> Result:
    """Do ``one`` for every row, each whole or not at all, with its entry in the log; the row is known afterwards.

    Raises ``Refused`` for too many rows. ``keeps`` are columns of what staff knew that the choice says nothing about.
    """
    if len(seen) > MOST:
        raise Refused(_("at most %(count)d at a time") % {"count": MOST}, code="too_many")
    result = Result()
    with transaction.atomic():
        rows = SupplierService.objects.filter(pk__in=seen).select_for_update()
        for row in rows.order_by("pk"):
            try:
                with transaction.atomic():
                    _refuse_stale(row, seen)
                    detail = one(row)
                    _know(row, keeps)
                    if choice == Choice.WATCH:
                        _forget(row)
                    _log(row, choice, detail, actor)
            except Refused as error:
                result.refused.append((row, str(error)))
            else:
                result.done.append(row)
    return result


def _know(row: SupplierService, keeps: Set[str]) -> None:
    """Staff know the row as it is now."""
    now = {
        "known_name": row.name,
        "known_form": row.form,
        "known_cost": row.cost,
        "known_currency": row.cost_currency,
    }
    for name, value in now.items():
        if row.known_at is None or name not in keeps:
            setattr(row, name, value)
    row.form_changed = row.form != row.known_form
    row.known_at = clock.now()
    row.gone_known = row.gone_since is not None
    row.save(update_fields=[*now, "form_changed", "known_at", "gone_known", "is_ignored"])


def _forget(row: SupplierService) -> None:
    """It is as new as on the first day, unless an offer uses it."""
    if not _offers_of(row).exists():
        SupplierService.objects.filter(pk=row.pk).update(known_at=None, gone_known=False)


def _log(row: SupplierService, choice: Choice, detail: str, actor: Actor) -> None:
    CatalogueChoice.objects.create(
        listed=row,
        choice=choice,
        at=clock.now(),
        actor_kind=actor.kind,
        actor_ident=actor.ident,
        actor_label=actor.label[:200],
        detail=detail[:300],
    )


def _refuse_stale(row: SupplierService, seen: Seen) -> None:
    if version_of(row) != seen[row.pk]:
        raise Refused(_("it has changed meanwhile"), code="stale")


def _refuse_forbidden(row: SupplierService) -> None:
    kind = forbidden(row.name, row.group)
    if kind is not None:
        text = _("the shop does not sell what %(deed)s") % {"deed": Forbidden(kind).label}
        raise Refused(text, code="forbidden")


def _cost(row: SupplierService) -> Money:
    """The row's cost as an offer has it: rounded up to what the currency can express."""
    if row.gone_since is not None:
        raise Refused(_("the supplier no longer lists it"), code="gone")
    if row.cost is None or not row.cost_currency:
        raise Refused(_("its cost or its currency is not known"), code="no_cost")
    try:
        return rounded_up(row.cost, row.cost_currency)
    except MoneyError as error:
        raise Refused(str(error), code="no_cost") from error


def _offer(row: SupplierService, service: Service, priority: int) -> Offer:
    cost = _cost(row)
    try:
        with transaction.atomic():
            return Offer.objects.create(
                service=service,
                supplier_id=row.supplier_id,
                supplier_service_id=row.service_id,
                cost=cost.amount,
                cost_currency=cost.currency,
                priority=priority,
            )
    except IntegrityError as error:
        raise Refused(_("it is linked to that service already"), code="linked") from error


def _offers_of(row: SupplierService) -> QuerySet[Offer]:
    return Offer.objects.filter(supplier_id=row.supplier_id, supplier_service_id=row.service_id)


def _offers(row: SupplierService) -> Sequence[Offer]:
    return list(_offers_of(row).select_for_update())
