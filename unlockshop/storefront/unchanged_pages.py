"""Pages about one order, sent again while the rows that they were made from are the same.

A process keeps a page with the statements that it was made from and the rows that answered them. When the page is
asked for again, the same statements are sent first, as they were. Where every row is the same, the page of before is
sent: it could not come out otherwise. Composing statements, building objects and rendering, which are nine tenths of
the work, are spared; what is shown is as true as a page made anew.

Only what no row tells, the clock, may be old, by ``MOST_AGE``: whether a moment on the page has passed. The forms on
it are judged when they are sent. Nothing is written outside the process, and no other visitor gets the page: it is
kept under its whole address, the secret link, and everything else that the request may choose.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from itertools import islice
from typing import Any, Concatenate, Final, ParamSpec

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils.translation import get_language

from unlockshop.kernel import clock
from unlockshop.storefront import currencies
from unlockshop.storefront.shared_request import TOKEN_PLACE, leave_token_open

Params = ParamSpec("Params")
View = Callable[Concatenate[HttpRequest, Params], HttpResponse]
Rows = list[tuple[Any, ...]]

MOST_AGE: Final = timedelta(minutes=1)
# What one process keeps: so many pages, and so many bytes of them.
MOST_PAGES: Final = 400
MOST_BYTES: Final = 6_000_000
MOST_ASKED: Final = 4_000
MAX_QUERY: Final = 300
_HEADERS: Final = (
    "PATH_INFO", "QUERY_STRING", "HTTP_HOST", "SCRIPT_NAME", "HTTP_HX_REQUEST", "HTTP_HX_TARGET",
    "HTTP_HX_HISTORY_RESTORE_REQUEST",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Read:
    """One statement that a page was made from, and the rows that answered it."""

    sql: str
    params: Any
    rows: Rows


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page was made from and what came out, in parts around its form tokens."""

    reads: Sequence[_Read]
    parts: Sequence[bytes]
    headers: Sequence[tuple[str, str]]
    made_at: datetime
    is_whole: bool
    """Whether nothing has to be looked at before it is sent."""

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


class _Kept:
    """The pages of this process, the longest unused first, and what was asked for once lately.

    A page is kept from its second look on, so that those who come once do not drive out those who come again.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pages: OrderedDict[tuple[Any, ...], _Page] = OrderedDict()
        self.asked: OrderedDict[int, None] = OrderedDict()
        self.size = 0

    def was_asked(self, key: tuple[Any, ...]) -> bool:
        """Whether the page was asked for before. From now on it was."""
        with self.lock:
            number = hash(key)
            if number in self.asked:
                return True
            self.asked[number] = None
            if len(self.asked) > MOST_ASKED:
                self.asked.popitem(last=False)
            return False

    def find(self, key: tuple[Any, ...]) -> _Page | None:
        with self.lock:
            page = self.pages.get(key)
            if page is not None:
                self.pages.move_to_end(key)
            return page

    def keep(self, key: tuple[Any, ...], page: _Page) -> None:
        with self.lock:
            former = self.pages.pop(key, None)
            self.pages[key] = page
            self.size += page.size - (former.size if former else 0)
            while len(self.pages) > MOST_PAGES or self.size > MOST_BYTES:
                _key, gone = self.pages.popitem(last=False)
                self.size -= gone.size

    def drop(self, key: tuple[Any, ...]) -> None:
        with self.lock:
            former = self.pages.pop(key, None)
            self.size -= former.size if former else 0

    def clear(self) -> None:
        with self.lock:
            self.pages.clear()
            self.asked.clear()
            self.size = 0


_kept: Final = _Kept()
clear: Final = _kept.clear


class _Fetched:
    """A cursor's rows, fetched all at once so that they can be kept, and given out as the cursor would."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.rows: Rows = cursor.fetchall()
        self.left: Iterator[tuple[Any, ...]] = iter(self.rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self.left

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self.left, None)

    def fetchmany(self, size: int = 1) -> Rows:
        return list(islice(self.left, size))

    def fetchall(self) -> Rows:
        return list(self.left)


