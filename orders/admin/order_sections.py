"""The parts of the order page and of the purchase page, as facts and tables."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from orders import averages, clocks, events, moments, routing
from orders.admin import supplier_health
from orders.admin.wording import (
    identifier_of,
    mail_state_cell,
    next_step,
    opened,
    order_cell,
    outcome_cell,
    state_cell,
)
from orders.models import Order, OrderEvent, Purchase, SupplierAttempt, SupplierExchange
from orders.routing import Wait
from orders.states import BOUGHT_OUTCOMES, HoldReason, OrderState
from services import balances, breaking, pausing, promises
from services.models import Offer
from unlockshop.kernel import clock
from unlockshop.kernel.money import MoneyError, rounded
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, change_url, list_url, moment

RELATED_SHOWN: Final = 10
EXCHANGES_SHOWN: Final = 100
TABLE: Final = "admin/parts/table.html"


def facts(order: Order) -> list[Facts]:
    """What was ordered; how it stands; what was promised and paid."""
    purchase = order.purchase
    step, tone = next_step(order)
    answers = [Fact(name, Cell(value)) for name, value in order.answers.items()]
    again = [Fact(_("Ordered again"), Cell(_("on purpose, while the same was under way")))] if order.is_recheck else []
    state = [
        Fact(_("Next"), Cell(step or "—", tone=tone)),
        Fact(_("In this state since"), Cell(moment(order.state_changed_at))),
        Fact(_("Paid"), Cell(moment(order.paid_at) or "—")),
        Fact(_("Ended"), Cell(moment(order.ended_at) or "—")),
    ]
    if order.hold_reason:
        state.insert(0, Fact(_("On hold because"), Cell(order.get_hold_reason_display())))
    if order.state == OrderState.PAID:
        state.append(Fact(_("Goes to"), Cell(_next_offer(order))))
    if order.supplier_note:
        state.append(Fact(_("Supplier's reason"), Cell(order.supplier_note)))
    return [
        Facts(
            _("Ordered"),
            [
                Fact(_("Service"), Cell(order.service_name)),
                Fact(order.identifier_kind.upper(), Cell(identifier_of(order), is_code=True)),
                *answers,
                *again,
                Fact(_("Customer"), Cell(purchase.email)),
                Fact(_("Purchase"), Cell(purchase.number, change_url(purchase), is_code=True)),
            ],
        ),
        Facts(_("How it stands"), state),
        Facts(
            _("Promise and money"),
            [
                Fact(_("Price"), Cell(str(order.money))),
                Fact(_("Margin"), Cell(_margin(order))),
                Fact(_("Usual time"), Cell(averages.usual_time_of(order))),
                Fact(
                    _("Longest time"),
                    Cell(promises.guaranteed_words(order.guaranteed_minutes, is_guaranteed=order.is_guaranteed)),
                ),
                *_clocks(order),
                Fact(_("Placed"), Cell(moment(order.created_at))),
            ],
        ),
    ]


def to_compare(order: Order, live: SupplierAttempt | None) -> list[Fact]:
    """What staff hold beside the supplier's panel before they decide."""
    rows = [
        Fact(_("Service"), Cell(order.service_name)),
        Fact(order.identifier_kind.upper(), Cell(identifier_of(order), is_code=True)),
        Fact(_("State"), state_cell(order)),
    ]
    if order.hold_reason:
        rows.append(Fact(_("On hold because"), Cell(order.get_hold_reason_display())))
    said = _last_words(order, live)
    if live is not None:
        rows += [
            Fact(_("Supplier"), Cell(live.supplier.name)),
            Fact(_("Our reference there"), Cell(live.reference, is_code=True)),
            Fact(_("Its service"), Cell(live.supplier_service_id, is_code=True)),
            Fact(_("Sent"), Cell(moment(live.created_at))),
            Fact(_("What it said"), Cell(said or "—")),
        ]
    elif said:
        rows.append(Fact(_("What the supplier said"), Cell(said)))
    if order.state in {OrderState.UNAVAILABLE, OrderState.NOT_FOUND}:
        rows.append(Fact(_("Would be bought from"), Cell(_next_offer(order))))
    return rows


