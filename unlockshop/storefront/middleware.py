"""Where a request comes from, how large it may be, what Back finds, and what the staff pages need."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from csp.constants import HEADER as CSP_HEADER
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from services import content_versions
from unlockshop.storefront import errors, shared_pages, unchanged_pages
from unlockshop.storefront.addresses import client_address, forwarded_for
from unlockshop.storefront.private_pages import stays_in_history
from unlockshop.storefront.ratelimit import HOUR, MINUTE, allowed, too_many

GetResponse = Callable[[HttpRequest], HttpResponse]

NO_BODY: Final = frozenset({None, "", "0"})
SIGN_INS_PER_ADDRESS: Final = 10
ADDRESS_WINDOW: Final = 5 * MINUTE
SIGN_INS_PER_ACCOUNT: Final = 20
ACCOUNT_WINDOW: Final = HOUR

# The admin's scripts (Alpine) evaluate strings and set styles. Customers never load them.
ADMIN_POLICY = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE], "img-src": ["data:"], "media-src": [SELF]}


class ClientAddressMiddleware:
    """Set ``request.client_ip``: the visitor's address as text, or None where it is not known."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.client_ip = client_address(  # type: ignore[attr-defined]
            request.META.get("REMOTE_ADDR", ""), forwarded_for(request)
        )
        return self.get_response(request)


class BodyLimitMiddleware:
    """413 for what is larger than any form of ours, before a byte of it is read. A body without a length is empty.

    A view that takes more, such as files, says how much in ``max_body_bytes``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        size = int(length[:20]) if length.isascii() and length.isdecimal() else 0
        if size > settings.MAX_BODY_BYTES and size > _most_taken_at(request.path_info):
            return errors.too_large(request)
        return self.get_response(request)


def _most_taken_at(path: str) -> int:
    """Bytes that the view at this address takes."""
    try:
        view = resolve(path).func
    except Resolver404:
        return 0
    most: int = getattr(view, "max_body_bytes", lambda: 0)()
    return most


class RefusedFormMiddleware:
    """Let Back find a refused form that ``keep_private`` leaves to the browser's history.

    Other cookies than when it was sent, such as the draft's, must not hide it: "Vary: Cookie" goes. No shared cache
    keeps the page, and no request but Back gets it, for it answers a POST.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and stays_in_history(response):
            del response["Vary"]
        return response


class PolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy; that of a page without wishes of its own is worked out once for the settings."""

    _usual = ""
    _of: object = None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        has_wishes = CSP_HEADER in response or any(name.startswith("_csp_") for name in vars(response))
        if settings.DEBUG or has_wishes or getattr(request, "_csp_nonce", None):
            found: HttpResponseBase = super().process_response(request, response)
            return found
        if self._of is not settings.CONTENT_SECURITY_POLICY:
            now = settings.CONTENT_SECURITY_POLICY
            self._usual = super().process_response(request, response)[CSP_HEADER]
            self._of = now  # last, as other threads go by it
        response[CSP_HEADER] = self._usual
        return response


class SharedPagesMiddleware:
    """After a request that may have changed something, the pages of this process show it at once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            if request.method not in {"GET", "HEAD", "OPTIONS"}:
                content_versions.forget()


class KeptPagesMiddleware:
    """Send a page that this process keeps, before anything is found out about the visitor that it does not depend on.

    Pages that all visitors share cost no query; pages about one order the ones that they were made from.

    Stands behind all that gives an answer its headers, and behind the checks of host and form token; a request with a
    body goes on to where its length is judged.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META.get("CONTENT_LENGTH") not in NO_BODY:
            return self.get_response(request)
        kept = shared_pages.kept_answer(request) or unchanged_pages.kept_answer(request)
        return self.get_response(request) if kept is None else kept


class StaffPagesMiddleware:
    """Allow the staff pages, and only them, what their scripts cannot do without; keep them out of every cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(_staff_pages()):
            # What django-csp's csp_update decorator sets; the views are not ours to decorate.
            response._csp_update = ADMIN_POLICY  # type: ignore[attr-defined]  # noqa: SLF001
            add_never_cache_headers(response)
        return response


@cache
def _staff_pages() -> str:
    """The beginning of the staff pages' addresses."""
    return reverse("admin:index")


class StaffSignInLimitMiddleware:
    """Count attempts to sign in, by address and by account. A count ends with its window; no account is ever closed.

    Stands behind the CSRF check, so that a form on another site cannot use up an account's attempts.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """429 instead of the view when there were too many."""
        match = request.resolver_match
        if request.method != "POST" or match is None or match.view_name != "admin:login":
            return None
        if too_many(request, "sign-in", SIGN_INS_PER_ADDRESS, ADDRESS_WINDOW):
            return _too_many_sign_ins(request, ADDRESS_WINDOW)
        account = get_user_model().normalize_username(request.POST.get("username", "")).strip().lower()
        if account and not allowed(f"sign-in-of:{account}", None, SIGN_INS_PER_ACCOUNT, ACCOUNT_WINDOW):
            return _too_many_sign_ins(request, ACCOUNT_WINDOW)
        return None


def _too_many_sign_ins(request: HttpRequest, seconds: int) -> HttpResponse:
    way_out = errors.WayOut(reverse("admin:login"), _("Back to the sign-in"))
    return errors.too_many_requests(request, retry_after=seconds, way_out=way_out)
