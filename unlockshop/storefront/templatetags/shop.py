"""Money, numbers and times as templates write them."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from orders import averages
from services.browsing import PriceTag, currencies_of
from services.browsing import price_tag as price_tag_of
from services.identifiers import group_imei
from services.models import Service
from services.order_form import country_name
from services.promises import guaranteed_words
from unlockshop.kernel.money import Money
from unlockshop.storefront.paying import ways_to_pay

register = template.Library()

register.filter("grouped", group_imei)
register.filter("country_name", country_name)
register.filter("usual_time", averages.usual_time)
register.filter("spread", averages.spread)


@register.filter("guaranteed_words")
def longest_words(minutes: int, is_guaranteed: bool) -> str:
    """The longest time, guaranteed or not."""
    return guaranteed_words(minutes, is_guaranteed=is_guaranteed)


@register.filter
def money(value: Money) -> str:
    """Money as the visitor's language writes it."""
    return value.format(get_language() or "en")


@register.filter
def price_tag(service: Service, currency: str) -> PriceTag | None:
    """The price in ``currency`` of a service that was loaded with its prices."""
    return price_tag_of(service, currency)


register.filter("currencies_of", currencies_of)
register.simple_tag(ways_to_pay, name="ways_to_pay")
