"""The app that a fault run adds to the shop: shorter clocks, and on request one planted bug.

A killed worker leaves a claim behind that others respect until it runs out. In the shop that takes a minute or more;
here it is cut to seconds, in the same proportions: a lease outlasts the call it guards plus the longest pause.
"""

from __future__ import annotations

import os
from datetime import timedelta

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """Last of the installed apps, so that every module it touches is there."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        from orders import mailing, polling, resolving, sendgrid_transport  # noqa: PLC0415
        from payments import collecting, inbox  # noqa: PLC0415
        from tests.chaos import mutations, processes  # noqa: PLC0415

        if "CHAOS_CRASH_LOG" in os.environ:
            processes.die_with_parent()  # granian's worker: nobody else would end it with the run

        mutations.replace(polling, TURN_SECONDS=15)
        mutations.replace(resolving, TURN_SECONDS=15)
        mutations.replace(sendgrid_transport, TIMEOUT_SECONDS=3)
        mutations.replace(mailing, LEASE=timedelta(seconds=15))
        mutations.replace(inbox, LEASE=timedelta(seconds=20))
        mutations.replace(collecting, TURN_SECONDS=20, FIRST_CHECK=timedelta(seconds=10))
        mutations.plant(os.environ.get("CHAOS_MUTATE", ""))
