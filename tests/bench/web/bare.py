"""The measure: a bare Django app that does the least a page can do, behind the same server as the shop.

``/page`` is a template of 15 KB, ``/row/N`` one look-up by primary key with it, ``/rows`` 42 rows with it, and a POST
to ``/insert`` one INSERT. Its middleware is what a new Django project has.
"""

from __future__ import annotations

import os
from pathlib import Path

import environ
from django.conf import settings

FOLDER = Path(os.environ["BARE_FOLDER"])
settings.configure(
    SECRET_KEY="bare" * 12,
    DEBUG=False,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [FOLDER],
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DATABASES={
        "default": {
            **environ.Env.db_url_config(os.environ["DATABASE_URL"]),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)

import django  # noqa: E402

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402


class Row(models.Model):
    """One thing with a name and a price."""

    name = models.CharField(max_length=80)
    price = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        app_label = "bare"
        db_table = "bare_row"

    def __str__(self) -> str:
        return self.name


def page(request: HttpRequest) -> HttpResponse:
    """The template alone."""
    return render(request, "bare.html", {"title": "Bare"})


def row(request: HttpRequest, pk: int) -> HttpResponse:
    """One look-up."""
    found = Row.objects.get(pk=pk)
    return render(request, "bare.html", {"title": found.name, "rows": [found]})


def rows(request: HttpRequest) -> HttpResponse:
    """42 rows."""
    return render(request, "bare.html", {"title": "Rows", "rows": Row.objects.filter(pk__lte=42)})


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """One INSERT of what was sent."""
    Row.objects.create(name=request.body[:80].decode(), price=1)
    return HttpResponse("ok")


urlpatterns = [path("page", page), path("row/<int:pk>", row), path("rows", rows), path("insert", insert)]
application = get_wsgi_application()
