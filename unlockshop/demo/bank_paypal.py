"""The demo PayPal as a part of the bank process: its options, and which addresses are its own."""

from __future__ import annotations

import argparse

from unlockshop.demo import bank_paypal_events
from unlockshop.demo.bank_events import Outbox
from unlockshop.demo.bank_http import Answer, Request, is_loopback_url
from unlockshop.demo.bank_paypal_api import Keys, PayPalApi
from unlockshop.demo.bank_paypal_disputes import Disputes
from unlockshop.demo.bank_paypal_flow import PayPal
from unlockshop.demo.bank_paypal_page import PayPalPages
from unlockshop.demo.bank_store import Store

# PayPal's own client ids and secrets have 80 characters, the same for sandbox and for real money.
_MOST_KEY = 60


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the PayPal side; all four, or none and there is no PayPal."""
    parser.add_argument("--paypal-client-id", default="", help="the client id the shop uses; never one of PayPal's")
    parser.add_argument("--paypal-secret", default="", help="the secret the shop uses")
    parser.add_argument("--paypal-webhook-id", default="", help="the webhook id that deliveries are signed for")
    parser.add_argument("--paypal-webhook-url", default="", help="the shop's PayPal webhook address, on this machine")


def refusal(options: argparse.Namespace) -> str | None:
    """Why the bank must not start with these options, or None."""
    keys = (options.paypal_client_id, options.paypal_secret, options.paypal_webhook_id)
    given = (*keys, options.paypal_webhook_url)
    if not any(given):
        return None
    if not all(given):
        return "PayPal needs its client id, secret, webhook id and webhook address together."
    if any(len(key) > _MOST_KEY for key in keys):
        return "a PayPal key looks like one of PayPal's own; the demo bank takes only keys such as paypal-demo."
    if not is_loopback_url(options.paypal_webhook_url):
        return f"the webhook address {options.paypal_webhook_url} is not an http address of this machine."
    return None


class PayPalSide:
    """Everything of the demo PayPal."""

    def __init__(self, store: Store, outbox: Outbox, options: argparse.Namespace, public_url: str) -> None:
        keys = Keys(options.paypal_client_id, options.paypal_secret, options.paypal_webhook_id)
        outbox.add_channel(
            "paypal", bank_paypal_events.channel(options.paypal_webhook_url, keys.secret, keys.webhook_id)
        )
        self._paypal = PayPal(store, outbox, public_url=public_url, delayed_seconds=options.delayed_seconds)
        disputes = Disputes(self._paypal)
        self._api = PayPalApi(self._paypal, disputes, keys)
        self._pages = PayPalPages(self._paypal, disputes)

    def start(self) -> None:
        """Start the clock of held payments."""
        self._paypal.start()

    def takes(self, path: str) -> bool:
        """Whether an address belongs to PayPal."""
        return self._api.takes(path) or path == "/paypal" or path.startswith("/paypal/")

    def respond(self, request: Request) -> Answer:
        """Answer one request."""
        return self._api.handle(request) if self._api.takes(request.path) else self._pages.respond(request)
