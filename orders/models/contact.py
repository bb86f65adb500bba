from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.mail import MailTrouble
from unlockshop.kernel import clock


class ContactTask(models.Model):
    """Staff must reach a customer whose mail did not arrive or was not wanted. One open task per purchase.

    ``owner`` and ``due_at`` say whose it is and until when; ``closed_by`` and ``outcome`` what was done about it.
    """

    purchase = models.ForeignKey("orders.Purchase", on_delete=models.PROTECT, related_name="contact_tasks")
    mail = models.ForeignKey("orders.OutgoingMail", on_delete=models.PROTECT, related_name="contact_tasks")
    trouble = models.CharField(max_length=12, choices=MailTrouble.choices)
    address = models.EmailField(max_length=254)
    reason = models.CharField(max_length=500, blank=True, default="")
    owner = models.CharField(max_length=80, default="staff")
    opened_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=254, blank=True, default="")
    outcome = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["due_at", "pk"]
        verbose_name = _("customer to reach")
        verbose_name_plural = _("customers to reach")
        constraints = [
            models.UniqueConstraint(
                fields=["purchase"], condition=Q(closed_at__isnull=True), name="orders_contacttask_one_open"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by="", outcome="")
                | (Q(closed_at__isnull=False) & ~Q(closed_by="") & ~Q(outcome="")),
                name="orders_contacttask_closed_says_how",
            ),
            models.CheckConstraint(condition=~Q(owner=""), name="orders_contacttask_has_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.purchase} {self.address}"
