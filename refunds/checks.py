"""Checks at start: the refund profile that the settings name is published, videos lie where nobody serves them and are
kept no longer than the terms say, and published rules read as they were published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error
from django.db import connection

from refunds import terms
from refunds.policy import published
from refunds.policy.published import profiles


def refund_profile_is_published(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error where REFUND_PROFILE names no profile."""
    if settings.REFUND_PROFILE in profiles():
        return []
    known = ", ".join(sorted(profiles()))
    return [Error(f"REFUND_PROFILE={settings.REFUND_PROFILE!r} is none of {known}", id="refunds.E001")]


def shipped_versions_keep_to_their_names(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error for each shipped version whose name staff may have given to one of theirs, or twice."""
    found = []
    for name, numbers in published.SHIPPED.items():
        versions = [each.version for each in numbers]
        wrong = [each for each in versions if not published.SHIPPED_NAME.fullmatch(each) or versions.count(each) > 1]
        found += [Error(f"shipped refund rules {name} {each} need a name such as 2027-02", id="refunds.E005")
                  for each in wrong]  # fmt: skip
    return found


def evidence_is_private(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error where the folder of claim videos lies in a folder whose files are served, or the other way round."""
    evidence = Path(settings.EVIDENCE_ROOT).resolve()
    served = [settings.STATIC_ROOT, settings.MEDIA_ROOT, *settings.STATICFILES_DIRS]
    for folder in (Path(each).resolve() for each in served if each):
        if evidence.is_relative_to(folder) or folder.is_relative_to(evidence):
            return [Error(f"EVIDENCE_ROOT {evidence} and {folder}, which is served, overlap", id="refunds.E002")]
    return []


def videos_go_as_promised(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error where videos are kept for longer than some version of the terms promised."""
    promised = [each.video_days for each in terms.all_versions() if each.video_days is not None]
    if not promised or min(promised) >= settings.VIDEO_KEEP_DAYS:
        return []
    text = f"VIDEO_KEEP_DAYS={settings.VIDEO_KEEP_DAYS}, and the terms promise {min(promised)}"
    return [Error(text, id="refunds.E003")]


def published_rules_are_unaltered(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_options: Any
) -> list[Error]:
    """An error for each published version whose clauses no longer read as published, or that a shipped one of its name
    hides (``check --database default``)."""
    if not databases:
        return []
    from refunds import policy_versions  # noqa: PLC0415 - models are there only when checks run
    from refunds.models import PolicyVersion  # noqa: PLC0415

    # ``migrate`` checks before it makes the table.
    if PolicyVersion._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001
        return []
    hidden = [
        Error(
            f"refund rules {row} were published by staff, and shipped ones of that name hide them", id="refunds.E006"
        )
        for row in policy_versions.hidden()
    ]
    return hidden + [
        Error(f"refund rules {row} do not read as they were published", id="refunds.E004")
        for row in policy_versions.altered()
    ]
