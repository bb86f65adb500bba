from django.urls import path

from payments import views

urlpatterns = [path("webhooks/<slug:provider>/", views.webhook, name="webhook")]
