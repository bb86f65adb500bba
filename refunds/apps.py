"""Refunds: policy clauses and profiles, and the decisions made by them."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class RefundsConfig(AppConfig):
    name = "refunds"
    verbose_name = "Claims"

    def ready(self) -> None:
        import refunds.videos.tasks  # noqa: F401, PLC0415 - registers the tasks that ``work.ring`` looks up by name
        from refunds import checks as ours  # noqa: PLC0415 - read the settings
        from refunds import tasks  # noqa: F401, PLC0415 - registers the tasks that beat names
        from refunds.in_force import PART, TABLES  # noqa: PLC0415 - needs the models
        from services.content_versions import watch  # noqa: PLC0415 - needs the models

        checks.register(ours.refund_profile_is_published)
        checks.register(ours.shipped_versions_keep_to_their_names)
        checks.register(ours.evidence_is_private)
        checks.register(ours.videos_go_as_promised)
        checks.register(ours.published_rules_are_unaltered, checks.Tags.database)
        watch(self, PART, *TABLES)
