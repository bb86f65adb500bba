"""The data of a page for machines, in the words of schema.org (JSON-LD).

It says what the page shows and nothing else: the same price in the same currency. ``as_script`` writes it as a data
block, which browsers never execute and the content policy does not have to allow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.utils.safestring import SafeString

from services.browsing import price_tag
from services.models import Service
from unlockshop.kernel.money import Money
from unlockshop.storefront.questions import Question

CONTEXT: Final = "https://schema.org"
# What could end the element, open a comment in it, or break a line of older scripts.
_ESCAPES: Final = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def as_script(items: Sequence[dict[str, Any]]) -> str:
    """The items as one element for the head; empty without any. Hostile text in them stays text."""
    if not items:
        return ""
    text = json.dumps({"@context": CONTEXT, "@graph": list(items)}, ensure_ascii=False, separators=(",", ":"))
    escaped = text.translate(_ESCAPES)
    return SafeString(f'<script type="application/ld+json">{escaped}</script>')


def organization(home: str, logo: str) -> dict[str, Any]:
    """The shop as a company."""
    return {
        "@type": "Organization",
        "name": settings.SHOP_NAME,
        "url": home,
        "logo": logo,
        "email": settings.SUPPORT_EMAIL,
    }


def website(home: str, catalogue: str) -> dict[str, Any]:
    """The shop as a site, with the way to search it."""
    target = {"@type": "EntryPoint", "urlTemplate": f"{catalogue}?q={{search_term_string}}"}
    action = {"@type": "SearchAction", "target": target, "query-input": "required name=search_term_string"}
    return {"@type": "WebSite", "name": settings.SHOP_NAME, "url": home, "potentialAction": action}


def breadcrumbs(trail: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The way to a page from the top, as (name, address)."""
    steps = [
        {"@type": "ListItem", "position": position, "name": name, "item": url}
        for position, (name, url) in enumerate(trail, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": steps}


def questions(asked: Sequence[Question]) -> dict[str, Any]:
    """Questions that the page shows with their answers."""
    entries = [
        {"@type": "Question", "name": each.text, "acceptedAnswer": {"@type": "Answer", "text": each.answer}}
        for each in asked
    ]
    return {"@type": "FAQPage", "mainEntity": entries}


def product(
    service: Service, currency: str, *, url: str, image: str, description: str, takes_orders: bool
) -> dict[str, Any] | None:
    """The service with its price in the page's currency; None where it is not sold in that one."""
    tag = price_tag(service, currency)
    if tag is None:
        return None
    offer = {
        **_price(tag.money, is_from=tag.is_from),
        "url": url,
        "availability": f"{CONTEXT}/{'InStock' if takes_orders else 'OutOfStock'}",
        "seller": {"@type": "Organization", "name": settings.SHOP_NAME},
    }
    brand = {"brand": {"@type": "Brand", "name": service.brand}} if service.brand else {}
    return {
        "@type": "Product",
        "name": service.name,
        "description": description,
        "sku": service.slug,
        "category": service.category.name,
        "url": url,
        "image": image,
        **brand,
        "offers": offer,
    }


def _price(money: Money, *, is_from: bool) -> dict[str, Any]:
    """One price, or the lowest of several."""
    amount = f"{money.amount:f}"
    if is_from:
        return {"@type": "AggregateOffer", "lowPrice": amount, "priceCurrency": money.currency}
    return {"@type": "Offer", "price": amount, "priceCurrency": money.currency}
