"""The demo's secrets: made once per folder, kept readable by its owner only."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class DemoError(Exception):
    """The demo cannot go on; the text is a sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made once per install, so that a second start opens what the first one wrote."""

    secret_key: str
    field_key: str
    stripe_key: str
    webhook_secret: str
    sendgrid_key: str
    supplier_key: str
    staff_password: str

    @property
    def paypal_client_id(self) -> str:
        """Drawn from the secret key, so that a folder of an older demo has it too."""
        return f"demo-{self._drawn('client')}"

    @property
    def paypal_secret(self) -> str:
        """As above."""
        return self._drawn("secret")

    @property
    def paypal_webhook_id(self) -> str:
        """As above."""
        return f"WH-{self._drawn('webhook').upper()}"

    @property
    def mail_seed(self) -> str:
        """As above: the key that signs mail events is made from it."""
        return self._drawn("mail")

    @property
    def inbound_word(self) -> str:
        """As above: the secret part of the address that takes mails from customers."""
        return self._drawn("inbound")

    def _drawn(self, purpose: str) -> str:
        return hashlib.sha256(f"paypal {purpose} {self.secret_key}".encode()).hexdigest()[:32]

    @classmethod
    def new(cls) -> Secrets:
        """Fresh random ones."""
        return cls(
            secret_key=secrets.token_urlsafe(48),
            field_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            stripe_key=f"sk_test_{secrets.token_hex(12)}",
            webhook_secret=f"whsec_{secrets.token_hex(16)}",
            sendgrid_key=f"SG.{secrets.token_hex(16)}",
            supplier_key="-".join(secrets.token_hex(2).upper() for _ in range(5)),
            staff_password=f"demo-{secrets.token_hex(5)}",
        )


def load_secrets(data: Path) -> Secrets:
    """The folder's secrets, made and kept on the first start. Raises ``DemoError`` when they do not fit its data."""
    path = data / "secrets.json"
    try:
        return Secrets(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError) as error:
        raise DemoError(f"{path} cannot be read ({error}). `make demo-reset` begins anew") from error
    if (data / "shop.sqlite3").exists():
        raise DemoError(
            f"{path} is missing, and without it the kept data cannot be opened. `make demo-reset` begins anew"
        )
    made = Secrets.new()
    write_private(path, {name: getattr(made, name) for name in Secrets.__slots__})
    return made


def write_private(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all, readable by its owner only."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
    fresh.replace(path)
