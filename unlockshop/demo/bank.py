"""The demo bank and demo mailbox: Stripe, PayPal and SendGrid played on this machine. No money moves, no mail leaves.

Start it with ``python -m unlockshop.demo.bank``; docs/demo-payments.md tells the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import re
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from unlockshop.demo import bank_paypal, mail_events, mail_replies
from unlockshop.demo.bank_dispute_page import DisputePages
from unlockshop.demo.bank_disputes import Disputes
from unlockshop.demo.bank_events import Outbox, WebhookFaults
from unlockshop.demo.bank_faults import ApiFaults
from unlockshop.demo.bank_flow import Bank
from unlockshop.demo.bank_http import Answer, Request, Server, is_loopback, is_loopback_url, json_answer
from unlockshop.demo.bank_page import Pages
from unlockshop.demo.bank_paypal import PayPalSide
from unlockshop.demo.bank_store import Store
from unlockshop.demo.bank_stripe import StripeApi
from unlockshop.demo.mailbox import Mailbox, MailFaults

_PAY = re.compile(r"/pay/([^/]+)(?:/([^/]+))?")
_RESEND = re.compile(r"/events/([^/]+)/resend")
_DOUBT = re.compile(r"/pay/([^/]+)/(dispute|warning)")
_DECIDE = re.compile(r"/disputes/([^/]+)/(for-shop|for-customer)")
_MAIL = re.compile(r"/mailbox/(\d{1,15})/([a-z]+)")
_FAIL = re.compile(r"/refunds/([^/]+)/fail")


class App:
    """Sends each request to the part that answers it."""

    def __init__(
        self,
        stripe: StripeApi,
        pages: Pages,
        disputes: DisputePages,
        mailbox: Mailbox,
        paypal: PayPalSide | None = None,
    ) -> None:
        self._stripe = stripe
        self._paypal = paypal
        self._pages = pages
        self._disputes = disputes
        self._mailbox = mailbox

    def respond(self, request: Request) -> Answer:
        """Answer one request."""
        path = request.path
        if self._paypal is not None and self._paypal.takes(path):
            return self._paypal.respond(request)
        if path.startswith("/v1/"):
            return self._stripe.handle(request)
        if path == "/v3/messages" and request.method == "GET":
            return self._mailbox.activity(request)
        if path == "/v3/mail/send":
            return self._mailbox.send(request) if request.method == "POST" else Answer(405, b"POST only")
        if request.method not in {"GET", "POST"}:
            return Answer(405, b"GET or POST only")
        doubted = _DOUBT.fullmatch(path)
        if doubted is not None and request.method == "POST":
            return self._disputes.raise_about(doubted[1], doubted[2])
        match = _PAY.fullmatch(path)
        if match is not None:
            return self._pages.pay(request, match[1], match[2] or "")
        return self._post(request) if request.method == "POST" else self._get(request)

    def _get(self, request: Request) -> Answer:
        path = request.path
        if path == "/healthz":
            return Answer(200, b"ok\n")
        if path == "/":
            return self._pages.index()
        if path in {"/payments", "/payments/"}:
            return self._pages.payments()
        if path in {"/events", "/events/"}:
            return self._pages.events()
        if path in {"/refunds", "/refunds/"}:
            return self._pages.refunds()
        if path in {"/disputes", "/disputes/"}:
            return self._disputes.show()
        if path in {"/mailbox.json", "/mailbox"} or path.startswith("/mailbox/"):
            return self._mailbox.show(request)
        return json_answer(404, {"errors": [{"message": "not found", "field": None}]})

    def _post(self, request: Request) -> Answer:
        path = request.path
        if match := _RESEND.fullmatch(path):
            return self._pages.resend(match[1])
        if match := _MAIL.fullmatch(path):
            if match[2] == "reply":
                return self._mailbox.reply(int(match[1]), request.body)
            return self._mailbox.press(int(match[1]), match[2])
        if match := _FAIL.fullmatch(path):
            return self._pages.fail_refund(match[1])
        if match := _DECIDE.fullmatch(path):
            return self._disputes.decide(match[1], match[2])
        return json_answer(404, {"errors": [{"message": "not found", "field": None}]})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m unlockshop.demo.bank", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--store", type=Path, default=Path("var/demo/bank.sqlite3"), help="SQLite file")
    parser.add_argument("--stripe-key", required=True, help="the key the shop uses; never a live one")
    parser.add_argument("--sendgrid-key", required=True, help="the key the shop uses")
    parser.add_argument("--webhook-url", required=True, help="the shop's webhook address, on this machine")
    parser.add_argument("--webhook-secret", required=True, help="signs the events")
    parser.add_argument("--mail-webhook-url", default="", help="the shop's address for mail events, on this machine")
    parser.add_argument("--mail-webhook-seed", default="", help="the key that signs mail events is made from it")
    parser.add_argument("--mail-inbound-url", default="", help="the shop's address for replies, on this machine")
    bank_paypal.add_options(parser)
    parser.add_argument("--public-url", help="the bank's address as the browser sees it; default http://HOST:PORT")
    parser.add_argument("--delayed-seconds", type=float, default=8.0, help="how long a delayed payment takes")
    parser.add_argument("--descriptor-prefix", default="UNLOCKSHOP", help="start of the card statement text")
    parser.add_argument("--webhook-faults", default="{}", help="JSON: duplicate, max_copies, delay_seconds, drop, …")
    parser.add_argument("--api-faults", default="{}", help="JSON: timeout_before, timeout_after, 500_before, …")
    parser.add_argument("--mail-faults", default="{}", help="JSON: 429, 500, timeout_after, timeout_seconds")
    parser.add_argument("--seed", type=int, help="makes the faults repeatable")
    return parser


def _refusal(options: argparse.Namespace) -> str | None:
    """Why the bank must not start with these options, or None."""
    if options.stripe_key.startswith(("sk_live", "rk_live")):
        return "the Stripe key is a live key; the demo bank takes only keys such as sk_test_demo."
    if not options.stripe_key or not options.sendgrid_key or not options.webhook_secret:
        return "the keys and the webhook secret must not be empty."
    if not is_loopback(options.host):
        return f"the host {options.host} is not a loopback address; the demo bank serves this machine only."
    if not is_loopback_url(options.webhook_url):
        return f"the webhook address {options.webhook_url} is not an http address of this machine."
    if bool(options.mail_webhook_url) != bool(options.mail_webhook_seed):
        return "mail events need their address and their seed together."
    mail_addresses = filter(None, (options.mail_webhook_url, options.mail_inbound_url))
    if not all(map(is_loopback_url, mail_addresses)):
        return "the addresses for mail events and replies must be http addresses of this machine."
    paypal = bank_paypal.refusal(options)
    if paypal is not None:
        return paypal
    if options.public_url and urlsplit(options.public_url).scheme not in {"http", "https"}:
        return f"the public address {options.public_url} is not an http address."
    if not 0 <= options.delayed_seconds <= 86400:
        return "--delayed-seconds must be between 0 and 86400."
    return None


def _stay_small() -> None:
    """Keep glibc to one memory arena, instead of several per core; other C libraries need nothing."""
    most_arenas = -8
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(most_arenas, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. The exit code: 0 after a signal, 2 when refused."""
    options = _parser().parse_args(arguments)
    problem = _refusal(options)
    if problem is not None:
        return _refuse(problem)
    try:
        faults = WebhookFaults.parse(options.webhook_faults)
        api_faults = ApiFaults(options.api_faults, options.seed)
        mail_faults = MailFaults(options.mail_faults, options.seed)
    except ValueError as error:
        return _refuse(f"{error}.")
    # Blocked before any thread starts, so that only sigwait below receives them.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    threading.stack_size(256 * 1024)
    _stay_small()
    shown_host = f"[{options.host}]" if ":" in options.host else options.host
    public_url = (options.public_url or f"http://{shown_host}:{options.port}").rstrip("/")
    try:
        store = Store(options.store)
    except (OSError, sqlite3.Error) as error:
        return _refuse(f"cannot use the store {options.store}: {error}.")
    outbox = Outbox(store, options.webhook_url, options.webhook_secret, faults, options.seed)
    bank = Bank(
        store,
        outbox,
        public_url=public_url,
        delayed_seconds=options.delayed_seconds,
        prefix=options.descriptor_prefix,
    )
    if options.mail_webhook_url:
        mail_channel = mail_events.channel(options.mail_webhook_url, options.mail_webhook_seed)
        outbox.add_channel(mail_events.CHANNEL, mail_channel)
    if options.mail_inbound_url:
        outbox.add_channel(mail_replies.CHANNEL, mail_replies.channel(options.mail_inbound_url))
    paypal = PayPalSide(store, outbox, options, public_url) if options.paypal_client_id else None
    disputes = Disputes(bank)
    app = App(
        StripeApi(bank, disputes, options.stripe_key),
        Pages(bank),
        DisputePages(disputes),
        Mailbox(
            store,
            options.sendgrid_key,
            mail_faults,
            outbox if options.mail_webhook_url else None,
            takes_replies=bool(options.mail_inbound_url),
        ),
        paypal,
    )
    try:
        server = Server((options.host, options.port), lambda request: api_faults.around(store, request, app.respond))
    except OSError as error:
        store.close()
        return _refuse(f"cannot listen on {shown_host}:{options.port}: {error.strerror}.")
    outbox.start()
    bank.start()
    if paypal is not None:
        paypal.start()
    threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True).start()
    print(f"Demo bank on http://{shown_host}:{options.port}/. Events go to {options.webhook_url}")
    sys.stdout.flush()
    signal.sigwait(signals)
    server.stopping.set()
    server.shutdown()
    server.server_close()
    store.close()
    return 0


def _refuse(problem: str) -> int:
    print(f"The demo bank did not start: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
