"""Supplier text made fit to keep and to read: decoded, without HTML, without our key.

Protocol section 8, points 1, 7 and 8. The result is plain text for people: it still has to be escaped where it is
shown.
"""

from __future__ import annotations

import json
import re
import unicodedata
from html import escape, unescape
from html.parser import HTMLParser
from typing import Final
from urllib.parse import quote, quote_plus

MAX_CHARS: Final = 8_000
MASK: Final = "[masked]"
_SHORTEST_SECRET: Final = 4
_MAX_INPUT: Final = 40_000
# Python refuses to read a number of thousands of digits; no character has one of eight.
_LONG_REFERENCE: Final = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_BREAKING: Final = frozenset(
    {"br", "p", "div", "tr", "li", "ul", "ol", "table", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}
)
_SPACING: Final = frozenset({"td", "th"})
_UNSEEN: Final = frozenset({"script", "style", "title", "template"})
_KEPT_FORMAT: Final = frozenset("\u200c\u200d")  # joiners: names in some scripts, and emoji, need them
_NAMES: Final = (
    "a|abbr|b|big|body|br|button|center|code|div|em|embed|font|form|h[1-6]|head|hr|html|i|iframe|img|input|"
    "li|link|math|meta|object|ol|p|pre|script|small|span|strong|style|svg|table|tbody|td|template|th|thead|title|"
    "tr|tt|u|ul|video"
)
_TAG: Final = re.compile(rf"</?(?:{_NAMES})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_OPEN_END: Final = re.compile(rf"<(?:!--|[/!]?(?:{_NAMES})(?=[\s/]|$))[^>]*$", re.IGNORECASE)


class _Reader(HTMLParser):
    """Collects the text between the tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if not self._unseen and tag in _UNSEEN:
            self._unseen = tag
        self._space(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = ""
        self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)

    def _space(self, tag: str) -> None:
        if tag in _BREAKING:
            self.pieces.append("\n")
        elif tag in _SPACING:
            self.pieces.append(" ")


def to_plain_text(html: str) -> str:
    """``html`` as plain text of at most 8,000 characters: tags, scripts, control and direction marks are gone.

    Text that was escaped twice on its way here gets a second pass.
    """
    text = _without_tags(html[:_MAX_INPUT])
    if _TAG.search(text):
        text = _without_tags(text)
    return _tidy(_TAG.sub("", text))[:MAX_CHARS].rstrip()


def to_line(text: str, limit: int) -> str:
    """``text`` as one line of plain text of at most ``limit`` characters."""
    return " ".join(to_plain_text(text).split())[:limit].rstrip()


def storable(text: str) -> str:
    """``text`` as any database takes it: no NUL, no lone surrogate."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def decode_body(body: bytes) -> str:
    """Section 8, point 1: UTF-8 with any byte order mark, else Windows-1252."""
    while body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


class Mask:
    """Replaces a secret in texts, however it is spelt: plain, URL-quoted, in HTML, in JSON, in any case."""

    def __init__(self, secret: str) -> None:
        key = secret.strip()
        spellings = {key, quote(key), quote(key, safe=""), quote_plus(key), escape(key), json.dumps(key)[1:-1]}
        known = sorted((text for text in spellings if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, known)), re.IGNORECASE) if known else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text


def _without_tags(html: str) -> str:
    html = _LONG_REFERENCE.sub("\ufffd", html)
    reader = _Reader()
    try:
        reader.feed(_OPEN_END.sub("", html))
        reader.close()
    except AssertionError:  # html.parser gives up on some malformed declarations
        return unescape(re.sub(r"<[^<>]*>", " ", html))
    return "".join(reader.pieces)


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(_visible(character) for character in text)
    lines = [re.sub(r" {2,}", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _visible(character: str) -> str:
    if character == "\n" or character in _KEPT_FORMAT:
        return character
    category = unicodedata.category(character)
    if category in {"Zl", "Zp"}:
        return "\n"
    if category == "Zs" or character == "\t":
        return " "
    return "" if category in {"Cc", "Cf", "Cs"} else character
