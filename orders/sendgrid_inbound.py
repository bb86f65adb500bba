"""SendGrid's Inbound Parse: what a post of a mail that came in says. Every word of it is the sender's."""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.utils import getaddresses
from typing import Any, Final

from django.core.exceptions import TooManyFieldsSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import FIELD, ChunkIter, LazyStream, MultiPartParser, Parser

from orders.wording import plain
from services.suppliers.plain_text import to_plain_text

MOST_TEXT: Final = 20_000
# Bytes of a field that are kept, of those fields that are read at all; the rest is read past.
MOST_OF_FIELD: Final = 256 * 1024
MOST_FIELDS: Final = 200
CHUNK: Final = 64 * 1024
_FIELDS: Final = frozenset({"headers", "dkim", "SPF", "to", "from", "subject", "text", "html", "envelope", "charsets"})
_MACHINES: Final = frozenset({"mailer-daemon", "postmaster"})
# Headers that no person's mail program writes.
_BY_MACHINES: Final = ("X-Autoreply", "X-Autorespond", "List-Id", "List-Unsubscribe", "X-Failed-Recipients")
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
# A sender names the encoding; some that Python knows take long over a long text.
_CHARSET: Final = re.compile(
    r"utf-?8|us-ascii|iso-8859-(?:[1-9]|1[013-6])|windows-125[0-8]|koi8-[ru]|gb18030|gb2312|gbk|big5|shift_jis"
    r"|iso-2022-jp|euc-jp|euc-kr"
)
_DKIM: Final = re.compile(r"@([\w.-]{1,253})\s*:\s*(\w{1,20})")


@dataclass(frozen=True, slots=True)
class InboundNews:
    """A mail, bounded. ``key`` is the same whenever it arrives; ``sender`` is empty unless there is exactly one."""

    key: str
    recipients: tuple[str, ...]
    sender: str
    envelope_from: str
    subject: str
    text: str
    message_id: str
    spf: str
    dkim: str
    is_automatic: bool
    is_truncated: bool = False


