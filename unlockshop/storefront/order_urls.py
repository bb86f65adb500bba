"""Addresses of what comes after checkout: purchase, payment, order and tracker."""

from django.urls import path

from unlockshop.storefront import order_views, purchase_views, tracker_views

urlpatterns = [
    path("purchases/<slug:secret>/", purchase_views.purchase, name="purchase"),
    path("purchases/<slug:secret>/pay/", purchase_views.pay, name="pay"),
    path("purchases/<slug:secret>/return/", purchase_views.payment_return, name="payment-return"),
    path("orders/<slug:secret>/", order_views.order, name="order"),
    path("orders/<slug:secret>/status/", order_views.status, name="order-status"),
    path("orders/<slug:secret>/result/", order_views.result, name="order-result"),
    path("order-status-tracker/", tracker_views.tracker, name="tracker"),
]
