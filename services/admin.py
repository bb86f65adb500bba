"""Staff pages of the catalogue: categories, services with their form, prices and offers, and suppliers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from services import capability_words, pausing, proving
from services.catalogue import sold_in, without_price
from services.device_admin import DeviceModelAdmin  # noqa: F401 - registers the page of device models
from services.forms import (
    EndPauseForm,
    OfferForm,
    OneIdentifierFormSet,
    PauseForm,
    PriceForm,
    PricesFormSet,
    ServiceFieldForm,
    ServiceForm,
    SupplierForm,
    SwitchOffForm,
    SwitchOnForm,
)
from services.models import (
    IDENTIFIER_KINDS,
    Capability,
    Category,
    Offer,
    Service,
    ServiceField,
    ServicePrice,
    Supplier,
)
from services.pricing.admin import ProposingAdmin
from services.syncing.admin.fetches import FETCH, fetched
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import StaffAction, StaffActionAdmin
from unlockshop.kernel.staff_parts import moment, span


class FieldInline(TabularInline):
    """The service's order form."""

    model = ServiceField
    form = ServiceFieldForm
    formset = OneIdentifierFormSet
    extra = 0
    min_num = 1
    verbose_name_plural = gettext_lazy("order form")


class PriceInline(TabularInline):
    """The service's prices."""

    model = ServicePrice
    form = PriceForm
    formset = PricesFormSet
    extra = 0
    verbose_name_plural = gettext_lazy("prices")


class OfferInline(TabularInline):
    """Who does the work."""

    model = Offer
    form = OfferForm
    extra = 0
    verbose_name_plural = gettext_lazy("offers of suppliers")


