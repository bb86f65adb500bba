"""A draft on its way through the three steps: what is stored, which step comes next, what the customer was shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from orders import rechecking
from orders.models import Draft, Purchase
from orders.placing import Consent, is_several_free, quote, refuse_several_free
from payments.accepting import takers
from payments.limits import fewest, is_too_small
from refunds import calling_off, in_force, policy_versions, terms
from refunds.in_force import InForce
from services import content_versions
from services.browsing import currencies_of
from services.checklists import statements_for
from services.device_list import Devices
from services.models import Service, ServiceField
from services.order_form import answers_still_valid
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

MAX_TOKEN: Final = 64


class TooSmall(Refused):
    """The basket costs less than can be paid. ``fewest`` devices at ``each`` would be enough."""

    def __init__(self, each: Money) -> None:
        super().__init__(f"too little to pay at {each} each", code="too_small")
        self.each = each
        self.fewest = fewest(each)


def draft_of(token: str, *, service: Service | None = None) -> Draft | None:
    """The draft that ``token`` names, if it is one of ``service``."""
    if not token or len(token) > MAX_TOKEN or "\0" in token:
        return None
    bought = Purchase.objects.filter(draft_token=OuterRef("token")).order_by().values("pk")
    drafts = Draft.objects.select_related("service__category").filter(token=token)
    drafts = drafts.annotate(bought=Subquery(bought), rules_version=content_versions.as_read(in_force.PART))
    return drafts.filter(service=service).first() if service else drafts.first()


def purchase_of(draft: Draft) -> Purchase | None:
    """The purchase that the draft had become when ``draft_of`` read it. No query where there is none."""
    bought: int | None = draft.bought  # type: ignore[attr-defined]
    return None if bought is None else Purchase.objects.get(pk=bought)


def in_force_for(draft: Draft) -> InForce:
    """The refund rules and legal notices as they were in force when ``draft_of`` read the draft; else now."""
    version: str | None = getattr(draft, "rules_version", None)
    return in_force.in_force(content_versions.read(in_force.PART) if version is None else version)


def takes_orders(service: Service) -> bool:
    """Whether the service, loaded with its fields and prices, can be ordered now, in some currency."""
    has_form = any(field.is_identifier for field in service.fields.all())
    return service.is_published and service.is_open and has_form and bool(currencies_of(service))


def save_devices(
    draft: Draft | None, *, service: Service, devices: Devices, answers: Mapping[str, str], currency: str
) -> Draft:
    """Store the first step, in a new draft where there is none. From now on the order is in ``currency``.

    Raises ``Refused`` (``no_price``, ``no_way`` where no provider takes the price, ``one_free`` for several at no
    cost) or ``TooSmall``.
    """
    draft = draft or Draft(service=service)
    draft.currency = currency
    draft.devices = [device.as_dict() for device in devices.devices]
    draft.answers = dict(answers)
    draft.repeats = []
    draft.contact = {**draft.contact, "merged": devices.merged}
    draft.recheck_of = rechecking.repeated(draft)
    each = rechecking.price_each(draft, service)
    total = each.times(len(draft.devices))
    if each.amount and not takers(each):
        raise Refused(_("%(price)s cannot be paid here.") % {"price": each}, code="no_way")
    if is_too_small(total):
        raise TooSmall(each)
    refuse_several_free(draft, total)
    draft.quoted_total = total.amount
    draft.save()
    return draft


def save_contact(draft: Draft, *, email: str, start_now: bool, country: str = "") -> None:
    """Store the second step: e-mail and everything that was confirmed, in the words that were shown."""
    today = in_force_for(draft)
    draft.contact = {
        "merged": draft.contact.get("merged", 0),
        "email": email,
        "checklist": _texts(draft.service),
        "country": country,
        "notice": today.notice_for(country),
        "countries": [each.country for each in today.notices],
        "start_now": start_now,
        "terms_version": terms.current().version,
        "refund_profile": calling_off.name_of(today.rules),
    }
    draft.save(update_fields=["contact"])


def requote(draft: Draft) -> Money | None:
    """Bring the stored total up to today's price; the former total when it was another one, else None."""
    was, now = quoted(draft), quote(draft, draft.service)
    if was == now:
        return None
    draft.quoted_total = now.amount
    draft.save(update_fields=["quoted_total"])
    return was


