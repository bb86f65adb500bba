#!/usr/bin/env python
"""Django's command line."""

from __future__ import annotations

import base64
import os
import secrets
import sys

from django.core.management import execute_from_command_line

# They keep nothing, sign nothing and need no database: they run where no settings have been made yet.
WITHOUT_KEYS = frozenset({"refund_scenarios", "supplier_probe"})

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unlockshop.settings")
    if len(sys.argv) > 1 and sys.argv[1] in WITHOUT_KEYS:
        os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
        os.environ.setdefault("FIELD_KEYS", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    execute_from_command_line(sys.argv)
