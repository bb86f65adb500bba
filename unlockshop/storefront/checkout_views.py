"""Steps 2 and 3 of the checkout: details and confirmations, then check your answers and pay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orders import averages, repeating
from orders.models import Draft, Purchase
from orders.placing import PriceChanged, place_purchase
from payments.accepting import NotTaken
from payments.collecting import NothingToPay
from services.browsing import currencies_of, load_form
from services.order_form import answer_label
from unlockshop.kernel import actors
from unlockshop.kernel.errors import Refused, ShopError
from unlockshop.kernel.money import Money
from unlockshop.storefront import (
    checkout_drafts,
    checkout_repeats,
    device_memory,
    errors,
    fit_presenting,
    free_checks,
    terms_presenting,
)
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.catalogue_views import checkout_closed, not_sold_in
from unlockshop.storefront.checkout_forms import CheckForm, DetailsForm
from unlockshop.storefront.checkout_repeats import Repeats
from unlockshop.storefront.paying import FirstPayment
from unlockshop.storefront.private_pages import keep_private
from unlockshop.storefront.ratelimit import HOUR, allowed, too_many
from unlockshop.storefront.tracker_views import WINDOW_SECONDS

StepView = Callable[[HttpRequest, Draft], HttpResponse]


def checkout_step(view: StepView) -> Callable[[HttpRequest, str], HttpResponse]:
    """A step of the draft that the address names: private, never indexed, over once the purchase is made."""

    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponse:
        draft = checkout_drafts.draft_of(token)
        response = _gone(request) if draft is None else view(request, draft)
        keep_private(response)
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return require_http_methods(["GET", "HEAD", "POST"])(wrapped)


@checkout_step
def details(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Step 2: e-mail, confirmations, terms."""
    if bought := checkout_drafts.purchase_of(draft):
        return _see_other(bought.get_absolute_url())
    if not draft.devices:
        return _see_other(checkout_drafts.device_step(draft))
    in_force = checkout_drafts.in_force_for(draft)
    if request.method != "POST":
        form = DetailsForm(draft.service, initial=DetailsForm.initial_from(draft, in_force), in_force=in_force)
        return _details_page(request, draft, form)
    form = DetailsForm(draft.service, request.POST, in_force=in_force)
    if not form.is_valid():
        return _details_page(request, draft, form, status=422)
    answers = form.cleaned_data
    checkout_drafts.save_contact(
        draft,
        email=answers["email"],
        start_now=answers["start_now"],
        country=answers.get("country", ""),
    )
    return _see_other(checkout_drafts.next_step(draft))


