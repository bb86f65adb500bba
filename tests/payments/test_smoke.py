"""``payments_smoke`` from its first line to its last against the demo bank; the person in the browser posts forms.

None of these tests may use the database: a row that the command wrote or read would fail them.
"""

from __future__ import annotations

import re
from io import StringIO
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from django.core.management import call_command

from payments.providers.paypal import PayPalProvider
from payments.providers.stripe import StripeProvider
from tests.helpers.processes import ROOT

KEYS = ("sk_test_tests", "whsec_tests", "paypal-secret-tests", "SG.tests")


class Owner(StringIO):
    """Reads what the command writes. Pays the link with ``button``, and acts on other lines as ``reacts`` says."""

    def __init__(self, button: str = "", **reacts: Any) -> None:
        super().__init__()
        self.button = button
        self.reacts = reacts

    def write(self, text: str) -> int:
        written = super().write(text)
        link = re.search(r"Pay here, in a browser:\s+(\S+)", text)
        if link and self.button:
            page = requests.get(link[1], timeout=5).text
            (form,) = re.findall(rf'<form method="post" action="([^"]+/{self.button})">', page)
            requests.post(urljoin(link[1], form), allow_redirects=False, timeout=5)
        for words, act in self.reacts.items():
            if words.replace("_", " ") in text:
                act(text)
        return written


def smoke(owner: Owner, *options: str) -> tuple[int, str]:
    """Exit code and everything that was written."""
    errors = StringIO()
    try:
        call_command("payments_smoke", "--every", "0.05", *options, stdout=owner, stderr=errors, no_color=True)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    written = owner.getvalue() + errors.getvalue()
    assert not [key for key in KEYS if key in written]
    assert "Traceback" not in written
    return code, written


def steps(written: str) -> list[tuple[str, str]]:
    return re.findall(r"^(ok|note|DIFFERS) +([a-z][a-z ]*?) +\d+ ms  ", written, re.MULTILINE)


WALK = [
    ("ok", "create"), ("ok", "create again"), ("ok", "read"), ("ok", "paid"), ("ok", "fee"), ("ok", "refund a part"),
    ("ok", "refund again"), ("ok", "refund the rest"), ("ok", "refunds listed"), ("ok", "refund too much"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "button", "refusal"),
    [("stripe", "pay", "charge_already_refunded"), ("paypal", "approve", "capture_fully_refunded")],
)
def test_the_whole_walk(bank, settings, provider, button, refusal):
    settings.BASE_URL = "http://127.0.0.1:9"

    code, written = smoke(Owner(button), "--provider", provider, "--amount", "7.35", "--currency", "eur")

    assert (code, steps(written)) == (0, [("ok", "webhooks"), *WALK]), written
    for words in (
        f"Rehearsing 7.35 EUR at {provider}", "captured 7.35 EUR reference REHEARSAL-", "3.00 EUR succeeded",
        "4.35 EUR succeeded", f"3.00 EUR more is refused: {refusal}",
        "All seen: 7.35 EUR captured, 7.35 EUR refunded, 0.00 EUR left at the provider",
    ):  # fmt: skip
        assert words in written


def test_in_a_currency_without_small_coins(bank):
    code, written = smoke(Owner("approve"), "--provider", "paypal", "--amount", "501", "--currency", "HUF")

    assert (code, [step for step in steps(written) if step[1] != "webhooks"]) == (0, WALK), written
    assert "250.00 HUF succeeded" in written


def test_a_delayed_payment_is_waited_for(bank):
    code, written = smoke(Owner("delayed-success"), "--provider", "stripe")

    assert code == 0, written
    assert re.search(r"note    paid .* pending 5.00 EUR", written)


def test_a_payment_that_fails_is_a_difference(bank):
    code, written = smoke(Owner("delayed-failure"), "--provider", "stripe")

    assert (code, steps(written)[-1]) == (1, ("DIFFERS", "paid"))
    assert "SOMETHING DIFFERED: 0.00 EUR captured, 0.00 EUR refunded" in written


@pytest.mark.parametrize("button", ["", "decline"])
def test_a_link_that_nobody_pays_is_closed(bank, button):
    code, written = smoke(Owner(button), "--provider", "stripe", "--wait", "0.01")

    assert (code, steps(written)[-2:]) == (1, [("DIFFERS", "paid"), ("note", "close")]), written
    link = re.search(r"(http\S+/pay/\S+)", written)
    assert link is not None
    assert "expired" in requests.get(link[1], timeout=5).text


