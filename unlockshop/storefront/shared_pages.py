"""Pages that are the same for everybody, kept by each process until what they show has changed.

Such a page is made for a visitor of whom nothing is known but address, language and currency, so that nothing personal
can be in it; the visitor's own form token is put in as it is sent. Whoever has a draft or a device gets a page made
for them. No price on a kept page is believed: the checkout reads it anew.

``KeptPagesMiddleware`` sends a kept page before the visitor's session, sign-in and messages are looked at.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from io import BytesIO
from typing import Any, Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils.translation import get_language
from django_htmx.middleware import HtmxDetails

from services import content_versions
from unlockshop.kernel import clock
from unlockshop.storefront import currencies
from unlockshop.storefront.shared_request import TOKEN_PLACE, SharedRequest

Params = ParamSpec("Params")
View = Callable[Concatenate[HttpRequest, Params], HttpResponse]

# Bodies that one process keeps, and how long at most: what no version tells of is never older than that.
MOST_PAGES: Final = 200
MOST_AGE: Final = timedelta(minutes=5)
MOST_BYTES: Final = 200_000
MAX_QUERY: Final = 300
# All that a shared page may know of a request.
_KNOWN: Final = (
    "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "HTTP_HOST",
    "wsgi.url_scheme", "HTTP_HX_REQUEST", "HTTP_HX_TARGET", "HTTP_HX_HISTORY_RESTORE_REQUEST",
)  # fmt: skip
_PATH: Final = _KNOWN.index("PATH_INFO")


@dataclass(frozen=True, slots=True)
class _Own:
    """Who gets a page made for them: whoever brings one of these cookies or parts of a query."""

    cookies: Sequence[str]
    query: Sequence[str]

    def is_of(self, request: HttpRequest) -> bool:
        return any(name in request.COOKIES for name in self.cookies) or any(name in request.GET for name in self.query)


@dataclass(frozen=True, slots=True)
class _Page:
    parts: Sequence[bytes]
    headers: Sequence[tuple[str, str]]
    made_at: datetime
    for_nobody_with: _Own


_pages: Final[OrderedDict[tuple[Any, ...], _Page]] = OrderedDict()
# Where a page was kept lately: no other address asks for versions.
_paths: Final[set[str]] = set()
_lock: Final = threading.Lock()


def shared_page(*, cookies: Sequence[str] = (), query: Sequence[str] = ()) -> Callable[[View[Params]], View[Params]]:
    """Keep the view's answers to visitors who bring none of ``cookies`` and no part of ``query``.

    Only what is read and found (200, no cookies set) is kept.
    """

    own = _Own(cookies, query)

    def decorate(view: View[Params]) -> View[Params]:
        @wraps(view)
        def wrapped(request: HttpRequest, /, *args: Params.args, **kwargs: Params.kwargs) -> HttpResponse:
            if not _may_be_shared(request) or own.is_of(request):
                return view(request, *args, **kwargs)
            key = _key(request)
            page = _find(key)
            if page is None:
                response = view(_shared(request), *args, **kwargs)
                if response.status_code != HTTPStatus.OK or response.cookies:
                    return view(request, *args, **kwargs)
                page = _keep(key, response, own)
            return _answer(request, page)

        return wrapped

    return decorate


def kept_answer(request: HttpRequest) -> HttpResponse | None:
    """The answer to this request, if it is a page that is kept and not made for this visitor.

    Asks neither view nor address: what is kept under the address, host and all, has been through both.
    """
    if not _may_be_shared(request) or request.META.get("PATH_INFO") not in _paths:
        return None
    page = _find(_key(request))
    return None if page is None or page.for_nobody_with.is_of(request) else _answer(request, page)


def clear() -> None:
    """Forget every page and version."""
    with _lock:
        _pages.clear()
        _paths.clear()
    content_versions.forget()


def _may_be_shared(request: HttpRequest) -> bool:
    return request.method in {"GET", "HEAD"} and len(request.META.get("QUERY_STRING", "")) <= MAX_QUERY


def _key(request: HttpRequest) -> tuple[Any, ...]:
    known = tuple(request.META.get(name, "") for name in _KNOWN)
    versions = tuple(sorted(content_versions.current().items()))
    return known, request.scheme, get_language(), currencies.chosen_currency(request), clock.now().date(), versions


def _shared(request: HttpRequest) -> SharedRequest:
    environ: dict[str, Any] = {str(name): request.META[name] for name in _KNOWN if name in request.META}
    environ |= {"REQUEST_METHOD": "GET", "wsgi.input": BytesIO(), "wsgi.url_scheme": request.scheme or "http"}
    shared = SharedRequest(environ)
    shared.COOKIES = {currencies.COOKIE: currencies.chosen_currency(request)}
    shared.resolver_match = request.resolver_match
    shared.htmx = HtmxDetails(shared)  # type: ignore[attr-defined]
    return shared


def _find(key: tuple[Any, ...]) -> _Page | None:
    with _lock:
        page = _pages.get(key)
        if page is None or not timedelta(0) <= clock.now() - page.made_at < MOST_AGE:
            return None
        _pages.move_to_end(key)
        return page


def _keep(key: tuple[Any, ...], response: HttpResponse, own: _Own) -> _Page:
    parts = response.content.split(TOKEN_PLACE.encode())
    page = _Page(parts, list(response.items()), clock.now(), own)
    if len(response.content) <= MOST_BYTES:
        with _lock:
            _pages[key] = page
            _pages.move_to_end(key)
            while len(_pages) > MOST_PAGES:
                _pages.popitem(last=False)
            _paths.clear()
            _paths.update(known[_PATH] for known, *_rest in _pages)
    return page


def _answer(request: HttpRequest, page: _Page) -> HttpResponse:
    token = get_token(request).encode() if len(page.parts) > 1 else b""
    response = HttpResponse(token.join(page.parts))
    for name, value in page.headers:
        response[name] = value
    return response
