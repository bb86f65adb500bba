from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from unlockshop.kernel.codes import new_certificate_code, new_secret
from unlockshop.kernel.logs import LineFormatter


def written(message: str, *args: Any, exc_info: Any = None) -> str:
    record = logging.LogRecord("shop", logging.WARNING, __file__, 1, message, args, exc_info)
    return LineFormatter("%(levelname)s %(message)s").format(record)


@pytest.mark.parametrize(
    "address",
    [
        "/orders/{}/",
        "/orders/{}/result/",
        "/purchases/{}/pay/",
        "/checkout/{}/check/",
        "/services/x/?draft={}",
        "/cancel/U-647Y-FKQY-9.739942:{}/",
        "/cancel/U-647Y-FKQY-9.delay:{}/",
        "/webhooks/sendgrid/inbound/{}/",
    ],
)
def test_secret_links_are_masked(address: str) -> None:
    secret = new_secret()
    line = written("Forbidden (%s): %s", "CSRF token missing", address.format(secret))
    assert secret not in line
    assert line.endswith(address.format("[masked]"))


@pytest.mark.parametrize(
    "address",
    [
        "/certificates/{}/",
        "/es/certificates/{}/certificate.pdf",
        "/certificates/?code={}",
        "/certificates/?page=2&code={}",
    ],
)
@pytest.mark.parametrize("typed", [str, str.lower, lambda code: code.replace("-", "%20")])
def test_codes_of_certificates_are_masked(address: str, typed: Any) -> None:
    code = typed(new_certificate_code())
    line = written("%s %s", "GET", address.format(code))
    assert code not in line
    assert line.endswith(address.format("[masked]"))


def test_secret_links_in_tracebacks_are_masked() -> None:
    secret = new_secret()
    try:
        int(f"http://shop/orders/{secret}/")
    except ValueError:
        line = written("failed", exc_info=sys.exc_info())
    assert secret not in line
    assert "\nTraceback" in line


def test_one_message_is_one_line() -> None:
    line = written("field %s", "a\r\n2026-01-01 INFO forged\x00\u202e\u2028")
    assert line == "WARNING field a\\x0d\\x0a2026-01-01 INFO forged\\x00\\x202e\\x2028"


def test_ordinary_addresses_stay() -> None:
    assert written("Not Found: %s", "/services/att-us-iphone-semi-premium/") == (
        "WARNING Not Found: /services/att-us-iphone-semi-premium/"
    )
    assert written("Not Found: %s", "/certificates/") == "WARNING Not Found: /certificates/"


def test_the_shop_logs_this_way() -> None:
    assert settings.LOGGING["formatters"]["line"]["()"] == "unlockshop.kernel.logs.LineFormatter"


@pytest.mark.django_db
def test_what_django_says_of_a_refused_form_opens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    secret = new_secret()
    assert Client(enforce_csrf_checks=True).post(f"/orders/{secret}/result/").status_code == 403
    record = next(record for record in caplog.records if record.name == "django.security.csrf")
    assert secret in record.getMessage()
    assert secret not in LineFormatter("%(message)s").format(record)
