"""Sums of money columns that are exact on every database."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum


class ExactSum(Sum):
    """``Sum`` of a column with three digits after the point.

    SQLite adds decimals as floating-point numbers, so fifty times 18.90 would be 944.999999999999. There whole
    thousandths are added instead, which is exact up to 10**12 units.
    """

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        """SUM over integers, and only the result divided."""
        template = "CAST(SUM(%(distinct)sCAST(ROUND(%(expressions)s * 1000) AS INTEGER)) / 1000.0 AS NUMERIC)"
        sql: tuple[str, Any] = self.as_sql(compiler, connection, template=template, **extra)
        return sql
