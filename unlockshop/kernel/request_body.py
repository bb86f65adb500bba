"""The raw body of a request from a machine, read with a limit."""

from __future__ import annotations

from django.http import HttpRequest


class BodyRefused(Exception):
    """The body is not read further; ``status`` is the answer to give."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def read_body(request: HttpRequest, *, most: int) -> bytes:
    """The body, of at most ``most`` bytes. Raises ``BodyRefused`` (400 for a bad length, 413 for too much)."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        raise BodyRefused("bad length", 400) from None
    body = b"" if length > most else request.read(most + 1)
    if max(length, len(body)) > most:
        raise BodyRefused("too large", 413)
    return bytes(body)
