"""What the database repeats of ``kernel.money``: an amount has no more digits than its currency."""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.db.migrations.operations.base import Operation
from django.db.models import Q
from django.db.models.functions import Round

from unlockshop.kernel.money import EXPONENTS

USUAL_DIGITS: Final = 2
# The currencies with another number of digits, by that number.
_UNUSUAL: Final = {
    digits: sorted(code for code, exponent in EXPONENTS.items() if exponent == digits)
    for digits in sorted(set(EXPONENTS.values()) - {USUAL_DIGITS})
}

SQLITE: Final = """CREATE TRIGGER {table}_{verb}_in_currency BEFORE {verb} ON {table}
WHEN NEW.currency <> (SELECT currency FROM {parent} WHERE id = NEW.{column})
BEGIN SELECT RAISE(ABORT, '{table} is not in the currency of its {parent}'); END"""
POSTGRES_FUNCTION: Final = """CREATE OR REPLACE FUNCTION {table}_in_currency() RETURNS trigger AS $$
BEGIN
IF NEW.currency <> (SELECT currency FROM {parent} WHERE id = NEW.{column}) THEN
RAISE EXCEPTION '{table} is not in the currency of its {parent}' USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
END
$$ LANGUAGE plpgsql"""
POSTGRES: Final = """CREATE TRIGGER {table}_{verb}_in_currency BEFORE {verb} ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_in_currency()"""


def exact(name: str, *, amount: str = "amount", currency: str = "currency") -> models.CheckConstraint:
    """A constraint: ``amount`` is a whole number of the currency's minor units."""
    unusual = sorted(code for codes in _UNUSUAL.values() for code in codes)
    fits = ~Q(**{f"{currency}__in": unusual}) & _whole(amount, USUAL_DIGITS)
    for digits, codes in _UNUSUAL.items():
        fits |= Q(**{f"{currency}__in": codes}) & _whole(amount, digits)
    return models.CheckConstraint(condition=fits, name=name)


def _whole(amount: str, digits: int) -> Q:
    return Q(**{amount: Round(amount, precision=digits)})


class SameCurrency(Operation):
    """Refuse a row of ``table`` in another currency than the row of ``parent`` that ``column`` names.

    SQLite forgets a table's triggers when a later migration rebuilds it; that migration repeats this operation.
    """

    reversible = True

    def __init__(self, table: str, *, parent: str, column: str) -> None:
        self.names = {"table": table, "parent": parent, "column": column}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes in the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the triggers, anew where they are there."""
        self.database_backwards(app_label, schema_editor, from_state, to_state)
        template = SQLITE
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(POSTGRES_FUNCTION.format(**self.names), params=None)
            template = POSTGRES
        for verb in ("insert", "update"):
            schema_editor.execute(template.format(verb=verb, **self.names), params=None)

    def database_backwards(self, _app_label: str, schema_editor: Any, _from: Any, _to: Any) -> None:
        """Drop the triggers."""
        table = self.names["table"]
        on_table = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        for verb in ("insert", "update"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_{verb}_in_currency{on_table}")

    def describe(self) -> str:
        """What ``migrate`` prints."""
        return "Keep {table} in the currency of its {parent}".format(**self.names)
