"""What the head of a public page tells search engines and whoever it is shared with.

Every address is built from ``BASE_URL``, never from the request's host. A page without a ``PageHead`` is not meant to
be found: its template says noindex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from orders import averages
from services.browsing import Found
from services.models import Category, Service
from unlockshop.storefront import questions, sharing_image, structured_data
from unlockshop.storefront.catalogue_query import Asked

MAX_DESCRIPTION: Final = 300
"""Characters. Search engines cut at about 160 by themselves; this keeps a page from growing with a name."""


@dataclass(frozen=True, slots=True)
class PageHead:
    """Title without the shop's name, description, the one address of the page, picture, and data for machines."""

    title: str
    description: str
    canonical: str
    image: str
    image_alt: str
    structured: Sequence[dict[str, Any]] = ()


def absolute(path: str) -> str:
    """A path of this shop as a full address, under the host that the mails name as well."""
    return f"{settings.BASE_URL}{path}"


def home_head() -> PageHead:
    """The first page: who we are, how to search, and the questions it answers."""
    return _head(
        _("Network unlocking and device checks"),
        _(
            "Have your phone released from its network, check a device before you buy it, or top up a line. "
            "Paid once, tracked to the end."
        ),
        reverse("home"),
        [
            structured_data.organization(absolute(reverse("home")), absolute(static("img/icon-512.png"))),
            structured_data.website(absolute(reverse("home")), absolute(reverse("catalogue"))),
            structured_data.questions(questions.asked_first()),
        ],
    )


def catalogue_head(asked: Asked, found: Found) -> PageHead | None:
    """The list, its further pages and the list of one category. Any other choice of filters is not for indexing."""
    if asked.notices or set(asked.values) - {"category"} or (asked.values and found.total == 0):
        return None
    title, query, trail = _("Services"), asked.query, [(_("Services"), reverse("catalogue"))]
    description = _("Network unlocks, device checks and top-ups by IMEI, with price, usual time and refund rules.")
    category = dict(found.categories).get(asked.wanted.category, "")
    if category:
        title = category
        words = {"category": category, "count": found.total, "shop": settings.SHOP_NAME}
        description = (
            _("%(category)s at %(shop)s: %(count)d services with price, usual time and refund rules.") % words
        )
        trail.append((category, f"{reverse('catalogue')}?{query}"))
    if found.page > 1:
        words = {"title": title, "page": found.page, "pages": found.pages, "description": description}
        title = _("%(title)s, page %(page)d") % words
        description = _("%(description)s Page %(page)d of %(pages)d.") % words
        query = "&".join(filter(None, (query, f"page={found.page}")))
    path = f"{reverse('catalogue')}?{query}" if query else reverse("catalogue")
    crumbs = [structured_data.breadcrumbs([(name, absolute(where)) for name, where in trail])] if category else []
    return _head(title, description, path, crumbs)


def service_head(service: Service, currency: str, *, takes_orders: bool) -> PageHead:
    """One service that was loaded with category, fields and prices, and its average attached; asks no query."""
    name, url = _line(service.name), absolute(service.get_absolute_url())
    usual = averages.usual_time(service)
    parts = [
        f"{name}, {_line(service.models_note)}" if service.models_note else name,
        usual[:1].upper() + usual[1:],
        _("You get: %(result)s") % {"result": service.get_result_kind_display()},
    ]
    description = " ".join(f"{part.rstrip('.')}." for part in parts)
    image = absolute(sharing_image.address_of(service))
    trail = [
        (_("Services"), absolute(reverse("catalogue"))),
        (service.category.name, absolute(category_path(service.category))),
        (name, url),
    ]
    product = structured_data.product(
        service, currency, url=url, image=image, description=_short(description), takes_orders=takes_orders
    )
    return PageHead(
        title=name,
        description=_short(description),
        canonical=url,
        image=image,
        image_alt=_("%(service)s at %(shop)s") % {"service": name, "shop": settings.SHOP_NAME},
        structured=[*([product] if product else []), structured_data.breadcrumbs(trail)],
    )


def terms_head(version: str, *, is_current: bool) -> PageHead:
    """One version of the terms; the one in force has one address, whichever way it was reached."""
    path = reverse("terms") if is_current else reverse("terms-version", args=[version])
    return _head(
        _("Terms and refund rules") if is_current else _("Terms, version %(version)s") % {"version": version},
        _(
            "What you may expect of us and we of you: ordering, delivery times, cancelling and refunds. "
            "Version %(version)s."
        )
        % {"version": version},
        path,
    )


def rules_head(name: str, version: str, *, is_current: bool) -> PageHead:
    """One version of the refund rules."""
    words = {"name": name, "version": version}
    path = reverse("refund-rules") if is_current else reverse("refund-rules-version", args=[name, version])
    return _head(
        _("Refund rules %(version)s") % words if is_current else _("Refund rules %(name)s %(version)s") % words,
        _("When you get your money back, rule by rule, with every deadline. Rules “%(name)s”, version %(version)s.")
        % words,
        path,
    )


def category_path(category: Category) -> str:
    """The list of one category."""
    return f"{reverse('catalogue')}?category={category.slug}"


def _head(title: str, description: str, path: str, structured: Sequence[dict[str, Any]] = ()) -> PageHead:
    return PageHead(
        title=_line(title),
        description=_short(description),
        canonical=absolute(path),
        image=absolute(sharing_image.shop_address()),
        image_alt=settings.SHOP_NAME,
        structured=structured,
    )


def _line(text: str) -> str:
    """Text as one line."""
    return " ".join(text.split())


def _short(text: str) -> str:
    return Truncator(_line(text)).chars(MAX_DESCRIPTION)
