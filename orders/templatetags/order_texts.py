"""Words about orders for templates of pages and mails; a thin front of ``orders.wording``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from orders import averages, cancel_links, checking, moments, wording
from orders.models import Order
from orders.states import OrderState
from services import promises
from services.alternatives import for_not_found
from services.identifiers import group_imei
from services.instructions import Instructions, instructions_for
from services.models import Service
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money

register = template.Library()
# What the shop's script reads: by which zone's clock the words are, and whether the customer's time is among them.
_BY_A_CLOCK: Final = '<time datetime="{}" data-zone="{}"{}>{}</time>'
CALLED_OFF: Final = ("order.called_off", "order.cancelled_on_delay")

register.filter("state_word", wording.state_word)
register.filter("meaning", wording.meaning)
register.filter("date_words", wording.date_words)
register.filter("time_words", moments.time_words)
register.filter("time_of_order", moments.due_words)
register.filter("duration_words", promises.about)
register.filter("usual_time", averages.usual_time_of)
register.filter("plain", wording.plain)
register.filter("report_of", checking.report_of)
register.filter("grouped", group_imei)
register.filter("cancel_token", cancel_links.token_of)
register.filter("lasting_cancel_token", cancel_links.lasting_token_of)


@register.filter
def can_be_cancelled(order: Order) -> bool:
    """Whether the order is still held back after payment, so that a mail may offer to cancel it."""
    return order.state == OrderState.PAID and order.forward_after is not None and order.forward_after > clock.now()


@register.filter
def other_services(order: Order) -> list[Service]:
    """What to suggest where the order's service did not find the device."""
    return for_not_found(order.service)


@register.filter
def was_called_off(order: Order) -> bool:
    """Whether the customer cancelled it; then its refund was asked for in the same act."""
    return cancel_rule(order) != ""


@register.filter
def cancel_rule(order: Order) -> str:
    """The rule of the terms by which the customer cancelled the order; empty where somebody else did."""
    story = order.events.filter(kind__in=CALLED_OFF).order_by("-seq").values_list("data", flat=True).first()
    return str((story or {}).get("rule", ""))


@register.filter
def goes_back(order: Order) -> Money | None:
    """What goes back for an order that was cancelled by a right; None where all of it had gone back before.

    Refunds belong to an app above this one and are reached by relation.
    """
    given = order.refunds.exclude(state="failed").order_by("-created_at")
    asked = given.filter(created_at__gte=order.ended_at).first() if order.ended_at else None
    if asked is not None:
        return Money(asked.amount, asked.currency)
    return None if order.events.filter(kind="order.nothing_left").exists() else order.money


@register.filter
def left_before_cancelled(order: Order) -> bool:
    """Whether a supplier had the order when its customer cancelled it."""
    return order.events.filter(kind="order.cancelled_on_delay").exists()


@register.filter
def run_out(order: Order) -> dict[str, str] | None:
    """The rule and clause by which an order that was not finished in time was ended; None where it was not."""
    told = order.events.filter(kind="order.run_out").order_by("-seq").first()
    return told.data if told is not None else None


@register.filter
def due_words(order: Order) -> str:
    """By when the result was told to be there, in words and by the order's calendar; empty while unpaid."""
    return moments.due_words(order, order.result_due_at) if order.result_due_at else ""


@register.filter
def money_words(money: Money) -> str:
    """An amount in the active language."""
    return wording.money_words(money)


@register.filter
def indented(text: str) -> str:
    """Foreign text for a plain-text mail: control characters gone, every line set in by four spaces."""
    return "\n".join(f"    {line}" for line in wording.plain(text).strip().split("\n"))


@register.filter
def quoted(text: str) -> str:
    """Foreign text for a plain-text mail: control characters gone, every line marked as a quotation."""
    return "\n".join(f"> {line}" for line in wording.plain(text).strip().split("\n"))


@register.filter
def how_to_use(order: Order) -> Instructions:
    """The instructions for the order's kind of result."""
    return instructions_for(order.result_kind)


@register.simple_tag
def support_address() -> str:
    """Where people write to when they need help."""
    return str(settings.SUPPORT_EMAIL)


@register.simple_tag
def sender_address() -> str:
    """Where our mails come from."""
    return str(settings.MAIL_FROM)


@register.simple_block_tag
def tidy(content: str) -> str:
    """The text inside with no blanks at line ends and at most one empty line in a row. For plain-text mails."""
    text = re.sub(r"[ \t]+$", "", content, flags=re.MULTILINE)
    return mark_safe(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n")  # noqa: S308 - plain text, or escaped before


@register.simple_tag
def moment(value: datetime) -> SafeString:
    """A ``<time>`` element with the moment in UTC, for machines and people."""
    return format_html('<time datetime="{}">{}</time>', _exact(value), wording.time_words(value))


@register.simple_tag
def due(order: Order, value: datetime) -> SafeString:
    """A ``<time>`` element with a deadline of the order, by the shop's clock and the customer's."""
    return _time(order, value, moments.due_words(order, value))


@register.simple_tag
def happened(order: Order, value: datetime) -> SafeString:
    """A ``<time>`` element with when something happened, by the shop's clock and the customer's."""
    return _time(order, value, moments.time_words(order, value))


@register.simple_tag
def happened_for_all(calendar: str, value: datetime) -> SafeString:
    """A ``<time>`` element with when something happened, by the shop's clock alone: for pages that are not secret."""
    words = moments.public_time_words(calendar, value)
    return format_html(_BY_A_CLOCK, _exact(value), moments.zone_of(calendar), "", words)


def _time(order: Order, value: datetime, words: str) -> SafeString:
    own = mark_safe(" data-own") if moments.says_own(order, value) else ""
    return format_html(_BY_A_CLOCK, _exact(value), moments.zone_of(order.calendar), own, words)


def _exact(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@register.simple_tag
def day(calendar: str, value: datetime) -> SafeString:
    """A ``<time>`` element with the day alone, by the clock of ``calendar``."""
    local, words = moments.day_in(calendar, value)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), words)