def quoted(draft: Draft) -> Money | None:
    """The total that the customer was shown last."""
    return None if draft.quoted_total is None else Money(draft.quoted_total, draft.currency)


def quoted_each(draft: Draft) -> Money:
    """The price of one device, as quoted with the total."""
    return rechecking.price_each(draft, draft.service)


def device_step(draft: Draft) -> str:
    """The address of the first step, with the draft's answers in it."""
    return reverse("service", args=[draft.service.slug]) + f"?draft={draft.token}"


def next_step(draft: Draft, *, fields: Sequence[ServiceField] | None = None) -> str:
    """The address of the first step that is not done. Given the form's ``fields``, answers are looked at again."""
    stale = fields is not None and not answers_still_valid(fields, draft.answers)
    total = quoted(draft)
    if not draft.devices or stale or total is None or is_too_small(total) or is_several_free(draft, total):
        return device_step(draft)
    if not confirmed_all(draft):
        return reverse("checkout-details", args=[draft.token])
    return reverse("checkout-check", args=[draft.token])


def confirmed_all(draft: Draft) -> bool:
    """Whether the second step is done, and with the statements and terms of today."""
    contact = draft.contact
    return (
        bool(contact.get("email"))
        and has_accepted_todays_terms(draft)
        and contact.get("checklist") == _texts(draft.service)
        and _has_confirmed_notices(draft)
    )


def _has_confirmed_notices(draft: Draft) -> bool:
    """Whether the notice of the customer's country was confirmed as it is today.

    Who named no country could choose only among those that had a notice then: one more is asked about.
    """
    contact, today = draft.contact, in_force_for(draft)
    if country := contact.get("country", ""):
        return bool(contact.get("notice", "") == today.notice_for(country))
    return {each.country for each in today.notices} <= set(contact.get("countries", ()))


def has_accepted_todays_terms(draft: Draft) -> bool:
    """Whether the draft accepted the terms and refund rules in force."""
    accepted = draft.contact.get("terms_version"), draft.contact.get("refund_profile")
    return accepted == (terms.current().version, calling_off.name_of(in_force_for(draft).rules))


def fingerprint(draft: Draft, repeated: Sequence[str]) -> str:
    """Of everything the customer is shown before paying; another one means that something has changed since.

    ``repeated``: the identifiers that are under way already.
    """
    service = draft.service
    promise = [service.name, service.average_minutes, service.guaranteed_minutes]
    shown = [service.pk, promise, draft.devices, draft.answers, draft.contact, str(quoted(draft)), list(repeated)]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def consent_of(draft: Draft, *, confirmed: Sequence[str], ip: str | None, user_agent: str) -> Consent:
    """The evidence of what was agreed; ``confirmed`` are the statements of the last step."""
    notice = draft.contact.get("notice", "")
    checklist = [*draft.contact["checklist"], *([notice] if notice else []), *confirmed]
    agreed = policy_versions.named(draft.contact["refund_profile"])
    return Consent(
        terms_version=draft.contact["terms_version"],
        checklist=checklist,
        start_now=draft.contact["start_now"],
        ip=ip,
        user_agent=user_agent.replace("\0", ""),
        refund_profile=calling_off.name_of(agreed),
        hold_seconds=calling_off.hold_seconds(draft.service.kind, agreed),
        calendar=agreed.numbers.calendar_name,
        hard_cap_days=calling_off.hard_cap_days(agreed),
        is_guaranteed=calling_off.is_guaranteed(agreed),
    )


def _texts(service: Service) -> list[str]:
    return [str(statement.text) for statement in statements_for(service)]
