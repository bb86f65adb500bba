"""Encrypted columns: the database never sees the text, and keys can be rotated."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from services.models import Supplier
from tests import factories
from unlockshop.kernel.crypto import DecryptionFailed, decrypt, encrypt


@pytest.mark.django_db
def test_the_database_never_sees_a_supplier_key():
    supplier = factories.make_supplier(api_key="KEY-CANARY")
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM services_supplier WHERE id = %s", [supplier.pk])
        stored = cursor.fetchone()[0]

    assert "CANARY" not in stored
    assert Supplier.objects.get().api_key == "KEY-CANARY"


def test_an_old_key_still_reads_and_the_new_one_writes(settings):
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.FIELD_KEYS = [old]
    stored = encrypt("text")

    settings.FIELD_KEYS = [new, old]
    assert decrypt(stored) == "text"
    again = encrypt("text")
    settings.FIELD_KEYS = [old]
    with pytest.raises(DecryptionFailed):
        decrypt(again)


@pytest.mark.parametrize("stored", ["plain", "enc1:garbage"])
def test_what_was_never_encrypted_does_not_open(stored):
    with pytest.raises(DecryptionFailed):
        decrypt(stored)


def test_the_empty_text_stays_empty():
    assert encrypt("") == decrypt("") == ""
