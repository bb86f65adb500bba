from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LegalNotice(models.Model):
    """What the law of one country wants customers there to read before they order, in one language.

    Staff write it. What a customer confirmed is kept with the purchase, so that a later edit changes nothing of it.
    """

    country = models.CharField(
        max_length=2,
        validators=[RegexValidator(r"\A[A-Z]{2}\Z", _("Two capital letters, such as BR."))],
        help_text=_("ISO 3166 code of the country where the customer lives, such as BR."),
    )
    language = models.CharField(max_length=10, default=settings.LANGUAGE_CODE)
    heading = models.CharField(max_length=120)
    text = models.TextField(max_length=4000, help_text=_("Plain text; an empty line begins a new paragraph."))
    is_active = models.BooleanField(default=True, help_text=_("Untick to stop showing it."))

    class Meta:
        ordering = ["country", "language"]
        verbose_name = _("legal notice")
        constraints = [
            models.UniqueConstraint(fields=["country", "language"], name="refunds_legalnotice_once"),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="refunds_legalnotice_country_code"),
            models.CheckConstraint(
                condition=~Q(language="") & ~Q(heading="") & ~Q(text=""), name="refunds_legalnotice_says_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} ({self.language}): {self.heading}"

    @property
    def words(self) -> str:
        """Heading and text, as a customer confirms them."""
        return f"{self.heading}\n{self.text}"
