"""Addresses of what comes after checkout: purchase, payment, order and tracker."""

from django.urls import path

from unlockshop.storefront import (
    cancel_views,
    certificate_views,
    claim_views,
    correction_views,
    not_found_views,
    order_views,
    purchase_views,
    recheck_views,
    tracker_views,
    upload_views,
    video_views,
)

urlpatterns = [
    path("purchases/<slug:secret>/", purchase_views.purchase, name="purchase"),
    path("purchases/<slug:secret>/pay/", purchase_views.pay, name="pay"),
    path("purchases/<slug:secret>/return/", purchase_views.payment_return, name="payment-return"),
    path("orders/<slug:secret>/", order_views.order, name="order"),
    path("orders/<slug:secret>/status/", order_views.status, name="order-status"),
    path("orders/<slug:secret>/result/", order_views.result, name="order-result"),
    path("orders/<slug:secret>/certificate/", certificate_views.issue, name="certificate-issue"),
    path("orders/<slug:secret>/certificate/withdraw/", certificate_views.withdraw, name="certificate-withdraw"),
    path("orders/<slug:secret>/check-again/", recheck_views.check_again, name="check-again"),
    path("orders/<slug:secret>/money-back/", order_views.money_back, name="order-money-back"),
    path("orders/<slug:secret>/cancel/", cancel_views.cancel, name="order-cancel"),
    path("orders/<slug:secret>/correct/", correction_views.correct, name="order-correct"),
    path("orders/<slug:secret>/order-again/", correction_views.order_again, name="order-again"),
    path("orders/<slug:secret>/investigate/", not_found_views.investigate, name="order-investigate"),
    path("orders/<slug:secret>/resubmit/", not_found_views.resubmit, name="order-resubmit"),
    path("orders/<slug:secret>/claims/", claim_views.claims, name="claims"),
    path("orders/<slug:secret>/claims/new/<slug:kind>/", claim_views.new, name="claim-new"),
    path("orders/<slug:secret>/claims/<int:claim_id>/", claim_views.claim, name="claim"),
    path("orders/<slug:secret>/claims/<int:claim_id>/videos/", video_views.videos, name="claim-videos"),
    path("orders/<slug:secret>/claims/<int:claim_id>/videos/news/", video_views.news, name="claim-videos-news"),
    path("orders/<slug:secret>/claims/<int:claim_id>/videos/<slug:token>/", upload_views.upload, name="claim-video"),
    path("cancel/<str:token>/", cancel_views.cancel_by_mail, name="cancel-by-mail"),
    path("certificates/", certificate_views.verify, name="certificates"),
    path("certificates/<slug:code>/", certificate_views.certificate, name="certificate"),
    path("certificates/<slug:code>/certificate.pdf", certificate_views.certificate_pdf, name="certificate-pdf"),
    path("order-status-tracker/", tracker_views.tracker, name="tracker"),
]
