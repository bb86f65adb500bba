"""The validators, each started when the first test asks for it and kept until the session ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts import validators
from tests.contracts.validators import Validator


@pytest.fixture(scope="session")
def stripe_validator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validator]:
    with validators.steady(tmp_path_factory.mktemp("steady"), "stripe-2026-10.json") as validator:
        yield validator


@pytest.fixture(scope="session")
def paypal_validator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validator]:
    with validators.prism(tmp_path_factory.mktemp("prism"), "paypal.json") as validator:
        yield validator


@pytest.fixture(scope="session")
def sendgrid_validator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validator]:
    with validators.prism(tmp_path_factory.mktemp("prism"), "sendgrid-mail.json") as validator:
        yield validator


@pytest.fixture
def at_stripe(stripe_validator: Validator, settings: Any) -> Validator:
    """The adapter speaks to the contract."""
    settings.STRIPE_API_BASE = stripe_validator.url
    stripe_validator.seen.clear()
    return stripe_validator


@pytest.fixture
def at_paypal(paypal_validator: Validator, settings: Any) -> Validator:
    """The adapter speaks to the contract."""
    settings.PAYPAL_API_BASE = paypal_validator.url
    paypal_validator.seen.clear()
    return paypal_validator


@pytest.fixture
def at_sendgrid(sendgrid_validator: Validator, settings: Any) -> Validator:
    """The transport speaks to the contract."""
    settings.SENDGRID_HOST = sendgrid_validator.url
    sendgrid_validator.seen.clear()
    return sendgrid_validator
