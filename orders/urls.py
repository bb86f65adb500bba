from django.urls import path

from orders import views

urlpatterns = [
    path("webhooks/sendgrid/", views.sendgrid_events, name="sendgrid-events"),
    path("webhooks/sendgrid/inbound/<str:secret>/", views.sendgrid_inbound_mail, name="sendgrid-inbound"),
]
