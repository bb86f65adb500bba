"""The language of a page: its address decides, nothing else. English stands at the root, others under their code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

# Pages whose query is somebody's device or order: the page does not repeat it.
DISCREET: Final = frozenset({"tracker"})
# What search engines may list, so that they know the same page in other languages.
PUBLIC: Final = frozenset({"home", "catalogue", "service", "terms", "refund-rules"})


@dataclass(frozen=True, slots=True)
class Language:
    """A page in one language: its code, its own name, and the page's address in it."""

    code: str
    name: str
    url: str


class LanguageMiddleware:
    """Speak the language that the address names. No cookie and no browser setting changes what an address shows.

    Stands before everything that resolves an address or writes words.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        code = translation.get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
        translation.activate(code)
        request.LANGUAGE_CODE = code
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", code)
        return response


def same_page(request: HttpRequest) -> Sequence[Language]:
    """The page in every language with its query; the first page, where there is nothing at the address."""
    match = request.resolver_match
    path = _bare_path(request.path) if match else "/"
    query = request.META.get("QUERY_STRING", "") if match and match.url_name not in DISCREET else ""
    return [
        Language(code, name, f"{prefix_of(code)}{path}{'?' if query else ''}{query}")
        for code, name in settings.LANGUAGES
    ]


def alternates(request: HttpRequest) -> Sequence[Language]:
    """The full addresses of a public page in every language, last the one for readers of none of them."""
    match = request.resolver_match
    if match is None or match.url_name not in PUBLIC:
        return ()
    path = _bare_path(request.path)
    known = [Language(code, name, f"{settings.BASE_URL}{prefix_of(code)}{path}") for code, name in settings.LANGUAGES]
    return [*known, Language("x-default", "", f"{settings.BASE_URL}{path}")]


def prefix_of(code: str) -> str:
    """What a language's addresses begin with; nothing for the shop's own."""
    return "" if code == settings.LANGUAGE_CODE else f"/{code}"


def _bare_path(path: str) -> str:
    """The address without its language."""
    prefix = prefix_of(translation.get_language() or settings.LANGUAGE_CODE)
    return path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path
