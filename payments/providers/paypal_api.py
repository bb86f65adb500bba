"""The ``Api`` class of ``paypalrestsdk`` as the HTTP client of the shop, with what it lacks.

The library waits for ever, repeats a refused token until the stack ends, returns a 400 as if it were an answer, sends
a body with GET, follows redirects and logs secrets at DEBUG. Here every call has time limits and a size limit, is made
at most twice (the second time with a fresh token), raises on 400, follows nothing and logs nothing.

``call`` speaks the shop's errors. What decides is whether the request may have been heard: not connected, no token and
429 are ``Retryable``; a 4xx is ``Refused`` with PayPal's issue name in lower case as its code; everything else
(timeouts, 409 "still working on it", 5xx, redirects, unreadable answers) is ``OutcomeUnknown``.
"""

from __future__ import annotations

import functools
import json
import re
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import paypalrestsdk
import requests
from django.conf import settings
from paypalrestsdk import exceptions
from urllib3.exceptions import NewConnectionError

from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError

TIMEOUT: Final = (5.0, 20.0)
DEADLINE_SECONDS: Final = 45.0
MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024
NOT_FOUND: Final = "resource_not_found"
_CHUNK: Final = 16_384
_ISSUE: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_REF: Final = re.compile(r"[A-Za-z0-9-]{1,255}")
# Not a no: the same request is still being worked on, or PayPal stopped waiting for it.
_UNDECIDED: Final = frozenset({408, 409})
_NOT_SENT: Final = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)

Answer = dict[str, Any]


