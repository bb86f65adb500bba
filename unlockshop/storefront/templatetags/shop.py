"""Money, numbers and times as templates write them."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from services.browsing import PriceTag
from services.browsing import price_tag as price_tag_of
from services.identifiers import group_imei
from services.models import Service
from services.order_form import country_name
from services.promises import average_words, guaranteed_words
from unlockshop.kernel.money import Money

register = template.Library()

register.filter("grouped", group_imei)
register.filter("country_name", country_name)
register.filter("average_words", average_words)
register.filter("guaranteed_words", guaranteed_words)


@register.filter
def money(value: Money) -> str:
    """Money as the visitor's language writes it."""
    return value.format(get_language() or "en")


@register.filter
def price_tag(service: Service) -> PriceTag | None:
    """The price of a service that was loaded with its prices."""
    return price_tag_of(service)
