"""Columns that never change once their row is there: a migration operation that makes the database refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.migrations.operations.base import Operation

SQLITE = """CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} WHEN {differs}
BEGIN SELECT RAISE(ABORT, '{table}: {columns} never change'); END"""

POSTGRES_FUNCTION = """CREATE OR REPLACE FUNCTION {table}_refuse_thaw() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '{table}: {columns} never change' USING ERRCODE = 'restrict_violation'; END
$$ LANGUAGE plpgsql"""

POSTGRES = """CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({differs})
EXECUTE FUNCTION {table}_refuse_thaw()"""


class FrozenColumns(Operation):
    """Refuse an UPDATE that gives one of ``columns`` of ``table`` another value, whoever asks.

    SQLite forgets a table's triggers when a later migration rebuilds it; that migration repeats this operation.
    """

    reversible = True

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        self.table = table
        self.columns = tuple(columns)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes in the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the trigger, anew where it is there."""
        self.database_backwards(app_label, schema_editor, from_state, to_state)
        is_postgres = schema_editor.connection.vendor == "postgresql"
        differs = "IS DISTINCT FROM" if is_postgres else "IS NOT"
        names = {
            "table": self.table,
            "columns": ", ".join(self.columns),
            "differs": " OR ".join(f"NEW.{each} {differs} OLD.{each}" for each in self.columns),
        }
        if is_postgres:
            schema_editor.execute(POSTGRES_FUNCTION.format(**names), params=None)
        schema_editor.execute((POSTGRES if is_postgres else SQLITE).format(**names), params=None)

    def database_backwards(self, _app_label: str, schema_editor: Any, _from: Any, _to: Any) -> None:
        """Drop the trigger."""
        on_table = f" ON {self.table}" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {self.table}_frozen{on_table}")

    def describe(self) -> str:
        """What ``migrate`` prints."""
        return f"Freeze {', '.join(self.columns)} of {self.table}"
