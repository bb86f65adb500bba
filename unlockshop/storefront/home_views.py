"""The first page, and the page that a load balancer asks."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from unlockshop.storefront.device_views import StartForm, about_shop
from unlockshop.storefront.page_head import home_head
from unlockshop.storefront.shared_pages import shared_page

logger = logging.getLogger(__name__)


@require_safe
@shared_page()
def home(request: HttpRequest) -> HttpResponse:
    """What the shop does, the way to a service, and how an order goes."""
    return render(request, "storefront/home.html", {**about_shop(request), "form": StartForm(), "seo": home_head()})


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Whether this process can answer customers: 200 with a database that answers, 503 without."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("health check: the database does not answer: %s", type(error).__name__)
        return HttpResponse("database does not answer", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")
