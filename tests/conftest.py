"""Fixtures that every part of the suite shares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.dispatch import receiver
from django.test.signals import setting_changed

from tests.helpers.messages import compile_stale
from tests.helpers.processes import running_bank
from unlockshop.kernel import clock
from unlockshop.storefront import shared_pages, unchanged_pages

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def pytest_configure(config: pytest.Config) -> None:
    """Compile the texts of languages that were not since they changed. Once, before parallel processes start."""
    if not hasattr(config, "workerinput"):
        compile_stale()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Rate limits and kept pages of one test never reach the next."""
    cache.clear()
    shared_pages.clear()
    unchanged_pages.clear()


@receiver(setting_changed)
def _other_settings(**_told: Any) -> None:
    """No page is kept from under other settings: outside the tests they never change."""
    shared_pages.clear()
    unchanged_pages.clear()


@pytest.fixture
def monday() -> Iterator[datetime]:
    """The clock stands at Monday noon UTC."""
    with clock.frozen(MONDAY):
        yield MONDAY


@pytest.fixture(scope="session")
def bank_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo bank and mailbox, one process for the session."""
    with running_bank(tmp_path_factory.mktemp("bank"), "--delayed-seconds", "0.2") as url:
        yield url


@pytest.fixture
def bank(bank_url: str, settings: Any) -> str:
    """The shop's payment and mail adapters speak to the demo bank."""
    settings.STRIPE_API_BASE = settings.SENDGRID_HOST = settings.PAYPAL_API_BASE = bank_url
    return bank_url
