"""What a version of the terms is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import override


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part of the terms; ``anchor`` is its stable address on the page.

    ``chapters`` are the anchors of the refund rules that say the same in numbers; the page links to them.
    """

    anchor: str
    title: Promise
    paragraphs: Sequence[str | Promise]
    chapters: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TermsVersion:
    """Terms as published, in force from ``effective_on`` until a later version is.

    ``changes`` tells in a few lines what differs from the version before; they bind nobody. ``video_days`` is what it
    says of how long a claim's video is kept.
    """

    version: str
    effective_on: date
    sections: Sequence[Section]
    changes: Sequence[Promise] = ()
    video_days: int | None = None

    def fingerprint(self) -> str:
        """SHA-256 of the English text, which is the one that binds."""
        with override("en"):
            text = [[section.anchor, str(section.title), *map(str, section.paragraphs)] for section in self.sections]
        content = json.dumps([self.version, self.effective_on.isoformat(), text], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()
