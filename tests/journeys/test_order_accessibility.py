"""Pages of purchases, orders, claims and corrections in every state, looked at as ``test_accessibility.py`` looks."""

from __future__ import annotations

import pytest

from tests.journeys.states import AFTER_BUYING, Visit, check_state

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("name", AFTER_BUYING)
def test_everybody_can_use(visit: Visit, name: str) -> None:
    check_state(visit, name)