def test_a_provider_that_gives_too_much_back_is_a_difference(bank):
    """The bank lets the second refund fail afterwards, so that a third one is possible."""

    def fail(text: str) -> None:
        ident = re.findall(r"re_\w+", text)[0]
        requests.post(f"{bank}/refunds/{ident}/fail", timeout=5)

    code, written = smoke(Owner("pay", refunds_listed=fail), "--provider", "stripe")

    assert (code, steps(written)[-1]) == (1, ("DIFFERS", "refund too much")), written
    assert "was given" in written


def test_an_interrupted_rehearsal_closes_its_link_and_says_what_is_left(bank):
    def interrupt(_text: str) -> None:
        raise KeyboardInterrupt

    code, written = smoke(Owner(Pay_here=interrupt), "--provider", "stripe")

    assert (code, steps(written)[-1]) == (1, ("note", "close")), written
    assert "Interrupted\nSOMETHING DIFFERED: 0.00 EUR captured" in written


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_keys_that_the_provider_refuses_are_a_difference(bank, settings, provider):
    settings.STRIPE_API_KEY, settings.PAYPAL_SECRET = "sk_test_wrong_0123456789", "wrong-0123456789"

    code, written = smoke(Owner(), "--provider", provider)

    assert (code, steps(written)) == (1, [("note", "webhooks"), ("DIFFERS", "create")]), written
    assert "wrong" not in written


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_a_provider_that_is_not_there_is_a_difference(provider):
    code, written = smoke(Owner(), "--provider", provider)

    assert (code, steps(written)[-1]) == (1, ("DIFFERS", "create")), written


@pytest.mark.parametrize(
    ("base", "is_https", "said"),
    [
        ("http://127.0.0.1:9", False, ("ok", "gets every event that the shop reads")),
        ("http://testserver", False, ("note", "nothing is sent to http://testserver/webhooks/stripe/")),
        ("https://shop.example", True, ("DIFFERS", "nothing is sent to https://shop.example/webhooks/stripe/")),
    ],
)
def test_where_events_go_is_said(bank, settings, base, is_https, said):
    settings.BASE_URL, settings.IS_HTTPS = base, is_https

    _, written = smoke(Owner(), "--provider", "stripe", "--wait", "0.001")

    verdict, words = said
    assert re.search(rf"^{verdict} +webhooks +\d+ ms  .*{re.escape(words)}", written, re.MULTILINE), written


@pytest.mark.parametrize(
    ("changes", "options", "reason"),
    [
        ({"STRIPE_API_KEY": "sk_live_0123456789"}, (), "no secret test key"),
        ({"STRIPE_API_KEY": "rk_live_0123456789"}, (), "no secret test key"),
        ({"STRIPE_API_KEY": "pk_test_0123456789"}, (), "no secret test key"),
        ({"PAYMENTS_LIVE": True}, (), "are live"),
        ({"PAYMENTS_LIVE": True}, ("--provider", "paypal"), "are live"),
        ({"STRIPE_API_KEY": ""}, (), "not configured"),
        ({"PAYMENT_PROVIDERS": {}}, ("--provider", "paypal"), "not configured"),
        ({}, ("--amount", "0.01"), "two parts"),
        ({}, ("--amount", "-5"), "two parts"),
        ({}, ("--amount", "lots"), "no money"),
        ({}, ("--amount", "1.005"), "no money"),
        ({}, ("--amount", "NaN"), "no money"),
        ({}, ("--currency", "XXX"), "no money"),
        ({}, ("--wait", "0"), "--wait"),
        ({}, ("--wait", "nan"), "--wait"),
    ],
)
def test_what_must_not_begin_does_not(bank, settings, changes, options, reason):
    for name, value in changes.items():
        setattr(settings, name, value)

    code, written = smoke(Owner("pay"), "--provider", "stripe", *options)

    assert (code, steps(written)) == (2, [])
    assert re.search(f"^Not started: .*{reason}", written, re.MULTILINE)
    assert "0123456789" not in written


def test_the_guide_names_every_event_that_the_shop_reads():
    guide = (ROOT / "docs" / "production.md").read_text()
    for provider in (StripeProvider, PayPalProvider):
        for event in provider.webhook_events:
            family, _, kind = event.rpartition(".")
            assert f"`{event}`" in guide or (f"`{family}." in guide and f"`.{kind}`" in guide), event
