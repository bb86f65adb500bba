"""What the PayPal adapter asks, held to the published contract by prism."""

from __future__ import annotations

import contextlib
import json
from email import message_from_bytes

import pytest

from payments.providers import paypal_api
from tests.contracts.operations import DISPUTE, PAYPAL, PAYPAL_CALLS, request
from tests.contracts.validators import Exchange, Validator
from tests.helpers.contracts import problems
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.money import from_minor


@pytest.fixture(autouse=True)
def _no_token() -> None:
    """The token that another test has fetched is forgotten."""
    paypal_api._api.cache_clear()


def asked(validator: Validator, name: tuple[str, str]) -> Exchange:
    """The adapter's request. What it makes of a made-up answer is no concern here."""
    operation = PAYPAL_CALLS[name]
    with contextlib.suppress(ShopError):
        operation.use()
    (found,) = [each for each in validator.seen if operation.is_in(each)]
    return found


@pytest.mark.parametrize("name", PAYPAL_CALLS, ids=" ".join)
def test_a_call_keeps_the_contract(at_paypal, name):
    found = asked(at_paypal, name)

    assert (found.status < 300, found.faults) == (True, [])


@pytest.mark.parametrize("name", PAYPAL_CALLS, ids=" ".join)
def test_a_spoiled_call_is_rejected(at_paypal, name):
    found = asked(at_paypal, name)

    assert at_paypal.ask(PAYPAL_CALLS[name].spoil(found)).faults


def test_the_evidence_has_the_form_that_the_contract_gives_evidence(at_paypal):
    """The contract types provide-evidence as a file alone, so prism looks at no word of the JSON part."""
    with contextlib.suppress(ShopError):
        PAYPAL.submit_evidence(DISPUTE, {"PROOF_OF_REFUND": "Refunded.", "access_activity_log": "x" * 4500})

    (found,) = [each for each in at_paypal.seen if each.path.endswith("/provide-evidence")]
    message = message_from_bytes(f"Content-Type: {found.headers['Content-Type']}\r\n\r\n".encode() + found.body)
    (part,) = message.get_payload()
    evidences = json.loads(part.get_payload(decode=True))["evidences"]
    assert len(evidences) == 4
    assert [problems(each, "dis_evidence", contract_name="paypal.json") for each in evidences] == [[]] * 4
    assert problems({**evidences[0], "evidence_type": "odd"}, "dis_evidence", contract_name="paypal.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"money": from_minor(1890, "JPY"), "description": "解锁 " + "x" * 240, "reference": "P-" + "9" * 30},
        {"money": from_minor(1, "EUR"), "statement_descriptor": "ÜNLOCK & FRIENDS OF IT, LONDON"},
    ],
)
def test_the_ends_of_what_the_shop_may_ask_keep_it_too(at_paypal, changes):
    PAYPAL.begin(request(**changes))

    assert [each.faults for each in at_paypal.seen] == [[], []]
