"""The same page in other languages, as the frame of every page names it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from unlockshop.storefront import languages
from unlockshop.storefront.languages import Language

register = template.Library()


@register.simple_tag(takes_context=True)
def same_page(context: template.Context) -> Sequence[Language]:
    """The page in every language, for the menu; nothing on a page that was made without a request."""
    request: Any = context.get("request")
    return languages.same_page(request) if request else ()


@register.simple_tag(takes_context=True)
def alternates(context: template.Context) -> Sequence[Language]:
    """The page's addresses in every language, for search engines; nothing on pages that are not for them."""
    request: Any = context.get("request")
    return languages.alternates(request) if request else ()
