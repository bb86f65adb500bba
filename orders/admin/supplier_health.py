"""How a supplier is doing, in words for staff: breaker, answers, credit, delivery, counts of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.utils.translation import gettext as _

from orders.models import Order
from orders.states import OrderState
from orders.turnaround import Turnaround, supplier_turnaround
from services import balances, breaking, pausing, tallying
from services.models import Offer, Supplier
from services.models.health import BreakerState, SupplierBalance, SupplierHealth, Trouble
from services.tallying import Rate
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, age, list_url, moment, span

TABLE = "admin/parts/table.html"
TONES = {BreakerState.CLOSED: "success", BreakerState.OPEN: "danger", BreakerState.HALF_OPEN: "warning"}


def facts(supplier: Supplier) -> list[Facts]:
    """What goes on at the supplier now."""
    return [
        Facts(_("New orders"), _sending(supplier)),
        Facts(_("Answers"), _answers(supplier)),
        Facts(_("Our credit there"), _credit(supplier)),
    ]


def sections(supplier: Supplier) -> list[Section]:
    """Figures: delivery over days, calls over hours."""
    return [_delivery(supplier), _calls(supplier)]


def state_cell(supplier: Supplier) -> Cell:
    """The breaker in a few words, for lists too."""
    health = breaking.of(supplier)
    if health is None or health.breaker == BreakerState.CLOSED:
        return Cell(_("orders go out"), tone="success")
    trouble = Trouble(health.trouble).label
    if health.breaker == BreakerState.HALF_OPEN:
        return Cell(_("trying one order: %(trouble)s") % {"trouble": trouble}, tone="warning")
    return Cell(_("nothing is sent: %(trouble)s") % {"trouble": trouble}, tone="danger")


def balance_text(balance: SupplierBalance | None) -> str:
    """What the supplier last told."""
    if balance is None or balance.told_at is None:
        return _("never told")
    if balance.credit is None:
        return _("it does not tell")
    return balances.amount(balance.credit, balance.currency)


def _sending(supplier: Supplier) -> Sequence[Fact]:
    health = breaking.of(supplier)
    rows = [Fact(_("Sending"), state_cell(supplier))]
    if health is not None and health.breaker != BreakerState.CLOSED:
        began = {"moment": moment(health.since), "age": age(health.since)}
        rows += [
            Fact(_("It said"), Cell(health.reason or "—")),
            Fact(
                _("Since"),
                Cell(_("%(moment)s, for %(age)s") % began),
            ),
            Fact(_("Next try"), Cell(_next_try(health))),
        ]
    if pausing.is_paused(supplier):
        until = _("paused until %(moment)s: %(reason)s")
        text = until % {"moment": moment(supplier.paused_until), "reason": supplier.pause_reason}
        rows.append(Fact(_("Staff"), Cell(text, tone="warning")))
    services = Offer.objects.filter(supplier=supplier, is_active=True).values("service")
    waiting = Order.objects.filter(state=OrderState.PAID, service__in=services).count()
    href = list_url(Order, "state__exact=paid") if waiting else ""
    rows.append(Fact(_("Paid orders that may go there"), Cell(waiting, href)))
    return rows


def _next_try(health: SupplierHealth) -> str:
    if health.breaker == BreakerState.HALF_OPEN:
        return _("now: if this order is accepted, the others follow")
    if health.trial_at is not None and health.trial_at > clock.now():
        in_time = {"moment": moment(health.trial_at), "span": span(health.trial_at - clock.now())}
        return _("one order at %(moment)s, in %(span)s") % in_time
    return _("one order, as soon as one is due")


def _answers(supplier: Supplier) -> Sequence[Fact]:
    health = breaking.of(supplier)
    last = health.last_success_at if health else None
    text = _("%(moment)s, %(age)s ago") % {"moment": moment(last), "age": age(last)} if last else _("none yet")
    rows = [Fact(_("Last successful exchange"), Cell(text))]
    if health is not None and health.poll_failures >= breaking.POLL_FAILURES:
        since = {"age": age(health.poll_failing_since), "moment": moment(health.poll_after)}
        silent = _("no answer about orders for %(age)s; one question is tried again at %(moment)s") % since
        rows.append(Fact(_("Questions about orders"), Cell(silent, tone="danger")))
    else:
        rows.append(Fact(_("Questions about orders"), Cell(_("are answered"), tone="success")))
    return rows


def _credit(supplier: Supplier) -> Sequence[Fact]:
    balance = balances.of(supplier)
    if balance is None:
        return [Fact(_("Balance"), Cell(_("not asked for yet")))]
    rows = [Fact(_("Balance"), Cell(balance_text(balance)))]
    if balance.told_at is not None:
        rows.append(Fact(_("Told"), Cell(_("%(age)s ago") % {"age": age(balance.told_at)})))
    if balance.credit is not None:
        rows.append(Fact(_("Forecast"), _forecast_cell(supplier, balance)))
    if balance.needed is not None and not supplier.may_owe:
        needed = balances.amount(balance.needed, balance.currency)
        rows.append(Fact(_("Too little for"), Cell(_("an order at %(cost)s") % {"cost": needed}, tone="danger")))
    if balance.last_error:
        rows.append(Fact(_("Could not be asked"), Cell(balance.last_error, tone="warning")))
    rows.append(Fact(_("Asked again"), Cell(moment(balance.next_action_at) or "—")))
    return rows


def _forecast_cell(supplier: Supplier, balance: SupplierBalance) -> Cell:
    foretold = balances.forecast(balance)
    if foretold.lasts is None:
        return Cell(_("nothing was spent in the last %(hours)d hours") % {"hours": balances.FORECAST_HOURS})
    hours = foretold.lasts.total_seconds() / 3600
    is_low = not supplier.may_owe and hours < (supplier.alarm_hours or 0)
    words = {"span": span(foretold.lasts), "spend": balances.amount(foretold.per_hour, balance.currency)}
    text = _("empty in %(span)s at this rate, %(spend)s an hour") % words
    return Cell(text, tone="danger" if is_low else "")


def _delivery(supplier: Supplier) -> Section:
    headers = [_("Last"), _("Ended"), _("Completed"), _("Average"), _("Half within"), _("90% within"), _("95% within")]
    rows = []
    for days in (7, 30):
        found = supplier_turnaround([supplier.pk], days).get(supplier.pk)
        if found is not None:
            rows.append([Cell(_("%(days)d days") % {"days": days}), *_turnaround_cells(found)])
    note = _("From sending an order to its result. Times to half, 90% and 95% are rounded by up to 9%.")
    return Section(_("Delivery"), TABLE, Table(headers, rows, _("No order has ended here yet.")), note)


def _turnaround_cells(found: Turnaround) -> list[Cell]:
    times = (found.average_minutes, found.median_minutes, found.p90_minutes, found.p95_minutes)
    return [Cell(found.count), Cell(f"{found.success_rate:.0%}"), *(Cell(_time(minutes)) for minutes in times)]


def _time(minutes: float | None) -> str:
    if minutes is None:
        return "—"
    return span(timedelta(minutes=round(minutes))) if minutes >= 1 else _("under 1 min")


def _calls(supplier: Supplier) -> Section:
    hour = tallying.rates([supplier.pk], hours=1).get(supplier.pk, {})
    day = tallying.rates([supplier.pk], hours=24).get(supplier.pk, {})
    headers = [_("What came of it"), _("This hour"), _("Share"), _("Last 24 hours"), _("Share"), _("Mean time")]
    rows = [
        [
            Cell(words),
            Cell(hour[name].calls if name in hour else 0),
            Cell(_share(name, hour)),
            Cell(day[name].calls),
            Cell(_share(name, day)),
            Cell(_("%(seconds).1f s") % {"seconds": day[name].milliseconds / 1000}),
        ]
        for name, words in tallying.WORDS.items()
        if name in day
    ]
    note = _("Shares are of new orders, or of questions.")
    return Section(_("Calls"), TABLE, Table(headers, rows, _("No call in the last 24 hours.")), note)


def _share(name: str, rates: Mapping[str, Rate]) -> str:
    polls = {tallying.POLL_OK, tallying.POLL_FAILED}
    total = sum(rate.calls for other, rate in rates.items() if (other in polls) == (name in polls))
    return f"{rates[name].calls / total:.0%}" if name in rates and total else "—"
