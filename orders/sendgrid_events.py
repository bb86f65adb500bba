"""SendGrid's Event Webhook: is the post authentic and fresh, and what does each of its events say."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings

from unlockshop.kernel import clock
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.json_values import storable

logger = logging.getLogger(__name__)

# The signature itself never grows old, so a copy of a post would verify for ever.
TOLERANCE: Final = timedelta(seconds=300)
UNREADABLE: Final = "unreadable"
# What explains an event. The rest (addresses of readers, their programs) is nobody's business.
_KEPT: Final = (
    "event", "type", "status", "reason", "response", "bounce_classification", "attempt", "timestamp", "email",
    "mail_id", "category", "smtp-id", "sg_event_id", "sg_message_id", "sg_machine_open",
)  # fmt: skip


class NotAuthentic(ShopError):
    """Not signed by the mail provider, too old, or not a list of events."""


@dataclass(frozen=True, slots=True)
class MailNews:
    """One event. ``kind`` is SendGrid's word for it, or ``unreadable``; ``mail_key`` is our id, empty if not ours."""

    event_id: str
    kind: str
    happened_at: datetime
    mail_key: str = ""
    message_id: str = ""
    address: str = ""
    reason: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


def read(body: bytes, headers: Mapping[str, str]) -> list[MailNews]:
    """The events of one post, each id once. Raises ``NotAuthentic``; a single bad event comes as ``unreadable``."""
    text = _verified(body, headers)
    try:
        events = json.loads(text)
        if not isinstance(events, list):
            raise NotAuthentic("the body is not a list of events")
        return list({news.event_id: news for news in map(_news, events)}.values())
    except (ValueError, RecursionError):
        raise NotAuthentic("the body is not JSON that can be read") from None


def _verified(body: bytes, headers: Mapping[str, str]) -> str:
    from sendgrid.helpers.eventwebhook import (  # noqa: PLC0415 - 75 modules, for processes that get such posts
        EventWebhook,
        EventWebhookHeader,
    )

    signature = headers.get(EventWebhookHeader.SIGNATURE) or ""
    stamp = headers.get(EventWebhookHeader.TIMESTAMP) or ""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 11):
        raise NotAuthentic("no timestamp")
    if abs(clock.now().timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise NotAuthentic("too old, or the clocks differ")
    try:
        text = body.decode()
        is_signed = any(EventWebhook(key).verify_signature(text, signature, stamp) for key in _keys())
    except ValueError:  # not UTF-8, or no Base64
        raise NotAuthentic("cannot be verified") from None
    if not is_signed:
        raise NotAuthentic("not signed with a known key")
    return text


def _keys() -> list[str]:
    return [key for key in settings.SENDGRID_WEBHOOK_KEYS if key]


def unusable_keys() -> list[str]:
    """Those of the configured keys that are no keys: for the check at start."""
    keys, found = _keys(), []
    if keys:
        from sendgrid.helpers.eventwebhook import EventWebhook  # noqa: PLC0415 - as in ``_verified``
    for key in keys:
        try:
            EventWebhook(key)
        except Exception:  # whatever the library makes of it
            found.append(key)
    return found


def _news(event: Any) -> MailNews:
    event = storable(event)
    if isinstance(event, dict):
        event_id, kind = _word(event.get("sg_event_id"), 255), _word(event.get("event"), 40)
        if event_id and kind:
            return MailNews(
                event_id=event_id,
                kind="machine_open" if kind == "open" and event.get("sg_machine_open") is True else kind,
                happened_at=_moment(event.get("timestamp")),
                mail_key=_text(event.get("mail_id"), 80),
                message_id=_text(event.get("sg_message_id"), 255),
                address=_text(event.get("email"), 254),
                reason=_reason(event),
                payload={name: _short(event[name]) for name in _KEPT if name in event},
            )
    raw = json.dumps(event, sort_keys=True)
    digest = hashlib.sha256(raw.encode()).hexdigest()
    logger.warning("an event of the mail provider cannot be read: %s", digest)
    return MailNews(f"{UNREADABLE}:{digest}", UNREADABLE, clock.now(), payload={"raw": raw[:2000]})


def _reason(event: Mapping[str, Any]) -> str:
    """Why, in the mail server's or SendGrid's words."""
    status, *words = (_text(event.get(name), 500) for name in ("status", "reason", "response"))
    said = " ".join(filter(None, words))
    return (said if status in said else f"{status} {said}".strip())[:500]


def _moment(value: Any) -> datetime:
    """When it happened, in Unix seconds; what makes no sense, or lies ahead, is now."""
    now = clock.now()
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < now.timestamp():
        return datetime.fromtimestamp(value, UTC)
    return now


def _word(value: Any, most: int) -> str:
    """The value if it can be an id, else nothing."""
    is_word = isinstance(value, str) and len(value) <= most and value.isascii() and value.isprintable()
    return value if is_word else ""


def _text(value: Any, most: int) -> str:
    return " ".join(value.split())[:most] if isinstance(value, str) else ""


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:500]
    return value if isinstance(value, int | float | bool | None) else str(value)[:500]
