"""Addresses for machines. They are the same in every language."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path

from unlockshop.storefront import crawler_views
from unlockshop.storefront.sitemaps import SITEMAPS

urlpatterns = [
    path("robots.txt", crawler_views.robots, name="robots"),
    path("sitemap.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    path("site.webmanifest", crawler_views.manifest, name="manifest"),
    path("favicon.ico", crawler_views.icon, {"name": "favicon.ico"}, name="favicon"),
    path("apple-touch-icon.png", crawler_views.icon, {"name": "apple-touch-icon.png"}, name="apple-touch-icon"),
    path("og/shop.png", crawler_views.image, name="sharing-image"),
    path("og/services/<slug:slug>.png", crawler_views.image_of, name="sharing-image-of"),
]
