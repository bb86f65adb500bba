from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from unlockshop.kernel import clock, codes


class CheckCertificate(models.Model):
    """A finished check's report, opened to everybody who has ``code``, until its customer withdraws it.

    It holds no copy of the report: the page is made from the order's own result. Made anew after a withdrawal, it gets
    another code. Written by ``orders.certifying`` alone.
    """

    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="certificate")
    code = models.CharField(max_length=16, unique=True, default=codes.new_certificate_code, editable=False)
    issued_at = models.DateTimeField(default=clock.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("issued_at")),
                name="orders_checkcertificate_withdrawn_after_issue",
            ),
            models.CheckConstraint(
                condition=Q(code__regex=codes.CERTIFICATE_CODE), name="orders_checkcertificate_code_shape"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("certificate", args=[self.code])
