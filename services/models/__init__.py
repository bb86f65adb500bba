"""The catalogue: what is sold, in which order form, at which price, and who does the work."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from services.models.content import ContentVersion  # noqa: F401 - Django finds an app's models here
from services.models.device import DeviceModel, ModelSource  # noqa: F401 - Django finds an app's models here
from services.models.health import (  # noqa: F401 - Django finds an app's models here
    StaffNotice,
    SupplierBalance,
    SupplierHealth,
    SupplierHour,
)
from services.models.proof import Capability, CapabilityProof, ProofOrigin  # noqa: F401 - Django finds models here
from services.pricing.models import CostRate, MarginRule  # noqa: F401 - tables of this app, like those below
from services.syncing.models import CatalogueChoice, CatalogueSync, SupplierService  # noqa: F401
from unlockshop.kernel.crypto import EncryptedTextField
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact
from unlockshop.kernel.web_address import check_url

# A guarantee is at most 20 business days; a whole day of it is one business day.
MAX_GUARANTEED_HOURS = 20 * 24


class ServiceKind(models.TextChoices):
    """The three kinds of work the shop sells, and no others."""

    UNLOCK = "unlock", _("Unlock")
    CHECK = "check", _("Check")
    TOPUP = "topup", _("Top-up")


class ResultKind(models.TextChoices):
    """What a finished order hands over; decides the instructions beside it."""

    REMOTE_UNLOCK = "remote_unlock", _("Released remotely")
    CODE = "code", _("Unlock code")
    REPORT = "report", _("Report")
    TOPUP = "topup", _("Mobile credit")


class FieldKind(models.TextChoices):
    """How an answer on the order form is asked for and validated."""

    IMEI = "imei", _("IMEI")
    IMEI_OR_SERIAL = "imei_or_serial", _("IMEI or serial number")
    MSISDN = "msisdn", _("Phone number")
    NETWORK = "network", _("Network")
    MODEL = "model", _("Model")
    COUNTRY = "country", _("Country")
    CHOICE = "choice", _("Choice")
    TEXT = "text", _("Text")


IDENTIFIER_KINDS = frozenset({FieldKind.IMEI, FieldKind.IMEI_OR_SERIAL, FieldKind.MSISDN})


class Category(models.Model):
    """A shelf of the catalogue."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """One kind of work the shop sells: its order form, price, delivery promise and result.

    Times are in minutes. ``is_published`` shows it to visitors; ``is_open`` also takes orders.
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=ServiceKind.choices)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="services")
    brand = models.CharField(max_length=60, blank=True, db_index=True)
    operator = models.CharField(max_length=60, blank=True, db_index=True)
    country = models.CharField(max_length=2, blank=True, help_text=_("ISO 3166 code of the network's country."))
    networks = models.JSONField(default=list, blank=True)
    models_note = models.CharField(_("models"), max_length=200, blank=True, help_text=_("Which devices, in words."))
    eligibility = models.TextField(blank=True, help_text=_("Who can order, who should not; shown before the order."))
    result_kind = models.CharField(max_length=16, choices=ResultKind.choices)
    average_minutes = models.PositiveIntegerField(
        help_text=_("Supplier's estimate in minutes; shown as an average, not guaranteed.")
    )
    guaranteed_minutes = models.PositiveIntegerField(help_text=_("In minutes; the promise frozen on an order."))
    is_published = models.BooleanField(default=False)
    is_open = models.BooleanField(
        default=True, help_text=_("Untick to stop new orders, for example on a carrier's change.")
    )
    needs_approval = models.BooleanField(
        default=False, help_text=_("Staff approve each order before it is sent to a supplier.")
    )
    covers_not_found = models.BooleanField(
        default=False, help_text=_("Suggested where another service did not find a device, or cannot deliver.")
    )
    covered_models = models.JSONField(
        default=list,
        blank=True,
        help_text=_("A list of the beginnings of the names of covered models, such as iPhone 13. Empty: all."),
    )
    refuses_misfits = models.BooleanField(
        _("refuses devices that do not fit"),
        default=True,
        help_text=_("No order for a device that is known not to fit. Unticked, the customer is warned and may go on."),
    )
    recheck_days = models.PositiveSmallIntegerField(
        default=30,
        help_text=_("For so many days after a check, the same device is checked again at the re-check price."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["category__position", "name"]
        indexes = [models.Index(fields=["is_published", "category"])]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ServiceKind.values), name="services_service_kind_known"),
            models.CheckConstraint(
                condition=Q(result_kind__in=ResultKind.values), name="services_service_result_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(guaranteed_minutes__gte=models.F("average_minutes")),
                name="services_service_guarantee_covers_average",
            ),
            models.CheckConstraint(
                condition=Q(guaranteed_minutes__lte=MAX_GUARANTEED_HOURS * 60),
                name="services_service_guarantee_at_most_20_days",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("service", args=[self.slug])


class ServiceField(models.Model):
    """One question of a service's order form. Exactly one of them asks for the identifier."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="fields")
    name = models.SlugField(max_length=40)
    label = models.CharField(max_length=80)
    kind = models.CharField(max_length=16, choices=FieldKind.choices)
    is_required = models.BooleanField(default=True)
    choices = models.JSONField(default=list, blank=True, help_text=_("Allowed answers, for kind choice."))
    pattern = models.CharField(max_length=120, blank=True, help_text=_("Regular expression the whole answer matches."))
    help_text = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["service", "name"], name="services_servicefield_name_unique"),
            models.UniqueConstraint(
                fields=["service"],
                condition=Q(kind__in=sorted(IDENTIFIER_KINDS)),
                name="services_servicefield_one_identifier",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_identifier(self) -> bool:
        """Whether the answer names the device or line the work is done on."""
        return self.kind in IDENTIFIER_KINDS


class ServicePrice(models.Model):
    """What a service costs in one currency, tax included. A price table, never a hidden rate.

    ``option`` narrows the price to one answer of the form (a top-up of 20 costs more than one of 5);
    empty is the ordinary price, and the "from" price of a service with options. ``recheck_amount`` is what the same
    check of the same device costs soon after (``Service.recheck_days``).
    """

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3)
    option = models.CharField(max_length=40, blank=True, default="")
    amount = models.DecimalField(max_digits=12, decimal_places=3, validators=[MinValueValidator(Decimal(0))])
    recheck_amount = models.DecimalField(
        _("re-check price"),
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        help_text=_("Of the same check of the same device, soon after. Empty: the ordinary price."),
    )

    class Meta:
        ordering = ["currency", "amount"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "currency", "option"], name="services_serviceprice_currency_unique"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="services_serviceprice_not_negative"),
            exact("services_serviceprice_exact"),
            exact("services_serviceprice_recheck_exact", amount="recheck_amount"),
            models.CheckConstraint(
                condition=Q(recheck_amount__isnull=True)
                | Q(recheck_amount__gt=0, recheck_amount__lte=models.F("amount")),
                name="services_serviceprice_recheck_at_most_ordinary",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @property
    def money(self) -> Money:
        """The price as money."""
        return Money(self.amount, self.currency)

    @property
    def recheck_money(self) -> Money:
        """The re-check price as money; the ordinary one where there is no other."""
        return Money(self.amount if self.recheck_amount is None else self.recheck_amount, self.currency)


class Supplier(models.Model):
    """Somebody whose API does the work. A new one has no capabilities; ``services.proving`` alone switches them."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    adapter = models.CharField(max_length=40, help_text=_("Name of the adapter that speaks this supplier's protocol."))
    url = models.CharField(max_length=300, help_text=_("Full address of the API endpoint."))
    username = models.CharField(max_length=120, blank=True)
    api_key = EncryptedTextField(blank=True, help_text=_("Stored encrypted and never shown again."))
    dialect = models.CharField(
        max_length=20,
        blank=True,
        help_text=_("Variant of the protocol, as supplier_probe found it. Empty: the usual one."),
    )
    is_active = models.BooleanField(default=True)
    finds_by_reference = models.BooleanField(
        default=False, help_text=_("Proven: an order can be looked up by the reference that we sent with it.")
    )
    absent_is_proof = models.BooleanField(
        default=False,
        help_text=_("Proven: an order missing from two look-ups after the settle time was never placed."),
    )
    asks_many = models.BooleanField(
        default=False, help_text=_("Proven: the status of many orders can be asked for in one request.")
    )
    refuses_duplicates = models.BooleanField(
        default=False, help_text=_("Proven: an order sent a second time under its reference is refused, not bought.")
    )
    sends_reference = models.BooleanField(
        default=False,
        help_text=_("Our reference goes along with orders where the protocol leaves that open, to look for them by."),
    )
    is_measured = models.BooleanField(
        default=True, help_text=_("Some accepted orders are looked for, to measure what may be relied on.")
    )
    settle_seconds = models.PositiveIntegerField(
        default=600, help_text=_("Seconds to wait before looking for an order whose placing is uncertain.")
    )
    poll_seconds = models.PositiveIntegerField(
        default=120, help_text=_("Seconds between two questions about an order.")
    )
    needs_approval = models.BooleanField(
        default=False, help_text=_("Staff approve each order before it is sent here, for example while it is new.")
    )
    may_owe = models.BooleanField(
        default=False, help_text=_("It takes orders that our balance there does not cover, and sends a bill.")
    )
    alarm_balance = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Staff are told when the balance falls below this. Empty: not."),
    )
    alarm_hours = models.PositiveSmallIntegerField(
        default=12,
        null=True,
        blank=True,
        help_text=_("Staff are told when the balance would be used up in fewer hours. Empty: not."),
    )
    calls_at_once = models.PositiveSmallIntegerField(
        default=4, help_text=_("Requests that one worker process may have under way at this supplier.")
    )
    calls_per_minute = models.PositiveIntegerField(
        default=600, help_text=_("Requests a minute from all workers together. 0 is no limit.")
    )
    paused_until = models.DateTimeField(null=True, blank=True, help_text=_("No new orders are sent before this time."))
    pause_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(poll_seconds__gte=1), name="services_supplier_poll_at_least_1s"),
            models.CheckConstraint(condition=Q(calls_at_once__gte=1), name="services_supplier_calls_at_least_one"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """The address is one that may be called, as far as that can be told without looking its host up."""
        super().clean()
        if self.url:
            try:
                check_url(self.url.strip(), allow_loopback=settings.SUPPLIERS_ALLOW_LOOPBACK)
            except Refused as error:
                raise ValidationError(
                    {"url": _("No order would be sent there: %(reason)s.") % {"reason": error}}
                ) from error


class SupplierPace(models.Model):
    """How many requests a supplier got since a moment; all workers count in this one row."""

    supplier = models.OneToOneField(Supplier, on_delete=models.CASCADE, related_name="pace")
    since = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.supplier}: {self.calls}"


class Offer(models.Model):
    """A supplier's service behind one of ours, with its cost. The lowest ``priority`` is asked first."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="offers")
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="offers")
    supplier_service_id = models.CharField(max_length=80)
    cost = models.DecimalField(max_digits=12, decimal_places=3)
    cost_currency = models.CharField(max_length=3)
    priority = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "supplier", "supplier_service_id"], name="services_offer_unique"
            ),
            models.CheckConstraint(condition=Q(cost__gte=0), name="services_offer_cost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.supplier} #{self.supplier_service_id}"
