from django.urls import path

from refunds.videos import views

urlpatterns = [path("staff-files/videos/<str:token>/", views.video, name="staff-video")]