def _last_words(order: Order, live: SupplierAttempt | None) -> str:
    """The supplier's latest message. Once it has the order, what it said later stands in the hold, not the attempt."""
    at_first = live.message if live else ""
    if order.state != OrderState.ON_HOLD or order.hold_reason == HoldReason.STAFF:
        return at_first
    held = order.events.filter(kind="order.held").order_by("-seq").first()
    since = held.data.get("message", "") if held else ""
    if live is None or live.outcome in BOUGHT_OUTCOMES:
        return since or at_first
    return at_first or since


def _next_offer(order: Order) -> str:
    """Supplier and cost of the offer that ``forwarding`` would take now."""
    found = routing.next_step(order)
    if isinstance(found, Wait):
        return _("nobody now: %(why)s (looked at again %(moment)s)") % {
            "moment": moment(found.until),
            "why": _why_wait(order),
        }
    if not isinstance(found, Offer):
        return _("nobody now: no supplier that takes orders offers the service")
    return _("%(supplier)s, at a cost of %(cost)s") % {
        "supplier": found.supplier.name,
        "cost": f"{found.cost} {found.cost_currency}",
    }


def _why_wait(order: Order) -> str:
    """What keeps each supplier of the service from getting the order."""
    if order.forward_after is not None and order.forward_after > clock.now():
        return _("it is kept back until then")
    reasons = []
    for offer in routing.offers_of([order.service_id])[order.service_id]:
        if pausing.is_paused(offer.supplier):
            why = _("paused by staff")
        elif breaking.shut_until(offer.supplier, clock.now()):
            why = str(supplier_health.state_cell(offer.supplier).text)
        elif balances.short_until(offer, clock.now()):
            why = _("our credit there is too low")
        else:
            continue
        reasons.append(f"{offer.supplier.name}: {why}")
    return "; ".join(reasons)


def result(order: Order) -> Section | None:
    """The delivered result, closed until somebody opens it."""
    text = opened(order, "result")
    return Section(_("Result"), "admin/parts/result.html", text) if text else None


def timeline(order: Order) -> Section:
    """The order's story, newest first."""
    rows = [
        {"event": event, "sentence": event_sentence(event), "at": moment(event.at)}
        for event in order.events.order_by("-seq")
    ]
    return Section(_("Timeline"), "admin/parts/timeline.html", rows, note=_("Newest first; nobody can change it."))


def attempts(order: Order) -> Section:
    """Every try at a supplier, with what was said."""
    rows = list(order.supplier_attempts.select_related("supplier").order_by("-n"))
    said: dict[int, list[SupplierExchange]] = {attempt.pk: [] for attempt in rows}
    latest = SupplierExchange.objects.filter(attempt__in=rows).order_by("-pk")[:EXCHANGES_SHOWN]
    for exchange in latest:
        said[exchange.attempt_id].append(exchange)
    data = [{"attempt": attempt, "outcome": outcome_cell(attempt), "exchanges": said[attempt.pk]} for attempt in rows]
    return Section(_("Supplier attempts"), "admin/parts/attempts.html", data)


def payments(purchase: Purchase) -> Section:
    """How the purchase was paid. Payments belong to an app above this one and are reached by relation."""
    rows = [
        [
            Cell(str(payment), change_url(payment)),
            Cell(str(payment.money)),
            Cell(payment.get_state_display()),
            Cell(payment.charge_ref or "", is_code=True),
            Cell(payment.get_attention_display(), tone="danger") if payment.attention else Cell(""),
            Cell(moment(payment.captured_at or payment.created_at)),
        ]
        for payment in purchase.payments.all()
    ]
    headers = [_("Payment"), _("Amount"), _("State"), _("Charge"), _("Attention"), _("When")]
    return Section(_("Payments"), TABLE, Table(headers, rows, _("No payment was begun.")))


