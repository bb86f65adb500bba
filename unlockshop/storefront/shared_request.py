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


def form_token(request: HttpRequest | None) -> dict[str, str]:
    """For the context: on a shared page a form's token is the place where the visitor's own goes."""
    return {"csrf_token": TOKEN_PLACE} if isinstance(request, SharedRequest) else {}
