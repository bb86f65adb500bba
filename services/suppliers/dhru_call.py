"""One call to a Dhru endpoint, and what kind of answer came (protocol sections 1 to 3, 6 and 8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from services.suppliers.base import Endpoint, Exchange, Unreadable, UnsupportedAction
from services.suppliers.dhru_envelope import Envelope, read_envelope, texts
from services.suppliers.dhru_errors import front_refusal, is_unknown_action, refusal_code
from services.suppliers.dhru_parameters import Dialect, encode
from services.suppliers.http import MAX_BODY_BYTES, Answer, SupplierHttp
from services.suppliers.plain_text import to_line, to_plain_text
from unlockshop.kernel.errors import Refused, Retryable

API_PATH: Final = "/api/index.php"
_TOLD_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and the envelope in it, if there is one."""

    answer: Answer
    envelope: Envelope | None


class DhruCall:
    """The way to one endpoint: credentials, dialect, and the log of what was said."""

    def __init__(
        self, endpoint: Endpoint, exchanges: list[Exchange], *, deadline_seconds: float | None = None
    ) -> None:
        try:
            self.dialect = Dialect(endpoint.dialect or Dialect.XML)
        except ValueError as error:
            raise Refused(f"no dialect named {to_line(endpoint.dialect, 20)!r}", code="dialect") from error
        self._endpoint = endpoint
        target = replace(endpoint, url=full_url(endpoint.url), username="")
        self._http = SupplierHttp(target, exchanges, deadline_seconds=deadline_seconds)
        self.masked = self._http.masked

    def call(
        self, action: str, parameters: str, *, purpose: str, send_before: datetime | None = None,
        keys: Collection[str] = (), max_bytes: int = MAX_BODY_BYTES,
    ) -> Reply:  # fmt: skip
        """One POST. ``keys`` are those of a bulk call's rows."""
        form = {
            "username": self._endpoint.username.strip(),
            "apiaccesskey": self._endpoint.api_key.strip(),
            "action": action,
            "requestformat": "JSON",
            "parameters": parameters,
        }
        answer = self._http.post(form, purpose=purpose, send_before=send_before, max_bytes=max_bytes)
        return Reply(answer, read_envelope(answer.text, keys))

    def ask(
        self, action: str, fields: Mapping[str, str] | None = None, *, purpose: str, max_bytes: int = MAX_BODY_BYTES
    ) -> Reply:
        """A call that changes nothing, in this endpoint's dialect."""
        return self.call(action, encode(fields or {}, self.dialect), purpose=purpose, max_bytes=max_bytes)

    def read(
        self, action: str, fields: Mapping[str, str] | None = None, *, purpose: str, may_refuse: bool = False,
        only_ok: bool = False, max_bytes: int = MAX_BODY_BYTES,
    ) -> Envelope:  # fmt: skip
        """The SUCCESS answer of a call that changes nothing. ``may_refuse``: a known no is said as ``Refused``."""
        reply = self.ask(action, fields, purpose=purpose, max_bytes=max_bytes)
        envelope = self.readable(reply)
        if envelope.error is not None or envelope.success is None:
            self.raise_for_error(envelope, may_refuse=may_refuse)
        if only_ok and reply.answer.status != 200:
            raise Retryable(f"the supplier answered with HTTP {reply.answer.status}")
        return envelope

    def readable(self, reply: Reply) -> Envelope:
        """The envelope of an answer to a question; raises ``Unreadable``."""
        if reply.envelope is not None:
            return reply.envelope
        raise Unreadable(f"HTTP {reply.answer.status} without a readable answer{self.masked(_sight(reply.answer))}")

    def raise_for_error(self, envelope: Envelope, *, may_refuse: bool = False) -> None:
        """What an ERROR to a question means: nothing, for any order."""
        told = self.told(envelope)
        text = to_plain_text(envelope.error_text())
        code = refusal_code(text)
        if may_refuse and code:
            raise Refused(told, code=code)
        if is_unknown_action(text):
            raise UnsupportedAction(f"the supplier answered: {told}")
        raise Retryable(f"the supplier answered: {told}")

    def told(self, envelope: Envelope) -> str:
        """The supplier's words, for staff: plain, one line, without our key."""
        half = envelope.error if envelope.error is not None else envelope.success
        return self.masked(to_line(" ".join(texts(half)), _TOLD_CHARS)) or "(nothing)"


def _sight(answer: Answer) -> str:
    """What an answer without an envelope looks like, in words of ours."""
    front = front_refusal(answer)
    if front is not None:
        return f": {front[1]}"
    body = answer.text.lstrip()[:200].casefold()
    if 300 <= answer.status < 400:
        return f": a redirect to {answer.location}" if answer.location else ": a redirect"
    if not body:
        return ": the body is empty"
    if body.startswith("<"):
        return ": it looks like a web page" if "html" in body or body.startswith("<!") else ": it is markup"
    if body.startswith(("{", "[")):
        return ": it looks like JSON, but broken off or of another kind"
    return ""


def full_url(url: str) -> str:
    """The endpoint: as given when it names a script or a path, else with the usual path added (section 1)."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url  # refused, with a reason, when it is used
    if parts.path and not parts.path.endswith("/"):
        return url.strip()
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + API_PATH))
