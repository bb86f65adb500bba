"""Which version of the catalogue visitors are shown, so that pages may be kept until it changes.

The database itself gives a part of the content another version with every write to its tables, in the same
transaction, whoever writes. A process asks for the versions once in ``SHARED_PAGES_RECHECK_SECONDS``, and at once
after ``forget``. Money and forwarding never ask here: they read the rows. The checkout keeps the rules in force by the
version that it reads in one statement with its draft, which is never old.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.signals import post_migrate

from services.models import ContentVersion
from unlockshop.kernel import clock

TABLE: Final = "services_contentversion"
FUNCTION: Final = "services_content_changed"
SUFFIX: Final = "_shown"
_POSTGRES_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION services_content_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO services_contentversion (part, version) VALUES (TG_ARGV[0], replace(gen_random_uuid()::text, '-', ''))
    ON CONFLICT (part) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$
"""
_POSTGRES: Final = (
    "CREATE TRIGGER {table}{suffix} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION {function}('{part}')"
)
# SQLite lets the "OR IGNORE" of the statement that fires a trigger overrule any "OR REPLACE" inside it: so the old row
# goes first, and nothing conflicts.
_SQLITE: Final = (
    "CREATE TRIGGER {name} AFTER {verb} ON {table} BEGIN "
    "DELETE FROM {versions} WHERE part = '{part}'; "
    "INSERT INTO {versions} (part, version) VALUES ('{part}', lower(hex(randomblob(16)))); END"
)


class _Kept:
    """The versions as this process read them last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.generation = 0
        self.asked_at: datetime | None = None
        self.versions: Mapping[str, str] = {}


_kept: Final = _Kept()


def current() -> Mapping[str, str]:
    """The version of each part. One query where this process has not asked lately, else none."""
    now = clock.now()
    with _kept.lock:
        generation = _kept.generation
        if _kept.asked_at and 0 <= (now - _kept.asked_at).total_seconds() < settings.SHARED_PAGES_RECHECK_SECONDS:
            return _kept.versions
    found = dict(ContentVersion.objects.values_list("part", "version"))
    with _kept.lock:
        # What was read while another thread wrote may be the former version: it is not kept.
        if generation == _kept.generation:
            _kept.versions, _kept.asked_at = found, now
    return found


def as_read(part: str) -> Coalesce:
    """For a query that reads rows of its own: the version of ``part`` at that very moment, empty before the first."""
    version = ContentVersion.objects.filter(part=part).values("version")
    return Coalesce(Subquery(version), Value(""))


def read(part: str) -> str:
    """The version of ``part`` now, empty before the first. One query."""
    return ContentVersion.objects.filter(part=part).values_list("version", flat=True).first() or ""


def forget() -> None:
    """This process may have changed something: the next page asks for the versions."""
    with _kept.lock:
        _kept.generation += 1
        _kept.asked_at = None


def watch(app: AppConfig, part: str, *tables: str) -> None:
    """From now on every write to these tables, all of one app, changes the version of ``part``.

    For an app's ``ready``. The triggers are made with each ``migrate``, so that a table that SQLite rebuilt has its
    own again.
    """

    def install(*, using: str, **_told: Any) -> None:
        if router.allow_migrate_model(using, ContentVersion):
            _install(connections[using], part, tables)

    post_migrate.connect(install, sender=app, weak=False, dispatch_uid=f"content-{app.label}-{part}")


def _install(connection: BaseDatabaseWrapper, part: str, tables: Sequence[str]) -> None:
    present = set(connection.introspection.table_names())
    if TABLE not in present:
        return  # migrated back to before there were versions
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname, '' FROM pg_trigger WHERE tgname LIKE %s", [f"%{SUFFIX}"])
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"%{SUFFIX}"]
            )
        known = dict(cursor.fetchall())
        for table in present.intersection(tables):
            names = {"table": table, "part": part, "suffix": SUFFIX, "function": FUNCTION, "versions": TABLE}
            if connection.vendor == "postgresql":
                if f"{table}{SUFFIX}" not in known:
                    cursor.execute(_POSTGRES_FUNCTION)
                    cursor.execute(_POSTGRES.format(**names))
            else:
                for verb in ("INSERT", "UPDATE", "DELETE"):
                    name = f"{table}_{verb}{SUFFIX}"
                    wanted = _SQLITE.format(name=name, verb=verb, **names)
                    if known.get(name) != wanted:
                        cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')
                        cursor.execute(wanted)


def remove_triggers(_apps: Any, schema_editor: Any) -> None:
    """For migrating back: nothing writes versions any more."""
    connection = schema_editor.connection
    if connection.vendor == "postgresql":
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {FUNCTION} CASCADE")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"%{SUFFIX}"])
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')
