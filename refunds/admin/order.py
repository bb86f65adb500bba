"""The order's staff page with what only this app knows: delays, and whether its money lets it go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.admin.actions import Situation
from orders.admin.order import OrderAdmin
from orders.admin.order_sections import TABLE, orders_table
from orders.forms import ReasonForm
from orders.models import Order
from orders.states import UNDER_WAY
from refunds import resubmitting, telling_delays
from refunds.admin.delays import notices_table
from refunds.delay_forms import DelayFields, DelayForm, message_of
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.codes import new_secret
from unlockshop.kernel.staff_bulk import BulkAction, BulkActionAdmin, Report, Seen
from unlockshop.kernel.staff_pages import StaffAction
from unlockshop.kernel.staff_parts import Section, Table


def _may_delay(now: Situation) -> bool:
    return now.order.state in UNDER_WAY


def _delay(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    telling_delays.tell(order.pk, message_of(data), batch=new_secret(), actor=actor)
    return _("%(order)s is delayed. The mail about it is on its way to the customer.") % {"order": order}


def _delay_many(seen: Seen, data: Mapping[str, Any], actor: Actor) -> Report:
    """The rows with their versions name the batch: the same press twice tells once."""
    what = json.dumps([sorted(seen.items()), data["reason"], str(data.get("new_date"))])
    batch = hashlib.sha256(what.encode()).hexdigest()
    told = telling_delays.tell_many(sorted(seen), message_of(data), batch=batch, actor=actor)
    return Report(done=told.count, problems=telling_delays.left_out_words(told))


def _resubmit(order: Order, data: Mapping[str, Any], actor: Actor) -> str:
    resubmitting.resubmit(order.pk, reason=data["reason"], actor=actor)
    return _("%(order)s will be sent to a supplier once more.") % {"order": order}


RESUBMIT = StaffAction(
    "resubmit",
    gettext_lazy("Resubmit"),
    gettext_lazy("Sends it to a supplier once more; that costs again. Not after the money was given back."),
    ReasonForm,
    lambda now: resubmitting.may(now.order),
    _resubmit,
)
DELAY = StaffAction(
    "delay",
    gettext_lazy("Tell of a delay"),
    gettext_lazy("The customer gets a mail with the new date and, where the terms say so, a link to cancel."),
    DelayForm,
    _may_delay,
    _delay,
)
DELAY_MANY = BulkAction(
    "delay_many",
    gettext_lazy("Tell of a delay"),
    gettext_lazy("Each customer gets a mail with the new date and, where the terms say so, a link to cancel."),
    _delay_many,
    DelayFields,
)

admin.site.unregister(Order)


@admin.register(Order)
class DelayableOrderAdmin(BulkActionAdmin, OrderAdmin):
    """The pages of ``orders.admin``, with delays and resubmission."""

    staff_actions = (*OrderAdmin.staff_actions, RESUBMIT, DELAY)
    bulk_actions = (DELAY_MANY,)

    def bulk_version(self, obj: Order) -> str:
        """The state and the moment of its last change."""
        return self.version_of(obj)

    def bulk_table(self, action: BulkAction, rows: Sequence[Order]) -> Table:
        """The orders."""
        return orders_table(Order.objects.filter(pk__in=[row.pk for row in rows]))

    def sections(self, request: HttpRequest, obj: Order) -> Sequence[Section]:
        """With the notices of delay, before the timeline."""
        found = list(super().sections(request, obj))
        table = notices_table(obj.delay_notices.select_related("mail").defer("mail__text"))
        if table.rows and request.user.has_perm("orders.view_delaynotice"):
            found.insert(0, Section(_("Notices of delay"), TABLE, table))
        return found
