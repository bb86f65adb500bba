"""Settings of the measured processes: the shop's own, plus two tasks to measure against."""

from __future__ import annotations

from unlockshop.settings import *  # noqa: F403

CELERY_IMPORTS = ["tests.bench.tasks"]
