"""Settings of the processes of a fault run: the shop's own, plus the app that shortens clocks and plants bugs."""

from __future__ import annotations

from unlockshop.settings import *  # noqa: F403
from unlockshop.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.app.ChaosConfig"]

import tests.chaos.crashing  # noqa: E402, F401 - counts crash points; before any module takes ``crash_here``
