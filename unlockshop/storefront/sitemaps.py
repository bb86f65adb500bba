"""The pages that search engines are told about. Only what anybody may see: no order, purchase, tracker or checkout."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sitemaps import Sitemap
from django.db.models import Max
from django.urls import reverse

from refunds import calling_off, terms
from services.browsing import categories_with_counts
from services.models import Service
from unlockshop.storefront.page_head import category_path


class ShopSitemap(Sitemap):
    """Addresses under ``BASE_URL``, whatever host was asked."""

    def get_urls(self, page: int | str = 1, site: Any = None, protocol: str | None = None) -> list[dict[str, Any]]:
        """One page of addresses."""
        base = urlsplit(settings.BASE_URL)
        shop: Any = SimpleNamespace(domain=base.netloc)
        return super().get_urls(page=page, site=shop, protocol=base.scheme)


class PageSitemap(ShopSitemap):
    """Pages that there is one of, each with the day its text was last changed where that is known."""

    def items(self) -> Sequence[tuple[str, date | None]]:
        """Path and day."""
        return [
            (reverse("home"), None),
            (reverse("catalogue"), None),
            *((category_path(category), None) for category in categories_with_counts()),
            (reverse("terms"), terms.current().effective_on),
            (reverse("refund-rules"), calling_off.in_force().numbers.effective_on),
        ]

    def location(self, item: tuple[str, date | None]) -> str:
        """The path."""
        return item[0]

    def lastmod(self, item: tuple[str, date | None]) -> date | None:
        """The day."""
        return item[1]


class ServiceSitemap(ShopSitemap):
    """Every published service. It changed when it was made or when staff last edited it."""

    def items(self) -> Sequence[Service]:
        """The services, each with ``changed_at``. Two queries."""
        kind = ContentType.objects.get_for_model(Service)
        edits = LogEntry.objects.filter(content_type=kind).values_list("object_id")
        edited: dict[str | None, datetime] = dict(edits.annotate(Max("action_time")).order_by())
        services = list(Service.objects.filter(is_published=True).only("slug", "created_at").order_by("pk"))
        for service in services:
            changed = max(service.created_at, edited.get(str(service.pk), service.created_at))
            service.changed_at = changed  # type: ignore[attr-defined]
        return services

    def lastmod(self, item: Any) -> datetime:
        """When it was last changed."""
        changed: datetime = item.changed_at
        return changed


SITEMAPS: Final = {"pages": PageSitemap, "services": ServiceSitemap}
