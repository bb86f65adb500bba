"""The public tracker: status by order number or device number, and nothing that identifies the customer."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from orders import queries
from services.identifiers import MAX_RAW_LENGTH, IdentifierInvalid, parse_msisdn, recognise
from unlockshop.kernel import codes
from unlockshop.storefront import errors
from unlockshop.storefront.private_pages import private_page
from unlockshop.storefront.ratelimit import allowed, too_many
from unlockshop.storefront.tracker_presenting import TrackedDevice, TrackedOrder, track_device, track_order
from unlockshop.storefront.unchanged_pages import kept_behind_limits

LIMIT: Final = 30
WINDOW_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor asks about, in normal form: an order number, a device number, or neither."""

    number: str = ""
    identifier: str = ""

    @property
    def key(self) -> str:
        return self.number or self.identifier


@private_page
@require_safe
def tracker(request: HttpRequest) -> HttpResponse:
    """Ask for a number; answer with states and days. Unknown and mistyped numbers get the same answer."""
    asked = request.GET.getlist("q")
    if len(asked) > 1:
        return errors.bad_request(request)
    if not asked:
        return _page(request)
    error = _unreadable(asked[0])
    if error:
        return _page(request, error=error, status=422)
    question = read_question(asked[0])
    if too_many(request, "tracker", LIMIT, WINDOW_SECONDS) or not (
        question.key == "" or allowed(f"tracker-of:{question.key}", None, LIMIT, WINDOW_SECONDS)
    ):
        return errors.too_many_requests(request, retry_after=WINDOW_SECONDS)
    return _found(request, question)


@kept_behind_limits
def _found(request: HttpRequest, question: Question) -> HttpResponse:
    order, devices = answer(question)
    return _page(request, order=order, devices=devices, is_asked=True)


def read_question(raw: str) -> Question:
    """What the text can be: an order number wins over a serial number of the same shape."""
    number = codes.normalise_number(raw)
    if not number.startswith(codes.ORDER_PREFIX):
        number = ""
    return Question(number, _identifier(raw))


def answer(question: Question) -> tuple[TrackedOrder | None, list[TrackedDevice]]:
    """One query by number or, failing that, one by device."""
    if question.number:
        story = queries.story_of(question.number)
        if story is not None:
            return track_order(*story, asked=question.number), []
    return None, [track_device(order) for order in queries.paid_orders_of(question.identifier)]


def _identifier(raw: str) -> str:
    try:
        return recognise(raw).value
    except IdentifierInvalid:
        pass
    try:
        return parse_msisdn(raw).value
    except IdentifierInvalid:
        return ""


def _unreadable(raw: str) -> str:
    """Why the text cannot be a number at all; empty when it can."""
    if not raw.strip():
        return _("Enter your order number, or the IMEI, serial number or phone number of the order.")
    if len(raw) > MAX_RAW_LENGTH:
        return _("This is too long for one number. Enter a single order number or IMEI.")
    if any(unicodedata.category(c) in {"Cc", "Cf"} and c not in "\t\r\n" for c in raw):
        return _("The text contains hidden control characters. Type the number instead of pasting it.")
    return ""


def _page(
    request: HttpRequest,
    *,
    order: TrackedOrder | None = None,
    devices: list[TrackedDevice] | None = None,
    error: str = "",
    is_asked: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "order": order,
        "devices": devices,
        "is_cut": len(devices or ()) == queries.TRACKER_LIMIT,
        "error": error,
        "is_asked": is_asked,
    }
    return render(request, "storefront/tracker.html", context, status=status)