@checkout_step
def check(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Step 3: everything once more, then on to the payment page."""
    if bought := checkout_drafts.purchase_of(draft):
        return (
            _pay(bought, FirstPayment(request)) if request.method == "POST" else _see_other(bought.get_absolute_url())
        )
    service = draft.service
    load_form(service)
    if not checkout_drafts.takes_orders(service):
        return checkout_closed(request, draft.service)
    if draft.currency not in currencies_of(service):
        return not_sold_in(request, service, draft.currency)
    former = checkout_drafts.requote(draft) if request.method != "POST" else None
    step = checkout_drafts.next_step(draft, fields=list(service.fields.all()))
    if step != request.path:
        return _see_other(step)
    if not checkout_repeats.may_ask(request, draft):
        return errors.too_many_requests(request, retry_after=WINDOW_SECONDS, way_out=_check_again(request))
    repeats = checkout_repeats.repeats_of(draft)
    fit = fit_presenting.fit_of(request, service, [device["value"] for device in draft.devices])
    if fit is not None and fit.is_refused:
        return fit_presenting.refuse(request, fit)
    if request.method == "POST":
        return _buy(request, draft, repeats, fit)
    return _check_page(request, draft, repeats, fit=fit, former=former)


def _details_page(request: HttpRequest, draft: Draft, form: DetailsForm, *, status: int = 200) -> HttpResponse:
    context = {
        "draft": draft,
        "form": form,
        "device_step": checkout_drafts.device_step(draft),
        "news": terms_presenting.news(draft),
    }
    return render(request, "storefront/checkout_details.html", context, status=status)


def _buy(request: HttpRequest, draft: Draft, repeats: Repeats | None, fit: fit_presenting.Fit | None) -> HttpResponse:
    misfit = fit.sentence if fit else ""
    form = CheckForm(request.POST, has_warnings=_has_warnings(draft), repeats=repeats, misfit=misfit)
    if not form.is_valid():
        return _check_page(request, draft, repeats, form=form, fit=fit, status=422)
    if form.cleaned_data["shown"] != checkout_drafts.fingerprint(draft, _identifiers(repeats)):
        return errors.conflict(
            request,
            title=_("Something has changed"),
            text=_(
                "Your answers, the service, or what is under way for the device changed after this page was opened. "
                "Nothing was ordered."
            ),
            way_out=_check_again(request),
        )
    if not free_checks.has_proof(draft, form.cleaned_data["proof"]):
        form.add_error(None, form.NO_PROOF)
        return _check_page(request, draft, repeats, form=form, fit=fit, status=422)
    email = draft.contact["email"]
    if too_many(request, "purchase", settings.PURCHASES_PER_HOUR, HOUR) or not allowed(
        f"purchase-of:{email.casefold()}", None, settings.PURCHASES_PER_HOUR, HOUR
    ):
        return errors.too_many_requests(request, retry_after=HOUR, way_out=_check_again(request))
    if (refusal := free_checks.too_many_today(request, draft)) is not None:
        return refusal
    repeating.want_again(draft, _identifiers(repeats))
    ip = client_ip(request)
    consent = checkout_drafts.consent_of(
        draft, confirmed=form.confirmed, ip=ip, user_agent=request.headers.get("User-Agent", "")
    )
    payment = FirstPayment(request)
    try:
        purchase = place_purchase(
            draft,
            email=email,
            language=get_language() or settings.LANGUAGE_CODE,
            consent=consent,
            is_demo=settings.DEMO,
            time_zone=form.cleaned_data["time_zone"],
            actor=actors.customer(email, ip),
            beside=payment.write,
        )
    except PriceChanged:
        # The prices that this request began with are not those it ended with.
        draft.refresh_from_db(fields=["service"])
        return _check_page(request, draft, repeats, fit=fit, former=checkout_drafts.requote(draft), status=409)
    except Refused as refused:
        return _still_asked(request, draft) if refused.code == "under_way" else checkout_closed(request, draft.service)
    response = _pay(purchase, payment)
    device_memory.remember_purchase(request, response, purchase)
    return response


def _still_asked(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Another order for a device was paid at this very moment: ask, as if it had been so from the start."""
    repeats = checkout_repeats.repeats_of(draft)
    form = CheckForm({}, has_warnings=_has_warnings(draft), repeats=repeats)
    return _check_page(request, draft, repeats, form=form, status=409)


def _pay(purchase: Purchase, payment: FirstPayment) -> HttpResponse:
    """On to the payment page; to the purchase where nothing is to be paid or the provider does not answer."""
    page = purchase.get_absolute_url()
    if purchase.paid_at is not None:
        return _see_other(page)
    try:
        return _see_other(payment.page(purchase))
    except NothingToPay:
        return _see_other(page)
    except NotTaken:
        return _see_other(f"{page}?payment=not_taken")
    except ShopError:
        return _see_other(f"{page}?payment=unavailable")


def _check_page(
    request: HttpRequest,
    draft: Draft,
    repeats: Repeats | None,
    *,
    form: CheckForm | None = None,
    fit: fit_presenting.Fit | None = None,
    former: Money | None = None,
    status: int = 200,
) -> HttpResponse:
    averages.attach([draft.service])
    is_wanted = set(_identifiers(repeats)) <= set(draft.repeats)
    fresh = CheckForm(
        has_warnings=_has_warnings(draft),
        repeats=repeats,
        misfit=fit.sentence if fit else "",
        initial={"again": is_wanted},
    )
    context: dict[str, Any] = {
        "draft": draft,
        "repeats": repeats,
        "fit": fit,
        "form": form or fresh,
        "shown": checkout_drafts.fingerprint(draft, _identifiers(repeats)),
        "answers": _answers(draft),
        "device_step": checkout_drafts.device_step(draft),
        "details_step": reverse("checkout-details", args=[draft.token]),
        "total": checkout_drafts.quoted(draft),
        "task": free_checks.task_for(draft),
        "each": checkout_drafts.quoted_each(draft),
        "former_total": former,
        "money_back": terms_presenting.panel(draft.service.kind, draft.contact["refund_profile"]),
    }
    return render(request, "storefront/checkout_check.html", context, status=status)


def _answers(draft: Draft) -> list[dict[str, str]]:
    """The answers besides the devices, as people read them, each with the anchor of its field."""
    return [
        {
            "label": field.label,
            "text": answer_label(field, draft.answers[field.name]),
            "anchor": f"id_answer_{field.name}",
        }
        for field in draft.service.fields.all()
        if field.name in draft.answers
    ]


def _identifiers(repeats: Repeats | None) -> Sequence[str]:
    return repeats.identifiers if repeats else ()


def _check_again(request: HttpRequest) -> errors.WayOut:
    return errors.WayOut(request.path, _("Check your answers again"))


def _has_warnings(draft: Draft) -> bool:
    return any(device["warning"] for device in draft.devices)


def _gone(request: HttpRequest) -> HttpResponse:
    return errors.problem(
        request,
        status=404,
        title=_("This order form is no longer here"),
        text=_("The address may be incomplete, or the form was left too long ago. Nothing was ordered or charged."),
    )


def _see_other(address: str) -> HttpResponseRedirect:
    """303: the browser gets the next page, whatever it sent before."""
    return HttpResponseRedirect(address, status=303)
