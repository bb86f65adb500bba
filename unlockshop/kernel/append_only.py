"""Tables that are only ever added to: a migration operation that makes the database refuse UPDATE and DELETE."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

SQLITE = """CREATE TRIGGER {table}_refuses_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""

POSTGRES_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END
$$ LANGUAGE plpgsql"""

POSTGRES = """CREATE TRIGGER {table}_refuses_{verb} BEFORE {verb} ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse_change()"""


class AppendOnly(Operation):
    """Refuse UPDATE and DELETE on ``table``, whoever asks, on SQLite and PostgreSQL.

    SQLite forgets a table's triggers when a later migration rebuilds it; that migration repeats this operation.
    """

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes in the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the triggers, anew where they are there."""
        self.database_backwards(app_label, schema_editor, from_state, to_state)
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(POSTGRES_FUNCTION, params=None)
            template = POSTGRES
        else:
            template = SQLITE
        for verb in ("update", "delete"):
            schema_editor.execute(template.format(table=self.table, verb=verb))

    def database_backwards(self, _app_label: str, schema_editor: Any, _from: Any, _to: Any) -> None:
        """Drop the triggers."""
        on_table = f" ON {self.table}" if schema_editor.connection.vendor == "postgresql" else ""
        for verb in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {self.table}_refuses_{verb}{on_table}")

    def describe(self) -> str:
        """What ``migrate`` prints."""
        return f"Make {self.table} append-only"
