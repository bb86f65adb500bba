from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from unlockshop.storefront.home_views import healthz

# Only what customers open speaks their language; machines and staff find the same address in all of them.
urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("", include("orders.urls")),
    path("", include("payments.urls")),
    path("", include("refunds.videos.urls")),
    path("", include("unlockshop.storefront.crawler_urls")),
    *i18n_patterns(path("", include("unlockshop.storefront.urls")), prefix_default_language=False),
]

handler400 = "unlockshop.storefront.errors.bad_request"
handler403 = "unlockshop.storefront.errors.forbidden"
handler404 = "unlockshop.storefront.errors.not_found"
handler500 = "unlockshop.storefront.errors.server_error"
