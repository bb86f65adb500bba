"""The database's clock, read and gone on from the last reading."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from unlockshop.kernel import clock


@pytest.mark.django_db
def test_the_unasked_clock_goes_on_from_the_last_reading(django_assert_num_queries):
    read = clock.database_now()
    time.sleep(0.05)

    with django_assert_num_queries(0):
        unasked = clock.database_now_unasked()

    assert read + timedelta(seconds=0.05) <= unasked <= clock.database_now() + timedelta(seconds=0.5)


@pytest.mark.django_db
def test_a_frozen_clock_stops_them_all():
    with clock.frozen(clock.now() - timedelta(days=400)):
        assert clock.database_now_unasked() == clock.database_now() == clock.now()
