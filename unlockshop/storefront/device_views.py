"""Starting from the device: an IMEI on the first page, its name from its TAC, and the services that fit it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from orders import averages, learning
from services import device_models, matching
from services.browsing import MAX_QUERY, Sort, Wanted, categories_with_counts, find
from services.fitting import Facts
from services.identifiers import IdentifierInvalid, mask_identifier, parse_imei
from unlockshop.storefront import device_memory, errors, questions
from unlockshop.storefront.currencies import chosen_currency
from unlockshop.storefront.forms import RawField, ShopForm
from unlockshop.storefront.private_pages import keep_private
from unlockshop.storefront.ratelimit import HOUR, too_many

DEVICES_PER_HOUR: Final = 120
# Services on the first page.
MOST_ORDERED: Final = 6


class ImeiField(RawField):
    """An IMEI in any of its spellings, as 15 digits."""

    def clean(self, value: Any) -> str:
        try:
            return parse_imei(self.to_python(value)).value
        except IdentifierInvalid as error:
            raise ValidationError(str(error.message), code=error.code) from error


class StartForm(ShopForm):
    """The field of the first page."""

    imei = ImeiField(
        label=gettext_lazy("Your phone's IMEI"),
        help_text=gettext_lazy("Dial *#06# on the phone to see it. Spaces and dashes do not matter."),
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "off",
                "spellcheck": "false",
                "maxlength": 200,
                "class": "input--number",
            }
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def device(request: HttpRequest) -> HttpResponse:
    """Sent an IMEI, keep it and lead on; read, name the device and show what fits. No address has the IMEI."""
    if request.method == "POST":
        return _take(request)
    imei = device_memory.device_of(request)
    if not imei:
        return HttpResponseRedirect(reverse("home"))
    named = device_models.named([imei]).get(imei)
    facts = learning.facts_of([imei], device_memory.purchases_of(request)).get(imei, Facts())
    wish = {name: _word(request, name) for name in ("brand", "operator")}
    offer = matching.for_device(named, facts, chosen_currency(request), **wish)
    averages.attach([*offer.checks, *offer.services])
    context = {"named": named, "masked": mask_identifier(imei), "facts": facts, "offer": offer, **wish}
    response = render(request, "storefront/device.html", context)
    keep_private(response)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def about_shop(request: HttpRequest) -> dict[str, Any]:
    """What the first page shows beside its form."""
    counts: dict[int, int] = {}

    def popularity(service_ids: Sequence[int]) -> Mapping[int, int]:
        counts.update(averages.orders_of(service_ids))
        return counts

    wanted = Wanted(sort=Sort.POPULAR, currency=chosen_currency(request))
    found = find(wanted, size=2 * MOST_ORDERED, popularity=popularity)
    most_ordered = [service for service in found.services if service.is_open][:MOST_ORDERED]
    averages.attach(most_ordered)
    return {
        "categories": categories_with_counts(),
        "questions": questions.asked_first(),
        "most_ordered": most_ordered,
        "is_counted": bool(counts),
    }


def _take(request: HttpRequest) -> HttpResponse:
    if too_many(request, "device", DEVICES_PER_HOUR, HOUR):
        return errors.too_many_requests(request, retry_after=HOUR)
    if request.POST.get("forget"):
        response = HttpResponseRedirect(reverse("home"), status=303)
        device_memory.forget_device(response)
        return response
    form = StartForm(request.POST)
    if not form.is_valid():
        refused = render(request, "storefront/home.html", {**about_shop(request), "form": form}, status=422)
        keep_private(refused)
        return refused
    response = HttpResponseRedirect(reverse("device"), status=303)
    device_memory.remember_device(response, form.cleaned_data["imei"])
    keep_private(response)
    return response


def _word(request: HttpRequest, name: str) -> str:
    text = request.GET.get(name, "")[:MAX_QUERY].strip()
    return text if text.isprintable() else ""
