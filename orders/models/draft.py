from __future__ import annotations

from django.db import models

from unlockshop.kernel import clock, codes


class Draft(models.Model):
    """A basket on its way through checkout: answers so far, kept between steps and tabs. Holds no promise.

    ``token`` is secret and names it in the address; ``quoted_total`` is the price the customer was shown last;
    ``repeats`` are the identifiers that the customer was told are under way and wants again; ``recheck_of`` is the
    finished check from whose page the draft was begun.
    """

    token = models.CharField(max_length=64, unique=True, default=codes.new_secret, editable=False)
    service = models.ForeignKey("services.Service", on_delete=models.CASCADE, related_name="+")
    devices = models.JSONField(default=list)
    answers = models.JSONField(default=dict)
    contact = models.JSONField(default=dict)
    repeats = models.JSONField(default=list)
    recheck_of = models.ForeignKey("orders.Order", on_delete=models.SET_NULL, null=True, related_name="+")
    quoted_total = models.DecimalField(max_digits=14, decimal_places=3, null=True)
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return f"draft {self.pk} of {self.service_id}"
