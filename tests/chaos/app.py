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
        from payments import collecting, evidence, inbox, refunding  # noqa: PLC0415
        from payments.providers import paypal_api, stripe  # noqa: PLC0415
        from services import breaking  # noqa: PLC0415
        from tests.chaos import mutations, planting, processes  # noqa: PLC0415

        if "CHAOS_CRASH_LOG" in os.environ:
            processes.die_with_parent()  # granian's worker: nobody else would end it with the run

        planting.replace(polling, TURN_SECONDS=15, POLL_TRIAL_LEASE=timedelta(seconds=15))
        planting.replace(breaking, POLL_WAIT=timedelta(seconds=3), LONGEST_POLL_WAIT=timedelta(seconds=12))
        planting.replace(resolving, TURN_SECONDS=15)
        planting.replace(sendgrid_transport, TIMEOUT_SECONDS=3)
        planting.replace(mailing, LEASE=timedelta(seconds=15))
        planting.replace(inbox, LEASE=timedelta(seconds=20))
        planting.replace(refunding, LEASE=timedelta(seconds=20), KEY_TRUSTED_FOR=timedelta(seconds=15))
        planting.replace(evidence, SETTLED_AFTER=timedelta(seconds=10))
        # The library's own retries would hide most faults of the bank's line from the code that must bear them.
        planting.replace(stripe, TIMEOUT_SECONDS=3, NETWORK_RETRIES=0)
        planting.replace(paypal_api, TIMEOUT=(2.0, 3.0), DEADLINE_SECONDS=6.0)
        planting.replace(collecting, TURN_SECONDS=20, FIRST_CHECK=timedelta(seconds=10))
        mutations.plant(os.environ.get("CHAOS_MUTATE", ""))