class PayPalRefused(Refused):
    """A 4xx of PayPal's; ``status`` is the HTTP status."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message, code=code)
        self.status = status


class PayPalApi(paypalrestsdk.Api):
    """One PayPal account. Safe to share between threads; the access token is kept until it expires."""

    def __init__(self, *, endpoint: str, client_id: str, secret: str, is_live: bool) -> None:
        super().__init__(
            mode="live" if is_live else "sandbox",
            endpoint=endpoint,
            token_endpoint=endpoint,
            client_id=client_id,
            client_secret=secret,
        )
        self.token_hash: Answer | None = None
        self._token_lock = threading.Lock()

    def http_call(self, url: str, method: str, **kwargs: Any) -> Any:
        """One exchange within the limits; the library's own version would log tokens and credentials."""
        until = time.monotonic() + DEADLINE_SECONDS
        with requests.request(
            method, url, proxies=self.proxies, timeout=TIMEOUT, allow_redirects=False, stream=True, **kwargs
        ) as response:
            return self.handle_response(response, _text(response, until))

    def request(
        self,
        url: str,
        method: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        refresh_token: None = None,
        *,
        raw: bytes | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> Any:
        """As in the library, but 401 is tried once more with a fresh token, and 400 raises ``BadRequest``.

        ``raw`` is sent as it is in place of ``body``; ``files`` makes it multipart.
        """
        for is_last in (False, True):
            token = self._token()
            own = {**self._headers(token), **(headers or {})}
            sent: dict[str, Any] = {}
            if files is not None:
                sent["files"] = files
            elif method != "GET":
                own["Content-Type"] = "application/json"
                sent["data"] = raw if raw is not None else json.dumps({} if body is None else body)
            try:
                return self.http_call(url, method, headers=own, **sent)
            except exceptions.UnauthorizedAccess:
                with self._token_lock:
                    if self.token_hash is token:
                        self.token_hash = None
                if is_last:
                    raise
        raise AssertionError("unreachable")

    def _headers(self, token: Mapping[str, Any]) -> dict[str, str]:
        return {
            "Authorization": f"{token['token_type']} {token['access_token']}",
            "Accept": "application/json",
            "User-Agent": self.user_agent,
        }

    def _token(self) -> Answer:
        """The access token. Getting one has no effect on money, so every failure but a clear no is ``Retryable``."""
        try:
            with self._token_lock:
                token: Answer = self.get_token_hash()
            if not isinstance(token, dict) or not token.get("access_token") or not token.get("token_type"):
                self.token_hash = None
                raise Retryable("PayPal gave no access token")
        except (exceptions.BadRequest, exceptions.UnauthorizedAccess, exceptions.ForbiddenAccess):
            raise
        except (exceptions.ConnectionError, requests.RequestException, ValueError, RecursionError) as error:
            raise Retryable(f"PayPal gave no access token: {type(error).__name__}") from None
        except OutcomeUnknown as error:
            raise Retryable(f"PayPal gave no access token: {error}") from None
        return token


def call(
    method: str,
    path: str,
    body: Any = None,
    *,
    key: str = "",
    raw: bytes | None = None,
    files: Mapping[str, Any] | None = None,
) -> Answer:
    """One API call in the shop's errors. ``key`` becomes the PayPal-Request-Id."""
    account = api()
    headers = {"Prefer": "return=representation"} if method == "POST" and files is None and raw is None else {}
    if key:
        headers["PayPal-Request-Id"] = key
    try:
        answer = account.request(f"{account.endpoint}/{path}", method, body, headers, raw=raw, files=files)
    except exceptions.ConnectionError as error:
        raise _of_status(error) from None
    except requests.RequestException as error:
        raise _of_network(error) from None
    except (ValueError, RecursionError) as error:
        raise OutcomeUnknown(f"PayPal's answer is not readable: {type(error).__name__}") from None
    if not isinstance(answer, dict):
        raise OutcomeUnknown("PayPal's answer is not an object")
    return answer


def api() -> PayPalApi:
    """The account of the settings; the same object as long as they stay the same."""
    return _api(
        settings.PAYPAL_API_BASE, settings.PAYPAL_CLIENT_ID, settings.PAYPAL_SECRET, bool(settings.PAYPAL_LIVE)
    )


@functools.lru_cache(maxsize=8)
def _api(endpoint: str, client_id: str, secret: str, is_live: bool) -> PayPalApi:
    return PayPalApi(endpoint=endpoint, client_id=client_id, secret=secret, is_live=is_live)


def part(ref: str) -> str:
    """An id as a part of a path. Raises ``Refused`` for what no id of PayPal's looks like."""
    if not _REF.fullmatch(ref):
        raise Refused("not an id of PayPal's", code="bad_reference")
    return ref


def is_ref(value: object) -> bool:
    """Whether a value looks like an id of PayPal's."""
    return isinstance(value, str) and _REF.fullmatch(value) is not None


def _text(response: requests.Response, until: float) -> str:
    """The whole body, as long as it is small enough and in time."""
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise OutcomeUnknown("PayPal's answer is too large")
        if time.monotonic() > until:
            raise OutcomeUnknown("no complete answer from PayPal in time")
    return content.decode("utf-8", "strict" if response.ok else "replace")


def _of_status(error: exceptions.ConnectionError) -> ShopError:
    status = int(error.response.status_code)
    if status == 429:
        return Retryable("PayPal asks to slow down")
    code, debug_id = _problem(status, error.content)
    if 400 <= status < 500 and status not in _UNDECIDED:
        return PayPalRefused(f"{code} (HTTP {status}, debug id {debug_id})", code=code, status=status)
    return OutcomeUnknown(f"no clear answer from PayPal: HTTP {status} {code}, debug id {debug_id}")


def _problem(status: int, content: Any) -> tuple[str, str]:
    """PayPal's name for what is wrong, and its debug id. A 404 has one name whatever its details say."""
    try:
        found = json.loads(content)
        details = found.get("details") or [{}]
        names = [details[0].get("issue"), found.get("name"), found.get("error")]
        debug_id = found.get("debug_id")
    except (ValueError, AttributeError, LookupError, TypeError, RecursionError):
        names, debug_id = [], None
    known = [name.lower() for name in names if isinstance(name, str) and _ISSUE.fullmatch(name)]
    code = NOT_FOUND if status == 404 else next(iter(known), f"http_{status}")
    return code, debug_id if isinstance(debug_id, str) and _ISSUE.fullmatch(debug_id) else "none"


def _of_network(error: requests.RequestException) -> ShopError:
    """Whether the request may have left: only a connection that never came to be proves that it did not."""
    if isinstance(error, _NOT_SENT):
        return Retryable(f"PayPal was not reached: {type(error).__name__}")
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, NewConnectionError):
        return Retryable("PayPal was not reached: no connection")
    if isinstance(error, requests.exceptions.SSLError) and isinstance(
        getattr(reason, "args", (None,))[0], ssl.SSLCertVerificationError
    ):
        return Retryable("PayPal was not reached: its certificate does not verify")
    return OutcomeUnknown(f"no answer from PayPal: {type(error).__name__}")
