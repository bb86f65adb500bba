"""No call of the adapters escapes the contract tests, and what the validators are is pinned."""

from __future__ import annotations

import ast
import json
import re

import pytest
from stripe.params import PaymentIntentRetrieveParams, RefundListParams, WebhookEndpointListParams
from stripe.params.checkout import SessionListParams, SessionRetrieveParams
from stripe.params.radar import EarlyFraudWarningListParams

from tests.contracts import operations
from tests.contracts.validators import ROOT, SUPPLEMENT
from tests.helpers.contracts import contract
from tests.helpers.sources import imports_of, sources

FOLDER = ROOT / "tests" / "contracts"


def test_every_call_of_the_adapters_is_validated():
    assert operations.stripe_calls(operations.modules("payments/providers/stripe")) == set(operations.STRIPE_CALLS)
    assert operations.paypal_calls(operations.modules("payments/providers/paypal")) == set(operations.PAYPAL_CALLS)
    assert operations.sendgrid_calls(operations.modules("orders/sendgrid_")) == set(operations.SENDGRID_CALLS)


@pytest.mark.parametrize(
    ("read", "source", "found"),
    [
        (operations.stripe_calls, "call(lambda client: client.v1.payouts.create(x))", "payouts.create"),
        (operations.sendgrid_calls, "client.client.suppression.bounces.get()", "client.suppression.bounces.get"),
        (operations.paypal_calls, "def a():\n call('PATCH', f'v2/x/{y}')", ("PATCH", "/v2/x/{}")),
        (operations.paypal_calls, "def a():\n b = f'v2/x/{y}?{q}'\n call('GET', b)", ("GET", "/v2/x/{}")),
        (operations.paypal_calls, "PLACE = 'v1/z'\ndef a():\n call('GET', m.PLACE)", ("GET", "/v1/z")),
    ],
)
def test_a_new_call_would_be_seen(read, source, found):
    assert found in read([ast.parse(source)])


def test_the_adapters_have_no_other_way_out():
    network = re.compile(r"(stripe|paypalrestsdk|requests|urllib3|urllib\.request|http\.client|httpx|sendgrid)\b")
    found = {
        (path, match[1])
        for path, tree in sources().items()
        if path.startswith(("payments/providers/", "orders/sendgrid_"))
        for name in imports_of(tree)
        if (match := network.match(name)) and name != "http.client.HTTPException"
    }

    assert found == {
        ("payments/providers/stripe.py", "stripe"),
        ("payments/providers/paypal_api.py", "paypalrestsdk"),
        ("payments/providers/paypal_api.py", "requests"),
        ("payments/providers/paypal_api.py", "urllib3"),
        ("orders/sendgrid_transport.py", "sendgrid"),
        ("orders/sendgrid_events.py", "sendgrid"),  # checks signatures, calls nobody
    }


def supplements() -> list[tuple[str, str, str, dict]]:
    """What we add to the contracts by hand: contract, path, method, operation."""
    whole = json.loads(SUPPLEMENT.read_text())
    return [
        (name, path, method, operation)
        for name, paths in whole.items()
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize(("name", "path", "method", "operation"), supplements(), ids=lambda value: str(value)[:40])
def test_nothing_is_added_that_the_contract_has(name, path, method, operation):
    published = contract(name)["paths"].get(path, {}).get(method, {})

    known = {each.get("name") for each in published.get("parameters", [])}
    assert not known.intersection(each["name"] for each in operation["parameters"])
    assert published or operation["responses"]


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/v1/checkout/sessions/{session}", SessionRetrieveParams),
        ("/v1/checkout/sessions", SessionListParams),
        ("/v1/payment_intents/{intent}", PaymentIntentRetrieveParams),
        ("/v1/refunds", RefundListParams),
        ("/v1/radar/early_fraud_warnings", EarlyFraudWarningListParams),
        ("/v1/webhook_endpoints", WebhookEndpointListParams),
    ],
)
def test_what_is_added_for_stripe_is_what_its_library_types(path, typed):
    (operation,) = [each for _, other, _, each in supplements() if other == path]

    assert {each["name"].partition("[")[0] for each in operation["parameters"]} <= set(typed.__annotations__)


def test_the_validators_are_pinned_and_named_by_no_address():
    wanted = json.loads((FOLDER / "package.json").read_text())["devDependencies"]
    locked = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    packages = {name: each for name, each in locked.items() if name}

    assert len(packages) > 100
    for name, each in packages.items():
        assert each["integrity"].startswith("sha512-"), name
        assert "resolved" not in each, name
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert "ignore-scripts=true" in (FOLDER / ".npmrc").read_text().split()