def mails(purchase: Purchase, order: Order | None = None) -> Section:
    """Mails about the order, or about the whole purchase."""
    found = purchase.mails.select_related("order").defer("text", "order__result")
    if order is not None:
        found = found.filter(Q(order=order) | Q(order=None))
    rows = [
        [
            Cell(mail.get_kind_display(), change_url(mail)),
            Cell(mail.order.number if mail.order else _("whole purchase")),
            Cell(mail.to),
            mail_state_cell(mail),
            Cell(moment(mail.sent_at)),
            Cell(mail.last_error),
        ]
        for mail in found
    ]
    headers = [_("Mail"), _("About"), _("To"), _("State"), _("Sent"), _("Last error")]
    return Section(_("Mails"), TABLE, Table(headers, rows, _("No mail yet.")))


def same_device(order: Order) -> Section | None:
    """Other orders for the same identifier."""
    others = Order.objects.filter(identifier=order.identifier).exclude(pk=order.pk)
    return _related(_("Other orders for this device"), others, list_url(Order, urlencode({"q": order.identifier})))


def same_customer(order: Order) -> Section | None:
    """Other orders under the same e-mail address."""
    others = Order.objects.filter(purchase__email=order.purchase.email).exclude(pk=order.pk)
    return _related(
        _("Other orders of this customer"), others, list_url(Order, urlencode({"q": order.purchase.email}))
    )


def orders_table(orders: QuerySet[Order]) -> Table:
    """Orders, one a row."""
    rows = [
        [
            order_cell(order),
            Cell(order.service_name),
            Cell(identifier_of(order), is_code=True),
            state_cell(order),
            Cell(str(order.money)),
            Cell(moment(order.created_at)),
        ]
        for order in orders.defer("result")
    ]
    return Table([_("Order"), _("Service"), _("Identifier"), _("State"), _("Price"), _("Placed")], rows)


def _related(title: str, others: QuerySet[Order], href: str) -> Section | None:
    table = orders_table(others[: RELATED_SHOWN + 1])
    if not table.rows:
        return None
    if len(table.rows) <= RELATED_SHOWN:
        return Section(title, TABLE, table)
    return Section(
        title, TABLE, Table(table.headers, table.rows[:RELATED_SHOWN]), note=_("The latest ten."), href=href
    )


def event_sentence(event: OrderEvent) -> str:
    """What happened; a kind that the code no longer knows shows its name."""
    try:
        return events.staff_sentence(event)
    except KeyError:
        return event.kind


def _margin(order: Order) -> str:
    costs = order.supplier_attempts.filter(outcome__in=sorted(BOUGHT_OUTCOMES)).values_list("cost", "cost_currency")
    bought: list[tuple[Any, str]] = list(costs)
    if not bought:
        return "—"
    if any(currency != order.currency for _cost, currency in bought):
        return _("bought in another currency")
    try:
        return str(rounded(order.price - sum(cost for cost, _currency in bought), order.currency))
    except MoneyError:
        return "—"


def _clocks(order: Order) -> list[Fact]:
    """Both clocks, by the calendar that counts them; where they have run out, in red."""
    now = clock.now()
    told_later = order.result_due_at != order.promised_until
    rows = [
        (_("With a supplier by"), order.submission_due_at, clocks.is_late_to_submit(order, now)),
        (_("Guaranteed until"), order.promised_until, clocks.is_late(order, now) and not told_later),
        (_("Told since"), order.result_due_at if told_later else None, clocks.is_late(order, now)),
        (_("Ends by itself"), order.cap_at, False),
    ]
    return [
        Fact(title, Cell(moments.place_words(order, at), tone="danger" if is_late else ""))
        for title, at, is_late in rows
        if at is not None
    ]
