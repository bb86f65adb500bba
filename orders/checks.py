"""Checks at start: the keys that mail events are verified with are keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import Error

from orders import sendgrid_events


def mail_event_keys_load(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error for each entry of SENDGRID_WEBHOOK_KEYS that is no public key."""
    return [
        Error(f"SENDGRID_WEBHOOK_KEYS has {key[:12]}…, which is no public key", id="orders.E001")
        for key in sendgrid_events.unusable_keys()
    ]