class _Listener:
    """Keeps what is asked of the database and answered; ``is_reading`` is false once something else was sent."""

    def __init__(self) -> None:
        self.reads: list[_Read] = []
        self.is_reading = True

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        told = execute(sql, params, many, context)
        self.is_reading &= sql.startswith("SELECT") and "FOR UPDATE" not in sql and not many
        if self.is_reading:
            wrapper = context["cursor"]
            cursor = wrapper.cursor
            wrapper.cursor = found = _Fetched(cursor.cursor if isinstance(cursor, _Fetched) else cursor)
            self.reads.append(_Read(sys.intern(sql), params, found.rows))
        return told


def kept_while_unchanged(view: View[Params]) -> View[Params]:
    """Send the view's last answer to the same address again while every row it was made from is as it was.

    For views whose answer rests on rows, address, language, currency and clock alone, and on nothing that the process
    keeps of rows that may change. Only what was found (200, no cookies set) and read without writing is kept, from the
    second look on. Stands above every other decorator: ``kept_answer`` sends the answer without any of them.
    """
    return _keeping(view, is_whole=True)


def kept_behind_limits(view: View[Params]) -> View[Params]:
    """``kept_while_unchanged`` for the part of a view behind what each request has to pass, such as a limit."""
    return _keeping(view, is_whole=False)


def kept_answer(request: HttpRequest) -> HttpResponse | None:
    """The answer to this request, if it is a whole page that is kept and still true. For the middleware."""
    if not _may_be_kept(request) or settings.PROVE_KEPT_PAGES:
        return None
    key = _key(request)
    page = _kept.find(key)
    if page is None or not page.is_whole:
        return None
    if _is_fresh(page) and _is_unchanged(page):
        return _answer(request, page)
    _kept.drop(key)
    return None


def _keeping(view: View[Params], *, is_whole: bool) -> View[Params]:
    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: Params.args, **kwargs: Params.kwargs) -> HttpResponse:
        if not _may_be_kept(request):
            return view(request, *args, **kwargs)
        key = _key(request)
        page = _kept.find(key)
        if page is None and not _kept.was_asked(key) and not settings.PROVE_KEPT_PAGES:
            return view(request, *args, **kwargs)
        if page is None or not _is_fresh(page) or not _is_unchanged(page):
            return _make(request, key, lambda: view(request, *args, **kwargs), is_whole=is_whole)
        if settings.PROVE_KEPT_PAGES:
            _prove(page, request, lambda: view(request, *args, **kwargs))
        return _answer(request, page)

    return wrapped


def _may_be_kept(request: HttpRequest) -> bool:
    return request.method in {"GET", "HEAD"} and len(request.META.get("QUERY_STRING", "")) <= MAX_QUERY


def _key(request: HttpRequest) -> tuple[Any, ...]:
    known = tuple(request.META.get(name, "") for name in _HEADERS)
    return known, request.scheme, get_language(), currencies.chosen_currency(request)


def _is_fresh(page: _Page) -> bool:
    return timedelta(0) <= clock.now() - page.made_at < MOST_AGE


def _is_unchanged(page: _Page) -> bool:
    """Whether every row that the page was made from is as it was."""
    with connection.cursor() as cursor:
        for read in page.reads:
            cursor.execute(read.sql, read.params)
            if cursor.fetchall() != read.rows:
                return False
    return True


def _make(
    request: HttpRequest, key: tuple[Any, ...], make: Callable[[], HttpResponse], *, is_whole: bool
) -> HttpResponse:
    listener, now = _Listener(), clock.now()
    leave_token_open(request)
    with connection.execute_wrapper(listener):
        response = make()
    parts = response.content.split(TOKEN_PLACE.encode())
    if response.status_code == HTTPStatus.OK and listener.is_reading and not response.cookies:
        _kept.keep(key, _Page(listener.reads, parts, list(response.items()), now, is_whole))
    else:
        _kept.drop(key)
    if len(parts) > 1:
        response.content = get_token(request).encode().join(parts)
    return response


def _answer(request: HttpRequest, page: _Page) -> HttpResponse:
    token = get_token(request).encode() if len(page.parts) > 1 else b""
    response = HttpResponse(token.join(page.parts))
    for name, value in page.headers:
        response[name] = value
    return response


def _prove(page: _Page, request: HttpRequest, make: Callable[[], HttpResponse]) -> None:
    """For tests: the page of before is the very page that would be made now."""
    leave_token_open(request)
    made = make().content
    if made != TOKEN_PLACE.encode().join(page.parts):
        raise AssertionError(f"a kept page is not the one of now: {request.path}")
