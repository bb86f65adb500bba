"""The request that a shared page is made for: by nobody in particular."""

from __future__ import annotations

import secrets
from typing import Final

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest

# Where a visitor's form token goes. Not to be guessed, so that no text of the catalogue can ask for one.
TOKEN_PLACE: Final = f"token{secrets.token_hex(16)}"


class SharedRequest(WSGIRequest):
    """A request without cookies but the currency, without session, user and address."""


def leave_token_open(request: HttpRequest) -> None:
    """The page made for this request has ``TOKEN_PLACE`` where the form token goes; whoever sends it puts it in."""
    request.has_open_token = True  # type: ignore[attr-defined]


def form_token(request: HttpRequest | None) -> dict[str, str]:
    """For the context: on a page that is kept, a form's token is the place where the visitor's own goes."""
    is_open = isinstance(request, SharedRequest) or getattr(request, "has_open_token", False)
    return {"csrf_token": TOKEN_PLACE} if is_open else {}
