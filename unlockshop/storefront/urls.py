from django.urls import include, path

from unlockshop.storefront import catalogue_views, checkout_views, currencies, device_views, home_views, terms_views

urlpatterns = [
    path("", home_views.home, name="home"),
    path("services/", catalogue_views.catalogue, name="catalogue"),
    path("services/<slug:slug>/", catalogue_views.service, name="service"),
    path("checkout/<slug:token>/details/", checkout_views.details, name="checkout-details"),
    path("checkout/<slug:token>/check/", checkout_views.check, name="checkout-check"),
    path("device/", device_views.device, name="device"),
    path("currency/", currencies.choose, name="choose-currency"),
    path("terms/", terms_views.terms, name="terms"),
    path("terms/refunds/", terms_views.refund_rules, name="refund-rules"),
    path("terms/refunds/<slug:name>/<slug:version>/", terms_views.refund_rules, name="refund-rules-version"),
    path("terms/<slug:version>/", terms_views.terms, name="terms-version"),
    path("", include("unlockshop.storefront.order_urls")),
]
