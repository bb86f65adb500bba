"""Which model an IMEI belongs to: the first eight digits of an IMEI are its type allocation code (TAC)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock


class ModelSource(models.TextChoices):
    """Who says so. Staff count more than finished checks, and those more than files."""

    STAFF = "staff", _("Staff")
    LEARNED = "learned", _("Finished check")
    IMPORTED = "imported", _("File")


class DeviceModel(models.Model):
    """The brand and model of one TAC as one source tells it; ``services.device_models`` chooses among sources."""

    tac = models.CharField(_("TAC"), max_length=8, help_text=_("The first 8 digits of the IMEI."))
    brand = models.CharField(max_length=60)
    model = models.CharField(max_length=80)
    source = models.CharField(max_length=8, choices=ModelSource.choices, default=ModelSource.STAFF)
    origin = models.CharField(
        max_length=60, blank=True, default="", help_text=_("The name of the file, or of the check.")
    )
    seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["tac", "source"]
        verbose_name = _("device model")
        constraints = [
            models.UniqueConstraint(fields=["tac", "source"], name="services_devicemodel_once_per_source"),
            models.CheckConstraint(condition=Q(tac__regex=r"^[0-9]{8}$"), name="services_devicemodel_tac_8_digits"),
            models.CheckConstraint(condition=Q(source__in=ModelSource.values), name="services_devicemodel_source"),
            models.CheckConstraint(condition=~Q(brand="") & ~Q(model=""), name="services_devicemodel_named"),
        ]

    def __str__(self) -> str:
        return f"{self.brand} {self.model}"
