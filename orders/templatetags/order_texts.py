"""Words about orders for templates of pages and mails; a thin front of ``orders.wording``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from orders import wording
from orders.models import Order
from services import promises
from services.identifiers import group_imei
from services.instructions import Instructions, instructions_for
from unlockshop.kernel.money import Money

register = template.Library()

register.filter("state_word", wording.state_word)
register.filter("meaning", wording.meaning)
register.filter("owed_back", wording.owed_back)
register.filter("time_words", wording.time_words)
register.filter("duration_words", promises.about)
register.filter("guaranteed_by", wording.guaranteed_by)
register.filter("plain", wording.plain)
register.filter("grouped", group_imei)


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
    exact = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return format_html('<time datetime="{}">{}</time>', exact, wording.time_words(value))


@register.simple_tag
def day(value: datetime) -> SafeString:
    """A ``<time>`` element with the day alone, in UTC."""
    utc = value.astimezone(UTC)
    return format_html('<time datetime="{}">{}</time>', utc.date().isoformat(), wording.day_words(value))
