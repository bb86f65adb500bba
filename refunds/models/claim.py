from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from refunds.states import DECIDED, OPEN_CLAIMS, WAITING, ClaimState, ClaimType
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact


class Claim(models.Model):
    """What a customer asks for one order, or what the shop itself looks into; judged by the order's own terms.

    Only ``refunds.claim_moving`` writes ``state``. A waiting claim has a ``due_at`` for whoever must act; a decided
    one carries its code and the ids of its clauses. ``engine_*`` keep what the rules answered, also beside an
    overrule. At most one claim of an order and type is open: asking again is counted in ``repeats``.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="claims")
    type = models.CharField(max_length=24, choices=ClaimType.choices)
    state = models.CharField(max_length=20, choices=ClaimState.choices)
    profile = models.CharField(max_length=40, help_text=_("The refund rules it is judged by: name and version."))
    text = models.TextField(max_length=2000, blank=True, default="", help_text=_("What the customer wrote."))
    repeats = models.PositiveIntegerField(default=0, help_text=_("How often it was asked for again."))
    by_kind = models.CharField(max_length=10)
    by_label = models.CharField(max_length=254)
    by_ip = models.GenericIPAddressField(null=True, blank=True)

    opened_at = models.DateTimeField(default=clock.now)
    state_changed_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True, blank=True, help_text=_("By when whoever it waits for must act."))

    evidence_requested_at = models.DateTimeField(null=True, blank=True)
    evidence_due_at = models.DateTimeField(null=True, blank=True)
    reminders_sent = models.PositiveSmallIntegerField(default=0)
    supplier_asked_at = models.DateTimeField(null=True, blank=True)
    supplier_answer = models.CharField(
        max_length=10, blank=True, default="", choices=[("approved", _("agreed")), ("rejected", _("refused"))]
    )

    engine_decision = models.CharField(max_length=20, blank=True, default="")
    engine_code = models.CharField(max_length=40, blank=True, default="")
    engine_clauses = models.CharField(max_length=400, blank=True, default="")
    engine_trail = models.JSONField(default=list, blank=True)
    assessed_at = models.DateTimeField(null=True, blank=True)

    code = models.CharField(max_length=40, blank=True, default="", help_text=_("The reason code it was decided by."))
    clauses = models.CharField(max_length=400, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=254, blank=True, default="")
    decision_reason = models.CharField(max_length=500, blank=True, default="")
    is_overrule = models.BooleanField(default=False, help_text=_("Staff decided against the answer of the rules."))

    amount = models.DecimalField(max_digits=14, decimal_places=3, default=Decimal(0), help_text=_("What goes back."))
    currency = models.CharField(max_length=3)
    destination = models.CharField(max_length=24, default="original_payment")
    pay_by = models.DateTimeField(null=True, blank=True, help_text=_("By when the money must have left."))
    refund = models.OneToOneField(
        "payments.Refund", on_delete=models.PROTECT, related_name="claim", null=True, blank=True
    )
    trouble = models.CharField(max_length=300, blank=True, default="", help_text=_("Why its refund needs staff."))

    class Meta:
        ordering = ["-opened_at", "-pk"]
        indexes = [
            models.Index(fields=["state", "due_at"], name="refunds_claim_queue"),
            models.Index(fields=["state", "pay_by"], name="refunds_claim_payable"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "type"], condition=Q(state__in=sorted(OPEN_CLAIMS)), name="refunds_claim_one_open"
            ),
            models.CheckConstraint(condition=Q(state__in=ClaimState.values), name="refunds_claim_state_known"),
            models.CheckConstraint(condition=Q(type__in=ClaimType.values), name="refunds_claim_type_known"),
            models.CheckConstraint(condition=~Q(profile=""), name="refunds_claim_has_profile"),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(WAITING)) | Q(due_at__isnull=False), name="refunds_claim_waiting_is_due"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(DECIDED))
                | Q(decided_at__isnull=False) & ~Q(code="") & ~Q(clauses="") & ~Q(decided_by=""),
                name="refunds_claim_decided_names_rule",
            ),
            models.CheckConstraint(
                condition=Q(is_overrule=False) | ~Q(decision_reason=""), name="refunds_claim_overrule_has_reason"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refunds_claim_amount_not_negative"),
            models.CheckConstraint(
                condition=~Q(state=ClaimState.APPROVED) | Q(pay_by__isnull=False), name="refunds_claim_approved_is_due"
            ),
            exact("refunds_claim_amount_exact"),
        ]

    def __str__(self) -> str:
        return f"{self.order} {self.get_type_display()}"

    @property
    def money(self) -> Money:
        """What goes back, once approved."""
        return Money(self.amount, self.currency)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act, or money is due."""
        return self.state in OPEN_CLAIMS
