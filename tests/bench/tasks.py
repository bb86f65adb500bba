"""What the shop is measured against: a task that does nothing, and one that only claims, posts and updates a row."""

from __future__ import annotations

import os

import requests
from celery import shared_task
from django.db import connection

TABLE = "bench_row"


@shared_task(name="bench.nothing")
def nothing(row_id: int) -> None:
    """What the queue itself costs."""


@shared_task(name="bench.bare")
def bare(row_id: int) -> None:
    """Claim a row, post an order, update the row: the least that forwarding can do, with none of its promises."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET state = 1 WHERE id = %s AND state = 0", [row_id])
        if cursor.rowcount != 1:
            return
    form = {"username": "u", "apiaccesskey": "k", "action": "placeimeiorder", "parameters": str(row_id)}
    answer = requests.post(os.environ["BENCH_SUPPLIER"], data=form, timeout=30).json()
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET state = 2, reference = %s WHERE id = %s",
            [str(answer["SUCCESS"][0]["REFERENCEID"]), row_id],
        )
