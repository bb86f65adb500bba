from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from orders.models.promise import Promised
from orders.states import OPEN, UNDER_WAY, UNPAID, HoldReason, OrderState
from services.models import ResultKind, ServiceKind
from unlockshop.kernel import clock, codes
from unlockshop.kernel.crypto import EncryptedTextField
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact


class Order(Promised):
    """One device x one service, with its own number, life and result.

    Only ``orders.lifecycle`` writes ``state``. Everything the promise rests on (name, price, times in minutes) is a
    snapshot taken at checkout. An open order has either a ``next_action_at`` or an ``owner`` with ``owner_due_at``.
    """

    number = models.CharField(max_length=16, unique=True, default=codes.new_order_number, editable=False)
    secret = models.CharField(max_length=64, unique=True, default=codes.new_secret, editable=False)
    purchase = models.ForeignKey("orders.Purchase", on_delete=models.PROTECT, related_name="orders")
    service = models.ForeignKey("services.Service", on_delete=models.PROTECT, related_name="orders")
    position = models.PositiveSmallIntegerField(default=1)

    service_name = models.CharField(max_length=120)
    service_kind = models.CharField(max_length=8, choices=ServiceKind.choices)
    result_kind = models.CharField(max_length=16, choices=ResultKind.choices)
    price = models.DecimalField(max_digits=12, decimal_places=3)
    currency = models.CharField(max_length=3)
    hold_seconds = models.PositiveIntegerField(
        default=0, help_text=_("How long after payment it is held back, so that the customer can cancel.")
    )
    is_recheck = models.BooleanField(
        default=False, help_text=_("The customer wants it although the same order is under way or was done.")
    )
    identifier = models.CharField(max_length=40, db_index=True)
    identifier_kind = models.CharField(max_length=16)
    answers = models.JSONField(default=dict, blank=True)

    state = models.CharField(max_length=20, choices=OrderState.choices, default=OrderState.AWAITING_PAYMENT)
    state_changed_at = models.DateTimeField(default=clock.now)
    next_action_at = models.DateTimeField(null=True, blank=True)
    forward_after = models.DateTimeField(
        null=True, blank=True, help_text=_("Not sent to a supplier before this time.")
    )
    approved_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When staff let it go on after looking at it.")
    )
    owner = models.CharField(max_length=80, blank=True, default="", help_text=_("Who must act while it is on hold."))
    owner_due_at = models.DateTimeField(null=True, blank=True)
    hold_reason = models.CharField(max_length=24, choices=HoldReason.choices, blank=True, default="")
    polls = models.PositiveIntegerField(default=0)

    result = EncryptedTextField(blank=True, default="")
    supplier_note = models.TextField(
        blank=True, default="", help_text=_("Why the supplier could not deliver; plain text.")
    )
    created_at = models.DateTimeField(default=clock.now)
    paid_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["next_action_at"],
                name="orders_order_due",
                condition=Q(next_action_at__isnull=False),
            ),
            models.Index(fields=["state", "owner_due_at"], name="orders_order_queue"),
            models.Index(
                fields=["result_due_at"],
                name="orders_order_result_due",
                condition=Q(state__in=sorted(UNDER_WAY), result_due_at__isnull=False),
            ),
            models.Index(
                fields=["cap_at"],
                name="orders_order_cap",
                condition=Q(state__in=sorted(UNDER_WAY), cap_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=OrderState.values), name="orders_order_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(UNPAID), paid_at__isnull=True)
                | (~Q(state__in=sorted(UNPAID)) & Q(paid_at__isnull=False)),
                name="orders_order_paid_at_fits_state",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(OPEN))
                | Q(next_action_at__isnull=False)
                | (~Q(owner="") & Q(owner_due_at__isnull=False)),
                name="orders_order_open_has_next_action_or_owner",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN), ended_at__isnull=True)
                | (~Q(state__in=sorted(OPEN)) & Q(ended_at__isnull=False, next_action_at__isnull=True)),
                name="orders_order_ended_at_fits_state",
            ),
            models.CheckConstraint(
                condition=Q(state=OrderState.ON_HOLD) & ~Q(hold_reason="")
                | ~Q(state=OrderState.ON_HOLD) & Q(hold_reason=""),
                name="orders_order_hold_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state=OrderState.COMPLETED) | ~Q(result=""),
                name="orders_order_completed_has_result",
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="orders_order_price_not_negative"),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(UNDER_WAY))
                | Q(
                    promised_until__isnull=False,
                    result_due_at__isnull=False,
                    result_due_at__gte=models.F("promised_until"),
                ),
                name="orders_order_under_way_has_due_time",
            ),
            models.CheckConstraint(
                condition=Q(cap_at__isnull=True) | Q(cap_at__gte=models.F("promised_until")),
                name="orders_order_cap_after_promise",
            ),
            models.UniqueConstraint(fields=["purchase", "position"], name="orders_order_position_unique"),
            exact("orders_order_price_exact", amount="price"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("order", args=[self.secret])

    @property
    def money(self) -> Money:
        """The price frozen at checkout."""
        return Money(self.price, self.currency)
