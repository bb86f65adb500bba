"""What the shop can prove about a disputed purchase, as plain data, and as the evidence fields of a provider.

Only what the shop wrote itself goes in: no text of a supplier, no staff note, and never a result. That it was
delivered and opened is proof enough; the code itself would be given away to everybody who reads the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils import translation
from django.utils.module_loading import import_string

from orders.events import customer_sentence, staff_sentence
from orders.models import Order, OrderEvent, OutgoingMail, Purchase
from orders.states import OrderState
from orders.wording import plain
from payments.models import Dispute, Payment

# Stripe's limits: per field, and for all text together.
MAX_FIELD: Final = 20_000
MAX_TOTAL: Final = 150_000
# Events that the log shows, those whose sentence for staff says more and holds nothing confidential apart.
LOGGED: Final = frozenset(
    {
        "order.placed", "order.paid", "order.submitted", "order.adopted", "order.completed", "order.unavailable",
        "order.not_found", "order.cancelled",
    }
)  # fmt: skip
LOGGED_IN_FULL: Final = frozenset({"mail.sent", "result.viewed"})

Facts = dict[str, Any]


def collect(dispute: Dispute) -> Facts:
    """Everything that is known now, in English, times in UTC. JSON values only."""
    payment = dispute.payment
    purchase = payment.purchase
    with translation.override("en"):
        events = list(
            OrderEvent.objects.filter(order__purchase=purchase, kind__in=LOGGED | LOGGED_IN_FULL)
            .select_related("order")
            .defer("order__result")
            .order_by("at", "pk")
        )
        return {
            "dispute": _dispute(dispute),
            "purchase": _purchase(purchase),
            "consent": _consent(purchase),
            "payment": _payment(payment),
            "orders": [_order(o, events) for o in purchase.orders.defer("result").order_by("position")],
            "mails": [_mail(mail) for mail in purchase.mails.select_related("order").defer("text").order_by("pk")],
            "access_log": _access_log(events),
            "terms": _terms(purchase.terms_version),
        }


def in_order(value: Any) -> Any:
    """``value`` with every dictionary as a list of pairs: PostgreSQL does not keep the order of a JSON object."""
    if isinstance(value, dict):
        return [[name, in_order(each)] for name, each in value.items()]
    return [in_order(each) for each in value] if isinstance(value, list) else value


def _dispute(dispute: Dispute) -> Facts:
    return {
        "reference": dispute.provider_ref,
        "amount": str(dispute.money),
        "reason": dispute.reason,
        "answer due": stamp(dispute.respond_by),
    }


def _purchase(purchase: Purchase) -> Facts:
    return {
        "number": purchase.number,
        "placed": stamp(purchase.created_at),
        "paid": stamp(purchase.paid_at),
        "total": str(purchase.money),
        "e-mail": purchase.email,
        "IP address": purchase.ip or "",
        "browser": plain(purchase.user_agent),
    }


def _consent(purchase: Purchase) -> Facts:
    return {
        "terms version": purchase.terms_version,
        "accepted": stamp(purchase.terms_accepted_at),
        "from IP address": purchase.ip or "",
        "with browser": plain(purchase.user_agent),
        "asked for an immediate start": stamp(purchase.start_now_acknowledged_at) or "no",
        "confirmed": [plain(str(statement)) for statement in purchase.checklist],
    }


def _payment(payment: Payment) -> Facts:
    refunds = payment.refunds.filter(succeeded_at__isnull=False).order_by("succeeded_at")
    return {
        "provider": payment.provider,
        "payment": payment.charge_ref or "",
        "session": payment.provider_ref or "",
        "amount": str(payment.money),
        "captured": stamp(payment.captured_at),
        "on the statement": settings.STATEMENT_DESCRIPTOR,
        "refunded": [f"{refund.money} on {stamp(refund.succeeded_at)}" for refund in refunds],
    }


def _order(order: Order, events: Sequence[OrderEvent]) -> Facts:
    mine = [event for event in events if event.order_id == order.pk]
    forwarded = [event for event in mine if event.kind in {"order.submitted", "order.adopted"}]
    is_delivered = order.state == OrderState.COMPLETED
    return {
        "number": order.number,
        "service": order.service_name,
        "device": f"{order.identifier_kind.upper()} {order.identifier}",
        "price": str(order.money),
        "placed": stamp(order.created_at),
        "work begun": stamp(forwarded[0].at) if forwarded else "",
        "state": str(order.get_state_display()),
        "result delivered": stamp(order.ended_at) if is_delivered else "",
        "result opened": [
            f"{stamp(event.at)} from IP {event.ip or 'unknown'}" for event in mine if event.kind == "result.viewed"
        ],
    }


def _mail(mail: OutgoingMail) -> Facts:
    return {
        "kind": str(mail.get_kind_display()),
        "order": mail.order.number if mail.order else "",
        "to": mail.to,
        "subject": plain(mail.subject),
        "sent": stamp(mail.sent_at),
        "provider's id": mail.provider_id,
    }


def _access_log(events: Sequence[OrderEvent]) -> list[str]:
    """One line per event, oldest first. Where they are too many, what the customer did is kept before the rest."""
    lines = [(event.actor_kind != "customer", place, _line(event)) for place, event in enumerate(events)]
    kept, size = [], 0
    for _rank, place, line in sorted(lines):
        size += len(line) + 1
        if size > MAX_FIELD - 60:
            break
        kept.append((place, line))
    log = [line for _place, line in sorted(kept)]
    if len(log) < len(lines):
        log.append(f"({len(lines) - len(log)} more lines are left out here)")
    return log


def _line(event: OrderEvent) -> str:
    sentence = staff_sentence(event) if event.kind in LOGGED_IN_FULL else customer_sentence(event)
    who = f"{event.actor_kind}, IP {event.ip}" if event.ip else event.actor_kind
    return plain(f"{stamp(event.at)} | {who} | order {event.order.number} | {sentence}").replace("\n", " ")


def _terms(version: str) -> list[Facts]:
    """The refund rules that were accepted, from the app that keeps them (setting ``TERMS_TEXT``)."""
    text_of: Callable[[str], Sequence[tuple[str, str, str]]] = import_string(settings.TERMS_TEXT)
    return [{"clause": clause, "title": title, "text": text} for clause, title, text in text_of(version)]


def fields_of(facts: Facts) -> dict[str, str]:
    """The provider's evidence fields (their names are Stripe's), each within its limit, empty ones left out."""
    consent, orders = facts["consent"], facts["orders"]
    delivered = [order["result delivered"] for order in orders if order["result delivered"]]
    policy = [f"{clause['title']} [{clause['clause']}]\n{clause['text']}" for clause in facts["terms"]]
    fields = {
        "product_description": "\n".join(
            ["Digital service on a phone identified by its number; nothing is shipped.", *map(_order_line, orders)]
        ),
        "service_date": (max(delivered) if delivered else facts["purchase"]["paid"])[:10],
        "customer_email_address": facts["purchase"]["e-mail"],
        "customer_purchase_ip": facts["purchase"]["IP address"],
        "access_activity_log": "\n".join(facts["access_log"]),
        "refund_policy_disclosure": "\n\n".join(
            [
                f"Terms version {consent['terms version']} and its refund rules, accepted before the payment:",
                *policy,
            ]
        ),
        "uncategorized_text": "\n\n".join(
            f"{title.upper()}\n{_listed(facts[name])}"
            for name, title in (("consent", "Consent"), ("payment", "Payment"), ("mails", "Mails sent"))
        ),
    }
    return {name: _cut(text) for name, text in fields.items() if text}


def _order_line(order: Facts) -> str:
    opened = order["result opened"]
    parts = [
        f"Order {order['number']}: {order['service']}, {order['device']}, {order['price']}",
        f"delivered {order['result delivered']}" if order["result delivered"] else f"state: {order['state']}",
        f"opened by the customer {opened[0]}" if opened else "",
    ]
    return "; ".join(filter(None, parts))


def _listed(value: Any) -> str:
    """Facts as lines of text."""
    if isinstance(value, list):
        return "\n".join(_listed(each) if isinstance(each, dict) else f"- {each}" for each in value)
    lines = []
    for name, each in value.items():
        if isinstance(each, list) and each:
            lines.append(f"{name}:\n{_listed(each)}")
        elif each:
            lines.append(f"{name}: {each}")
    return "\n".join(lines) + "\n"


def _cut(text: str) -> str:
    note = "\n(shortened)"
    return text if len(text) <= MAX_FIELD else text[: MAX_FIELD - len(note)] + note


def stamp(moment: datetime | None) -> str:
    """A moment for evidence, to the second, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""
