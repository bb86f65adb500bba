from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("orders.urls")),
    path("", include("payments.urls")),
    path("", include("refunds.videos.urls")),
    path("", include("unlockshop.storefront.crawler_urls")),
    path("", include("unlockshop.storefront.urls")),
]

handler400 = "unlockshop.storefront.errors.bad_request"
handler403 = "unlockshop.storefront.errors.forbidden"
handler404 = "unlockshop.storefront.errors.not_found"
handler500 = "unlockshop.storefront.errors.server_error"
