"""Hostile mails: how much reading one takes is counted, never timed; and whose words count in a quoted answer."""

from __future__ import annotations

import json
import re
from unittest.mock import patch

import pytest
from django.test import RequestFactory
from hypothesis import example, given
from hypothesis import strategies as st

from orders import cancel_words, sendgrid_inbound
from orders.cancel_words import Wish

LANGUAGES = ["en", "es", "de", "fr"]
PIECES = (
    "On ", "El ", "Am ", "Le ", " wrote:", " escribió:", " schrieb x:", " a écrit :", "\n", " ", "\t", ">", "-", "_",
    "From:", "-- ", "reply-p", "@", "a", "hi", "hola ", ",", "cancel", "u-1234-1234-1", "\u202e", "ß", "İ",
)  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES), max_size=300).map("".join)
QUOTED = [
    "> {}", "On Mon, 23 Nov 2026, Shop wrote:\n{}", "El lun, 23 nov 2026, Shop escribió:\n{}",
    "Am 23.11.2026 schrieb Shop:\n{}", "Le 23 nov. 2026, Shop a écrit :\n{}", "-----Original Message-----\n{}",
    "---------- Forwarded message ---------\n{}", "-----Ursprüngliche Nachricht-----\n{}",
    "-----Mensaje original-----\n{}", "Von: Shop\n{}", "From: Shop\n{}", "__________\n{}", "-- \n{}",
]  # fmt: skip


class Counting:
    """A pattern that counts the characters that it is given to read."""

    def __init__(self, pattern: re.Pattern[str], read: list[int]) -> None:
        self.pattern, self.read = pattern, read

    def search(self, text: str) -> re.Match[str] | None:
        self.read.append(len(text))
        return self.pattern.search(text)

    def sub(self, new: str, text: str) -> str:
        self.read.append(len(text))
        return self.pattern.sub(new, text)

    def findall(self, text: str) -> list[str]:
        self.read.append(len(text))
        return self.pattern.findall(text)


def read_by(text: str) -> tuple[Wish | None, list[int]]:
    """What a text means, and how much of it each pattern was given."""
    read: list[int] = []
    with (
        patch.object(cancel_words, "_QUOTES", [Counting(each, read) for each in cancel_words._QUOTES]),
        patch.object(cancel_words, "_GREETING", Counting(cancel_words._GREETING, read)),
        patch.object(cancel_words, "_ORDER", Counting(cancel_words._ORDER, read)),
    ):
        return cancel_words.wish_in(text, LANGUAGES), read


@example("On On  escribió:>\n\n\n\nu-1234-1234-1ß", 56)
@given(hostile, st.integers(1, 100))
def test_no_pattern_reads_more_than_the_beginning(piece, times):
    _wish, read = read_by(piece * times)

    # One letter becomes three at most where capitals do not matter, such as ß and ΐ.
    assert max(read) <= cancel_words.READ * 3
    assert len(read) <= len(cancel_words._QUOTES) + 3


@pytest.mark.parametrize("text", ["\n", "On ", ">", " ", "-", "reply-p", "On\n", "Am schrieb", "hi", "u-1234-1234-1 "])
def test_a_huge_mail_of_one_thing_is_no_wish(text):
    wish, read = read_by(text * (20_000 // len(text)))

    assert wish is None
    assert max(read) <= cancel_words.READ


@given(st.text(max_size=500))
def test_any_text_at_all_can_be_read(text):
    cancel_words.wish_in(text, LANGUAGES)


@pytest.mark.parametrize("how", QUOTED)
@given(hostile)
def test_what_is_quoted_changes_no_wish(how, quoted):
    one_line = quoted.replace("\n", " ")

    assert cancel_words.wish_in("cancel\n\n" + how.format(f"do not cancel? {one_line}"), LANGUAGES) == Wish()


@pytest.mark.parametrize("how", QUOTED)
def test_what_is_only_quoted_is_no_wish(how):
    assert cancel_words.wish_in(how.format("cancel"), LANGUAGES) is None
    assert cancel_words.wish_in("Danke.\n" + how.format("cancel"), LANGUAGES) is None


@pytest.mark.parametrize("filler", ["x", " ", "\n"])
def test_a_wish_behind_a_long_beginning_is_for_a_person(filler):
    long = filler * cancel_words.READ

    assert cancel_words.wish_in(f"{long}cancel", LANGUAGES) is None
    assert cancel_words.wish_in(f"cancel{long}unless it is done", LANGUAGES) is None
    assert cancel_words.wish_in(f"cancel\n> {long}", LANGUAGES) == Wish()


# --- Encodings

KNOWN = ["utf-8", "UTF8", "us-ascii", "iso-8859-1", "ISO-8859-15", "windows-1252", "koi8-r", "gbk", "big5", "euc-kr"]
SLOW_OR_STRANGE = [
    "utf_8_sig", "idna", "punycode", "utf-7", "utf-16", "utf-32", "rot13", "zlib", "bz2", "base64", "hex", "uu",
    "unicode_escape",
    "raw_unicode_escape", "undefined", "mbcs", "charmap", "no-such", "utf-8\x00", "iso-8859-1x", "../utf-8",
]  # fmt: skip


def text_of(raw: bytes, charset: object) -> str:
    """What is read of a post whose text is in ``charset``."""
    fields = {"text": raw, "charsets": json.dumps({"text": charset}).encode()}
    body = b"".join(
        b'--b0undary\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields.items()
    )
    request = RequestFactory().post("/", body + b"--b0undary--\r\n", "multipart/form-data; boundary=b0undary")
    return sendgrid_inbound.read(request).text


raw_texts = st.binary(max_size=300).filter(lambda raw: b"b0undary" not in raw).map(lambda raw: b"x" + raw)


@given(raw_texts, st.sampled_from(SLOW_OR_STRANGE) | st.text(max_size=20) | st.integers() | st.none())
def test_an_encoding_that_is_not_allowed_is_read_as_utf8(raw, charset):
    is_allowed = isinstance(charset, str) and sendgrid_inbound._CHARSET.fullmatch(charset.strip().lower())
    if not is_allowed:
        assert text_of(raw, charset) == text_of(raw, "utf-8")


@pytest.mark.parametrize("charset", SLOW_OR_STRANGE)
def test_no_codec_of_python_slips_in(charset):
    assert not sendgrid_inbound._CHARSET.fullmatch(charset)


@given(raw_texts, st.sampled_from(KNOWN))
def test_an_allowed_encoding_yields_no_more_characters_than_bytes(raw, charset):
    assert len(text_of(raw, charset)) <= len(raw)


@pytest.mark.parametrize("charset", KNOWN)
def test_an_allowed_encoding_is_one_that_python_knows(charset):
    assert text_of("cancel".encode(charset), charset) == "cancel"
