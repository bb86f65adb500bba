"""The report of a finished check, read anew each time from the text that the supplier gave."""

from __future__ import annotations

from orders.models import Order
from orders.states import OrderState
from services.models import ServiceKind
from services.reports.words import ReportView, view_of


def is_finished_check(order: Order) -> bool:
    """Whether the order is a check that has its report."""
    return order.service_kind == ServiceKind.CHECK and order.state == OrderState.COMPLETED


def report_of(order: Order) -> ReportView | None:
    """The order's report in words; None where it is no finished check, or nothing in its text can be read.

    Loads the order's result where that was deferred.
    """
    return view_of(order.result, order.identifier) if is_finished_check(order) else None
