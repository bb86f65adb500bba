"""The Celery app. Celery is a doorbell: tasks carry ids, rows carry the work."""

from __future__ import annotations

import os

from celery import Celery

from unlockshop import heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unlockshop.settings")

app = Celery("unlockshop")
app.config_from_object("django.conf:settings", namespace="CELERY")
heartbeat.connect()
