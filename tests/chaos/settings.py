"""Settings of the processes of a fault run: the shop's own, plus the app that shortens clocks and plants bugs."""

from __future__ import annotations

from unlockshop.settings import *  # noqa: F403
from unlockshop.settings import CELERY_BEAT_SCHEDULE, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.app.ChaosConfig"]
# In the shop once an hour.
CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | {
    "reconcile": {"task": "payments.reconcile", "schedule": 40.0, "options": {"expires": 10}}
}

import tests.chaos.crashing  # noqa: E402, F401 - counts crash points; before any module takes ``crash_here``
