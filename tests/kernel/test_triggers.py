"""Every trigger that a migration ever made is in the database: SQLite forgets a table's when it rebuilds the table."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from unlockshop.kernel.append_only import AppendOnly
from unlockshop.kernel.frozen_columns import FrozenColumns
from unlockshop.kernel.money_columns import SameCurrency

pytestmark = pytest.mark.django_db
PRESENT = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}


class Recorder:
    """What an operation would execute."""

    connection = connection

    def __init__(self) -> None:
        self.said: list[str] = []

    def execute(self, sql: str, params: Any = ()) -> None:
        self.said.append(sql)


def made_by_migrations() -> set[str]:
    recorder = Recorder()
    for migration in MigrationLoader(connection).disk_migrations.values():
        for operation in migration.operations:
            if isinstance(operation, AppendOnly | FrozenColumns | SameCurrency):
                operation.database_forwards(migration.app_label, recorder, None, None)
    return {name for sql in recorder.said for name in re.findall(r"CREATE TRIGGER (\w+)", sql)}


def test_none_was_lost() -> None:
    with connection.cursor() as cursor:
        cursor.execute(PRESENT[connection.vendor])
        present = {name for (name,) in cursor.fetchall()}
    wanted = made_by_migrations()

    assert len(wanted) > 15
    assert wanted - present == set()