class WithoutPriceFilter(admin.SimpleListFilter):
    """Services that visitors with some choice of a currency cannot order."""

    title = gettext_lazy("no price in")
    parameter_name = "without_price"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Any offered currency, or one of them."""
        return [("any", _("any offered currency")), *((code, code) for code in settings.CURRENCIES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Service]) -> QuerySet[Service]:
        """Those not sold in it; prices that lack an option count as none."""
        asked = self.value()
        if asked == "any":
            return without_price(queryset, settings.CURRENCIES)
        return without_price(queryset, [asked]) if asked in settings.CURRENCIES else queryset


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    """The shelves of the catalogue."""

    list_display = ("name", "slug", "position", "services_shown")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """With the number of services."""
        rows: QuerySet[Category] = super().get_queryset(request).annotate(service_count=Count("services"))
        return rows

    @display(description=gettext_lazy("Services"), ordering="service_count")
    def services_shown(self, category: Category) -> int:
        """How many services stand on it."""
        count: int = getattr(category, "service_count", 0)
        return count


@admin.register(Service)
class ServiceAdmin(ProposingAdmin):
    """What the shop sells."""

    form = ServiceForm
    inlines = (FieldInline, PriceInline, OfferInline)
    list_display = ("name", "kind", "category", "promise_shown", "price_shown", "published_shown", "open_shown")
    list_filter = ("is_published", "is_open", WithoutPriceFilter, "kind", "category", "offers__supplier", "country")
    list_select_related = ("category",)
    list_per_page = 50
    search_fields = ("name", "slug", "brand", "operator", "models_note")
    prepopulated_fields = {"slug": ("name",)}
    actions = ("publish", "unpublish", "open_orders", "close_orders")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "slug",
                    ("kind", "result_kind"),
                    "category",
                    ("is_published", "is_open", "needs_approval", "covers_not_found"),
                )
            },
        ),
        (
            gettext_lazy("Who it is for"),
            {
                "fields": (
                    ("brand", "operator"),
                    ("country", "models_note"),
                    "networks",
                    "covered_models",
                    "refuses_misfits",
                    "eligibility",
                )
            },
        ),
        (
            gettext_lazy("Delivery promise"),
            {
                "fields": (("average_minutes", "guaranteed_minutes"), "recheck_days"),
                "description": gettext_lazy(
                    "1 hour = 60, 1 day = 1440, 3 days = 4320. The guarantee counts business time: each whole day is "
                    "a business day, the rest opening hours. At most 20 business days: 28800 minutes."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Service]:
        """With prices, for the list."""
        rows: QuerySet[Service] = super().get_queryset(request).prefetch_related("prices")
        return rows

    @display(description=gettext_lazy("Average / guaranteed"), ordering="guaranteed_minutes")
    def promise_shown(self, service: Service) -> str:
        """Both times in words."""
        return f"{_words(service.average_minutes)} / {_words(service.guaranteed_minutes)}"

    @display(description=gettext_lazy("Price"))
    def price_shown(self, service: Service) -> str:
        """The ordinary prices, and the offered currencies in which it cannot be ordered."""
        prices = list(service.prices.all())
        sold = sold_in(prices)
        missing = ", ".join(code for code in settings.CURRENCIES if code not in sold)
        shown = ", ".join(str(price.money) for price in prices if not price.option) or "—"
        return _("%(prices)s; not sold in %(missing)s") % {"prices": shown, "missing": missing} if missing else shown

    @display(description=gettext_lazy("Published"), ordering="is_published", label={"yes": "success", "no": "neutral"})
    def published_shown(self, service: Service) -> tuple[str, str]:
        """Whether visitors see it."""
        return ("yes", _("Published")) if service.is_published else ("no", _("Hidden"))

    @display(description=gettext_lazy("Orders"), ordering="is_open", label={"yes": "success", "no": "warning"})
    def open_shown(self, service: Service) -> tuple[str, str]:
        """Whether it takes orders."""
        return ("yes", _("Open")) if service.is_open else ("no", _("Closed"))

    @action(description=gettext_lazy("Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Show the complete ones to visitors; say of each other what it lacks."""
        for service in queryset.filter(is_published=False).prefetch_related("fields", "offers"):
            lacks = _lacks(service)
            if lacks:
                text = _("%(service)s stays hidden: it has no %(lacks)s.")
                messages.error(request, text % {"service": service, "lacks": ", ".join(lacks)})
                queryset = queryset.exclude(pk=service.pk)
        self._set(request, queryset, is_published=True)

    @action(description=gettext_lazy("Hide"), permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Take them out of the shop window."""
        self._set(request, queryset, is_published=False)

    @action(description=gettext_lazy("Open for orders"), permissions=["change"])
    def open_orders(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Take orders again."""
        self._set(request, queryset, is_open=True)

    @action(description=gettext_lazy("Close for orders"), permissions=["change"])
    def close_orders(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Stay visible, take no orders."""
        self._set(request, queryset, is_open=False)

    def _set(self, request: HttpRequest, queryset: QuerySet[Service], **flag: bool) -> None:
        changed = list(queryset.exclude(**flag))
        Service.objects.filter(pk__in=[service.pk for service in changed]).update(**flag)
        name, value = next(iter(flag.items()))
        for service in changed:
            self.log_change(request, service, f"{name} = {value}")
        text = ngettext("%(count)d service changed.", "%(count)d services changed.", len(changed))
        messages.success(request, text % {"count": len(changed)})


def _pause(supplier: Supplier, data: Mapping[str, Any], _actor: Actor) -> str:
    until = clock.now() + timedelta(hours=data["hours"])
    pausing.pause(supplier.pk, until=until, reason=data["reason"])
    return _("%(supplier)s gets no new orders before %(until)s.") % {"supplier": supplier, "until": moment(until)}


def _end_pause(supplier: Supplier, _data: Mapping[str, Any], _actor: Actor) -> str:
    pausing.end_pause(supplier.pk)
    return _("%(supplier)s takes orders again.") % {"supplier": supplier}


def _switch_on(supplier: Supplier, data: Mapping[str, Any], actor: Actor) -> str:
    capability = Capability(data["capability"])
    proving.override(supplier.pk, capability, reason=data["reason"], actor=actor)
    return _("On without measurement: %(capability)s.") % {"capability": capability.label}


def _switch_off(supplier: Supplier, data: Mapping[str, Any], actor: Actor) -> str:
    capability = Capability(data["capability"])
    proving.switch_off(supplier.pk, capability, reason=data["reason"], actor=actor)
    return _("Off: %(capability)s.") % {"capability": capability.label}


SUPPLIER_ACTIONS = (
    StaffAction(
        "pause",
        gettext_lazy("Pause"),
        gettext_lazy("No new orders are sent to it for some hours. Orders it has already are still asked about."),
        PauseForm,
        lambda supplier: not pausing.is_paused(supplier),
        _pause,
    ),
    StaffAction(
        "end-pause",
        gettext_lazy("End the pause"),
        gettext_lazy("It gets new orders from now on."),
        EndPauseForm,
        pausing.is_paused,
        _end_pause,
    ),
    FETCH,
    StaffAction(
        "switch-off",
        gettext_lazy("Switch a capability off"),
        gettext_lazy("Nothing relies on it from now on; orders that would have are held for staff."),
        SwitchOffForm,
        lambda supplier: any(getattr(supplier, each) for each in Capability),
        _switch_off,
    ),
    StaffAction(
        "switch-on",
        gettext_lazy("Switch a capability on without measurement"),
        gettext_lazy("Money rests on it: if it does not hold, orders are bought twice. Your reason is kept."),
        SwitchOnForm,
        lambda supplier: not all(getattr(supplier, each) for each in Capability),
        _switch_on,
        is_danger=True,
    ),
)


@admin.register(Supplier)
class SupplierAdmin(StaffActionAdmin):
    """Who does the work. The key is never shown."""

    form = SupplierForm
    staff_actions: Sequence[StaffAction] = SUPPLIER_ACTIONS
    list_display: Sequence[str] = ("name", "adapter", "active_shown", "pause_shown", "offers_shown")
    list_filter: Sequence[Any] = ("is_active", "adapter")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = (
        "pause_shown",
        "catalogue_shown",
        "finds_shown",
        "absent_shown",
        "many_shown",
        "duplicates_shown",
        "settle_shown",
    )
    fieldsets = (
        (None, {"fields": ("name", "slug", ("is_active", "needs_approval"), "pause_shown", "catalogue_shown")}),
        (gettext_lazy("Our credit there"), {"fields": (("alarm_balance", "alarm_hours"), "may_owe")}),
        (gettext_lazy("Connection"), {"fields": (("adapter", "dialect"), "url", "username", "new_api_key")}),
        (
            gettext_lazy("Pace"),
            {"fields": ("poll_seconds", ("calls_at_once", "calls_per_minute"))},
        ),
        (
            gettext_lazy("Proven capabilities"),
            {
                "fields": (
                    ("is_measured", "sends_reference"),
                    "finds_shown",
                    "absent_shown",
                    "many_shown",
                    "duplicates_shown",
                    "settle_shown",
                ),
                "description": gettext_lazy(
                    "Earned by measurement, lost at the first counter-example: money rests on them."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Supplier]:
        """Without the key, with the number of active offers."""
        offers = Count("offers", filter=Q(offers__is_active=True))
        rows: QuerySet[Supplier] = super().get_queryset(request).defer("api_key").annotate(offer_count=offers)
        return rows

    def version_of(self, obj: Supplier) -> str:
        """The pause and the capabilities as they stand."""
        return f"{obj.paused_until} {[getattr(obj, each) for each in Capability]}"

    @display(description=gettext_lazy("Active"), ordering="is_active", label={"yes": "success", "no": "neutral"})
    def active_shown(self, supplier: Supplier) -> tuple[str, str]:
        """Whether it is used at all."""
        return ("yes", _("Active")) if supplier.is_active else ("no", _("Off"))

    @display(description=gettext_lazy("Pause"), ordering="paused_until")
    def pause_shown(self, supplier: Supplier) -> str:
        """Until when, and why."""
        if supplier.pk is None or not pausing.is_paused(supplier):
            return _("not paused")
        until = _("until %(moment)s") % {"moment": moment(supplier.paused_until)}
        return f"{until}: {supplier.pause_reason}"

    @display(description=gettext_lazy("Catalogue"))
    def catalogue_shown(self, supplier: Supplier) -> str:
        """How the latest fetch stands, and where the rows are."""
        return fetched(supplier) if supplier.pk else "—"

    @display(description=Capability.FINDS_BY_REFERENCE.label)
    def finds_shown(self, supplier: Supplier) -> str:
        """What it rests on, or what ended it."""
        return capability_words.told(supplier, Capability.FINDS_BY_REFERENCE)

    @display(description=Capability.ABSENT_IS_PROOF.label)
    def absent_shown(self, supplier: Supplier) -> str:
        """What it rests on, or what ended it."""
        return capability_words.told(supplier, Capability.ABSENT_IS_PROOF)

    @display(description=Capability.ASKS_MANY.label)
    def many_shown(self, supplier: Supplier) -> str:
        """What it rests on, or what ended it."""
        return capability_words.told(supplier, Capability.ASKS_MANY)

    @display(description=Capability.REFUSES_DUPLICATES.label)
    def duplicates_shown(self, supplier: Supplier) -> str:
        """What it rests on, or what ended it."""
        return capability_words.told(supplier, Capability.REFUSES_DUPLICATES)

    @display(description=gettext_lazy("Settle time"))
    def settle_shown(self, supplier: Supplier) -> str:
        """How long an uncertain order waits."""
        return capability_words.settle_told(supplier)

    @display(description=gettext_lazy("Active offers"), ordering="offer_count")
    def offers_shown(self, supplier: Supplier) -> int:
        """How many services it may do."""
        count: int = getattr(supplier, "offer_count", 0)
        return count


def _lacks(service: Service) -> list[str]:
    lacks = {
        _("price"): bool(sold_in(service.prices.all())),
        _("field for the device"): any(field.kind in IDENTIFIER_KINDS for field in service.fields.all()),
        _("active offer of a supplier"): any(offer.is_active for offer in service.offers.all()),
    }
    return [name for name, is_there in lacks.items() if not is_there]


def _words(minutes: int) -> str:
    return span(timedelta(minutes=minutes))
