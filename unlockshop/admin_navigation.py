"""The frame of the staff pages: the sidebar by kind of work, and a sign that this is the demo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from unlockshop import admin_queues


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links; each shows only to those who may open it."""
    badges = admin_queues.badges(request)
    return [
        {"items": [_link(_("Waiting"), "inbox", "index")]},
        {
            "title": _("Orders"),
            "items": [
                _model(_("Orders"), "package_2", "orders", "order", badges.orders),
                _model(_("Purchases"), "shopping_bag", "orders", "purchase"),
                _model(_("Supplier attempts"), "conversion_path", "orders", "supplierattempt"),
                _model(_("Requests to cancel"), "cancel_schedule_send", "orders", "cancelrequest", badges.cancels),
                _model(_("Notices of delay"), "schedule", "orders", "delaynotice"),
                _model(_("Corrections"), "edit_note", "orders", "correctionrequest"),
                _model(_("Investigations"), "troubleshoot", "orders", "investigation"),
                _model(_("Event log"), "history", "orders", "orderevent"),
            ],
        },
        {
            "title": _("Catalogue"),
            "items": [
                _model(_("Services"), "sell", "services", "service"),
                _model(_("Categories"), "category", "services", "category"),
                _model(_("Device models"), "phone_android", "services", "devicemodel"),
                _model(_("Suppliers"), "factory", "services", "supplier"),
                _model(_("Suppliers' services"), "rule", "services", "supplierservice"),
                _model(_("Catalogue fetches"), "cloud_download", "services", "cataloguesync"),
                _model(_("Margin rules"), "percent", "services", "marginrule"),
                _model(_("Cost rates"), "currency_exchange", "services", "costrate"),
                _model(_("Suppliers' listing times"), "timer", "orders", "listingprobe"),
            ],
        },
        {
            "title": _("Money"),
            "items": [
                _model(_("Payments"), "payments", "payments", "payment", badges.payments),
                _model(_("Refunds"), "undo", "payments", "refund", badges.refunds),
                _model(_("Reconciliation"), "balance", "payments", "break"),
                _model(_("Passes"), "sync_alt", "payments", "reconciliationrun"),
                _model(_("Ledger"), "menu_book", "payments", "ledgertransaction"),
                _model(_("Disputes"), "gavel", "payments", "dispute", badges.disputes),
            ],
        },
        {
            "title": _("Claims"),
            "items": [
                _model(_("Claims"), "assignment_return", "refunds", "claim", badges.claims),
                _model(_("Claim videos"), "videocam", "refunds", "claimvideo"),
                _model(_("Facts"), "fact_check", "refunds", "fact"),
                _model(_("Refund rules"), "gavel", "refunds", "policyversion"),
                {
                    **_model(_("Rehearsals of rules"), "experiment", "refunds", "rehearsal"),
                    "permission": _may_view("refunds", "policyversion"),
                },
                _model(_("Scenarios"), "rule_folder", "refunds", "storedscenario"),
                _model(_("Legal notices"), "public", "refunds", "legalnotice"),
                _model(_("Days off"), "event_busy", "orders", "dayoff"),
            ],
        },
        {
            "title": _("Mail & webhooks"),
            "items": [
                _model(_("Mails"), "mail", "orders", "outgoingmail", badges.mails),
                _model(_("Customers to reach"), "contact_mail", "orders", "contacttask", badges.contacts),
                _model(_("Mails from customers"), "inbox_customize", "orders", "inboundmail", badges.inbound),
                _model(_("Mail events"), "mark_email_read", "orders", "mailevent"),
                _model(_("Webhook inbox"), "webhook", "payments", "webhookdelivery", badges.deliveries),
            ],
        },
        {
            "title": _("Accounts"),
            "items": [
                _model(_("Users"), "person", "accounts", "user"),
                _model(_("Groups"), "group", "auth", "group"),
            ],
        },
    ]


def environment(_request: HttpRequest) -> list[str] | None:
    """The label in the header of every staff page."""
    if settings.DEMO:
        return [_("Demo: no money moves"), "warning"]
    return None


def site_title(_request: HttpRequest) -> str:
    """The shop's name, in titles."""
    return _("%(shop)s staff") % {"shop": settings.SHOP_NAME}


def favicon(_request: HttpRequest) -> str:
    """The shop's own."""
    return static("img/favicon.svg")


def stylesheet(_request: HttpRequest) -> str:
    """Styles of the shop's own staff pages."""
    return static("staff/staff.css")


def _link(title: str, icon: str, name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse(f"admin:{name}")}


def _model(title: str, icon: str, app: str, model: str, badge: int = 0) -> dict[str, Any]:
    link = _link(title, icon, f"{app}_{model}_changelist")
    return {**link, "permission": _may_view(app, model), "badge": badge, "badge_variant": "danger"}


def _may_view(app: str, model: str) -> Callable[[HttpRequest], bool]:
    def allowed(request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))

    return allowed
