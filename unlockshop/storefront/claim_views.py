"""Claims of one order, behind its secret link: what can be claimed, what the rules say, the form, and each claim."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from orders.models import Order
from refunds import calling_off, claiming
from refunds.models import Claim
from refunds.states import OPEN_CLAIMS, ClaimType
from unlockshop.kernel import actors
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.claim_forms import ClaimForm
from unlockshop.storefront.claim_presenting import present_claim, present_ruling
from unlockshop.storefront.private_pages import private_page
from unlockshop.storefront.ratelimit import HOUR, too_many
from unlockshop.storefront.video_presenting import listed

ROWS = Order.objects.select_related("purchase").defer("result")
PER_HOUR = 30


@private_page
@require_safe
def claims(request: HttpRequest, secret: str) -> HttpResponse:
    """The order's claims, and the reasons that fit it now."""
    order = get_object_or_404(ROWS, secret=secret)
    made = [(claim, present_claim(claim)) for claim in _claims(order)]
    standing = calling_off.standing(order)
    context = {
        "order": order,
        "made": made,
        "reasons": [(kind.value, kind.label) for kind in claiming.offered(order)],
        "may_cancel": standing is not None and standing.may,
    }
    return render(request, "storefront/claims.html", context)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, secret: str, kind: str) -> HttpResponse:
    """What the rules say about one reason, what would change it, and the form below; or why it cannot be claimed."""
    order = get_object_or_404(ROWS, secret=secret)
    if kind not in ClaimType.values or kind == ClaimType.OUTCOME:
        raise Http404
    wanted = ClaimType(kind)
    form = ClaimForm(wanted, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if too_many(request, "claim", PER_HOUR, HOUR):
            return _form(request, order, wanted, form, refusal=_("Too many tries. Please wait an hour."), status=429)
        if form.is_valid():
            try:
                text = form.cleaned_data["text"]
                claim = claiming.open_claim(order.pk, wanted, text=text, actor=_actor(request, order))
            except Refused as refused:
                return _form(request, order, wanted, form, refusal=str(refused), status=HTTPStatus.CONFLICT)
            return HttpResponseRedirect(reverse("claim", args=[secret, claim.pk]), status=303)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return _form(request, order, wanted, form, status=status)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, secret: str, claim_id: int) -> HttpResponse:
    """One claim: where it stands. The press on its button takes it back."""
    order = get_object_or_404(ROWS, secret=secret)
    found = get_object_or_404(Claim.objects.filter(order=order), pk=claim_id)
    found.order = order
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            claiming.withdraw(found.pk, actor=_actor(request, order))
        except Refused:
            status = HTTPStatus.CONFLICT
        else:
            return HttpResponseRedirect(request.path, status=303)
        found.refresh_from_db()
    context = {
        "order": order,
        "claim": found,
        "view": present_claim(found, found.events.order_by("seq")),
        "was_refused": status == HTTPStatus.CONFLICT,
        **listed(found),
    }
    return render(request, "storefront/claim.html", context, status=status)


def _form(
    request: HttpRequest, order: Order, kind: ClaimType, form: ClaimForm, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    ruling = None
    try:
        ruling = present_ruling(claiming.guard(order, kind))
    except Refused as refused:
        refusal = refusal or str(refused)
        status = HTTPStatus.CONFLICT if status == HTTPStatus.OK else status
    context = {
        "order": order,
        "kind": kind,
        "ruling": ruling,
        "form": form,
        "refusal": refusal,
        "open_claim": order.claims.filter(type=kind, state__in=sorted(OPEN_CLAIMS)).first(),
    }
    return render(request, "storefront/claim_new.html", context, status=status)


def _claims(order: Order) -> list[Claim]:
    found = list(Claim.objects.filter(order=order).order_by("-opened_at", "-pk"))
    for each in found:
        each.order = order
    return found


def _actor(request: HttpRequest, order: Order) -> Actor:
    return actors.customer(order.purchase.email, client_ip(request))
