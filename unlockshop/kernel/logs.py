"""How log lines are written: secret links masked, control characters escaped."""

from __future__ import annotations

import logging
import re
from typing import Final

MASK: Final = "[masked]"
# What opens an order, a purchase, a draft or the way in for mails: a path of ours, or the draft in a query. Django
# logs whole paths.
_SECRET: Final = re.compile(
    r"(/(?:orders|purchases|checkout|inbound)/|/cancel/[\w-]+\.\w+:|[?&]draft=)[A-Za-z0-9_-]{20,}"
)
# The code of a certificate opens it as well, however it is typed: in its path, or in the query of the page that asks
# for it.
_CERTIFICATE: Final = re.compile(r"(/certificates/(?:\?(?:[^\s#]*&)?code=)?)[^\s/?&#'\"]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class LineFormatter(logging.Formatter):
    """One line a message, whatever a visitor put into it; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line, with control and direction characters written out."""
        return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """The line and any traceback, without what opens a page."""
        return masked(super().format(record))


def masked(text: str) -> str:
    """The text without what opens a page."""
    return _CERTIFICATE.sub(rf"\1{MASK}", _SECRET.sub(rf"\1{MASK}", text))
