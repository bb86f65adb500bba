"""What machines ask for: robots.txt, the web manifest, icons at their traditional addresses, pictures for sharing."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from services.models import Service
from unlockshop.storefront import sharing_image
from unlockshop.storefront.languages import prefix_of

DAY: Final = 24 * 3600
# The colours of the mark and of the page, as the style sheet has them in light.
THEME: Final = "#0a6350"
PAPER: Final = "#f6f7f5"
# Pages that are nobody else's business say noindex themselves. A crawler must be let in to read that, so only those
# stand here that it could not read anyway, or that would cost us a row.
CLOSED: Final = ("/admin/",)
# The same, spoken in every language, each under its own address.
CLOSED_IN_EACH: Final = ("/checkout/", "/currency/", "/device/")


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """What crawlers may ask for, and where the sitemap is."""
    spoken = [f"{prefix_of(code)}{path}" for code, _name in settings.LANGUAGES for path in CLOSED_IN_EACH]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in (*CLOSED, *spoken)), ""]
    lines += [f"Sitemap: {settings.BASE_URL}{reverse('sitemap')}", ""]
    return _kept(HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8"))


@require_safe
def manifest(_request: HttpRequest) -> HttpResponse:
    """The shop on a phone's home screen: name, icons, colours."""
    icons = [
        {"src": static(f"img/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in (192, 512)
    ]
    content = {
        "name": settings.SHOP_NAME,
        "short_name": settings.SHOP_NAME[:12],
        "description": _("Network unlocking and device checks"),
        "start_url": reverse("home"),
        "display": "minimal-ui",
        "theme_color": THEME,
        "background_color": PAPER,
        "icons": icons,
    }
    return _kept(JsonResponse(content, content_type="application/manifest+json"))


@require_safe
def icon(_request: HttpRequest, name: str) -> HttpResponse:
    """Where browsers look for an icon of their own accord."""
    return _kept(HttpResponseRedirect(static(f"img/{name}")))


@require_safe
def image(request: HttpRequest) -> HttpResponse:
    """The shop's picture."""
    return _picture(request, settings.SHOP_NAME, "")


@require_safe
def image_of(request: HttpRequest, slug: str) -> HttpResponse:
    """The picture of a service that visitors see."""
    found = Service.objects.filter(is_published=True, slug=slug).values_list("name", "category__name").first()
    if found is None:
        raise Http404
    return _picture(request, *found)


def _picture(request: HttpRequest, title: str, above: str) -> HttpResponse:
    """The picture, or 304 to whoever has it; drawn only where it is wanted."""
    etag = quote_etag(sharing_image.digest_of(title, above)[:32])
    answer = get_conditional_response(request, etag=etag)
    if answer is None or answer.status_code != 304:
        answer = HttpResponse(sharing_image.picture(title, above), content_type="image/png")
    answer["ETag"] = etag
    return _kept(answer)


def _kept(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, public=True, max_age=DAY)
    return response