class _Fields(FileUploadHandler):
    """Reads the fields of a post as the bytes they are, for each has a charset of its own. Attachments are read past.

    A long field is cut, where Django would refuse the whole post: SendGrid throws away what is refused.
    """

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: Any, boundary: Any, encoding: Any = None
    ) -> Any:
        """The start of each field that is known, and which of them were cut. Raises ``TooManyFieldsSent``."""
        found: dict[str, bytes] = {}
        cut: set[str] = set()
        count = 0
        for kind, head, stream in Parser(LazyStream(ChunkIter(input_data, CHUNK)), boundary):
            params: Mapping[str, Any] = head.get("content-disposition", ("", {}))[1]
            name = params.get("name", b"").decode("latin-1").strip()
            if kind == FIELD:
                count += 1
                if count > MOST_FIELDS:
                    raise TooManyFieldsSent("more fields than a mail has")
            if kind == FIELD and name in _FIELDS:
                data = stream.read(size=MOST_OF_FIELD + 1)
                found[name] = data[:MOST_OF_FIELD]
                cut.discard(name)
                if len(data) > MOST_OF_FIELD:
                    cut.add(name)
            deque(stream, maxlen=0)
        return found, cut

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called: ``handle_raw_input`` has read it all."""

    def file_complete(self, file_size: int) -> None:
        """There is no file."""


def read(request: HttpRequest) -> InboundNews:
    """The mail in a post, cut where it is long. Raises ``MultiPartParserError`` or ``SuspiciousOperation``."""
    parsed: Any = MultiPartParser(request.META, request, [_Fields(request)]).parse()
    fields, cut = parsed
    charsets = _object(_field(fields, {}, "charsets"))
    values = {name: _field(fields, charsets, name) for name in fields}
    headers = HeaderParser().parsestr(values.get("headers", "")[:100_000])
    envelope = _object(values.get("envelope", ""))
    to = envelope.get("to")
    listed = [str(each) for each in to] if isinstance(to, list) else []
    recipients = tuple(_addresses(listed or [values.get("to", "")]))
    senders = _addresses([values.get("from", "")])
    sender = senders[0] if len(senders) == 1 else ""
    envelope_from = str(envelope.get("from") or "").strip().lower()[:254]
    source = "text" if values.get("text") else "html"
    text = plain(values.get("text") or to_plain_text(values.get("html", "")))
    message_id = " ".join(str(headers.get("Message-ID") or "").split())[:255]
    identity = message_id or repr((sender, values.get("subject"), text, str(headers.get("Date"))))
    return InboundNews(
        key=hashlib.sha256("\n".join((*recipients, identity)).encode("utf-8", "replace")).hexdigest(),
        recipients=recipients,
        sender=sender,
        envelope_from=plain(envelope_from),
        subject=" ".join(plain(values.get("subject", "")).split())[:200],
        text=text[:MOST_TEXT],
        message_id=plain(message_id),
        spf=plain(values.get("SPF", "")).strip().lower()[:40],
        dkim=plain(values.get("dkim", "")).strip()[:500],
        is_automatic=_is_automatic(headers, sender, envelope, envelope_from),
        is_truncated=source in cut or len(text) > MOST_TEXT,
    )


def is_authentic(sender: str, envelope_from: str, spf: str, dkim: str) -> bool:
    """Whether the checks of origin speak for the sender's domain, or at least not against it.

    A mail that nobody checked passes: its address, which only the customer was sent, speaks for it.
    """
    domain = _domain(sender)
    signed = {(signer.lower(), result.lower()) for signer, result in _DKIM.findall(dkim)}
    if any(result == "pass" and _is_aligned(domain, signer) for signer, result in signed):
        return True
    if spf == "pass" and _is_aligned(domain, _domain(envelope_from)):
        return True
    return spf not in {"fail", "softfail"} and not any(result == "fail" for _signer, result in signed)


def _is_automatic(headers: Message, sender: str, envelope: Mapping[str, Any], envelope_from: str) -> bool:
    """Whether a program wrote it: an answer by itself, a report of non-delivery, or a mailing list."""
    submitted = {value.partition(";")[0].strip().lower() for value in _all(headers, "Auto-Submitted")}
    is_bulk = any(value.strip().lower() in _BULK for value in _all(headers, "Precedence"))
    is_report = str(headers.get("Content-Type") or "").lower().startswith(("multipart/report", "message/"))
    is_nobody = "from" in envelope and envelope_from.strip("<> ") == ""
    returns_nowhere = any(value.strip("<> ") == "" for value in _all(headers, "Return-Path"))
    named = {address.partition("@")[0] for address in (sender, envelope_from)}
    suppresses = any(value.strip().lower() not in {"", "none"} for value in _all(headers, "X-Auto-Response-Suppress"))
    says_so = suppresses or any(headers.get(name) for name in _BY_MACHINES)
    is_answer = bool(submitted - {"no", ""})
    return is_answer or is_bulk or is_report or is_nobody or returns_nowhere or says_so or bool(named & _MACHINES)


def _all(headers: Message, name: str) -> list[str]:
    return [str(value) for value in headers.get_all(name) or []]


def _field(fields: Mapping[str, bytes], charsets: Mapping[str, Any], name: str) -> str:
    charset = str(charsets.get(name) or "utf-8").strip().lower()
    return fields.get(name, b"").decode(charset if _CHARSET.fullmatch(charset) else "utf-8", "replace")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _addresses(lines: list[str]) -> list[str]:
    found = [plain(address).strip().lower() for _name, address in getaddresses([line[:2000] for line in lines])]
    return [address[:254] for address in found if "@" in address][:20]


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip("<> ").lower()


def _is_aligned(domain: str, other: str) -> bool:
    """The same domain, or one below the other."""
    return bool(domain and other) and (domain == other or domain.endswith(f".{other}") or other.endswith(f".{domain}"))
