"""Signed links by which one member of staff fetches one video for some minutes."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core import signing
from django.urls import reverse

LINK_SECONDS: Final = 600
SALT: Final = "refunds.video"


def link(video_id: int, user_id: int) -> str:
    """An address of the video for this person; on the host for files where there is one."""
    token = signing.dumps([video_id, user_id], salt=SALT)
    return f"{settings.EVIDENCE_URL}{reverse('staff-video', args=[token])}"


def opened(token: str) -> tuple[int, int] | None:
    """The video's and the person's id in a link; None for one that is old or not ours."""
    try:
        video_id, user_id = signing.loads(token, salt=SALT, max_age=LINK_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return int(video_id), int(user_id)


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that a ``Range`` header asks for; None for the whole file.

    Raises ``ValueError`` where the file has nothing there.
    """
    unit, _equals, spec = header.partition("=")
    first_text, dash, last_text = spec.partition("-")
    if unit.strip() != "bytes" or not dash or not all(_is_number(text) for text in (first_text, last_text)):
        return None
    if not first_text and not last_text:
        return None
    if not first_text:
        first, last = max(0, size - int(last_text)), size - 1
    else:
        first, last = int(first_text), min(int(last_text or size), size - 1)
    if first > last:
        raise ValueError("nothing there")
    return first, last


def _is_number(text: str) -> bool:
    return not text or (text.isascii() and text.isdecimal() and len(text) < 16)
