"""Pages that open with a secret link or answer about somebody's order: never stored, indexed or passed on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers, patch_cache_control

Params = ParamSpec("Params")
View = Callable[Concatenate[HttpRequest, Params], HttpResponse]

MAX_POLL_ROUND = 99
REFUSED: Final = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT})


def private_page(view: View[Params]) -> View[Params]:
    """Keep the view's pages out of caches, of search engines and of the Referer of links that leave them.

    The policy is ``same-origin``, not ``no-referrer``: under the latter browsers send our own forms with
    ``Origin: null``, which the CSRF check refuses.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: Params.args, **kwargs: Params.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response["Referrer-Policy"] = "same-origin"
        return response

    return wrapped


def keep_private(response: HttpResponse) -> None:
    """Keep a page of the checkout out of every cache; one that refuses a form may stay in the browser's own history.

    Without it, Back to a form that was sent with a mistake, or too late, ends at the browser's "document expired"
    page. What such a page showed is never believed: its form is judged anew when it is sent again.
    """
    if response.status_code in REFUSED:
        del response["Cache-Control"], response["Expires"]
        patch_cache_control(response, private=True, no_cache=True)
    else:
        add_never_cache_headers(response)


def stays_in_history(response: HttpResponse) -> bool:
    """Whether ``keep_private`` left the page to the browser's history."""
    control = response.get("Cache-Control", "")
    return response.status_code in REFUSED and "private" in control and "no-store" not in control


def small_number(request: HttpRequest, name: str) -> int:
    """A count from the query, 0 for anything else."""
    text = request.GET.get(name, "")
    return min(int(text), MAX_POLL_ROUND) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def poll_delay(round_: int, *, first: int = 5, ceiling: int = 60) -> int:
    """Seconds until the page asks again: doubled every round, up to ``ceiling``."""
    return min(first << min(round_, 10), ceiling)
