"""Text columns that are encrypted at rest: supplier keys and delivered results.

Keys come from the setting ``FIELD_KEYS`` (Fernet keys; the first writes, all read) and are separate from
``SECRET_KEY``. Ciphertext carries the prefix ``enc1:``, so a plain value is never taken for an encrypted one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

PREFIX = "enc1:"


class DecryptionFailed(ValueError):
    """A stored value opens with none of the configured keys."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: str) -> str:
    """Ciphertext of ``plain``; the empty text stays empty."""
    if not plain:
        return ""
    return PREFIX + _fernet(tuple(settings.FIELD_KEYS)).encrypt(plain.encode()).decode()


def decrypt(stored: str) -> str:
    """The text behind ``stored``; raises ``DecryptionFailed``."""
    if not stored:
        return ""
    if not stored.startswith(PREFIX):
        raise DecryptionFailed("stored value is not encrypted")
    try:
        return _fernet(tuple(settings.FIELD_KEYS)).decrypt(stored[len(PREFIX) :].encode()).decode()
    except InvalidToken as error:
        raise DecryptionFailed("no configured key opens this value") from error


class EncryptedTextField(models.TextField):
    """A text column that the database only ever sees encrypted. It cannot be searched."""

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> str | None:
        return None if value is None else decrypt(value)

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else encrypt(str(value))
