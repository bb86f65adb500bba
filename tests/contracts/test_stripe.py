"""What the Stripe adapter asks, held to the published contract by steady.

steady says "5.00" is an integer, and takes any text where the contract has no limit: what it accepts is well formed,
not yet allowed. The demo bank keeps Stripe's stricter rules.
"""

from __future__ import annotations

import contextlib

import pytest

from tests.contracts.operations import STRIPE, STRIPE_CALLS, request, since
from tests.contracts.validators import Exchange, Validator
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.money import from_minor


def asked(validator: Validator, name: str) -> Exchange:
    """The adapter's request. What it makes of a made-up answer is no concern here."""
    operation = STRIPE_CALLS[name]
    with contextlib.suppress(ShopError):
        operation.use()
    (found,) = [each for each in validator.seen if operation.is_in(each)]
    return found


@pytest.mark.parametrize("name", STRIPE_CALLS)
def test_a_call_keeps_the_contract(at_stripe, name):
    found = asked(at_stripe, name)

    assert (found.status, found.faults) == (200, [])
    assert found.said["x-steady-request-valid"] == "true"


@pytest.mark.parametrize("name", STRIPE_CALLS)
def test_a_spoiled_call_is_rejected(at_stripe, name):
    found = asked(at_stripe, name)

    assert at_stripe.ask(STRIPE_CALLS[name].spoil(found)).faults


def test_a_known_bad_request_is_named_by_its_field(at_stripe):
    found = asked(at_stripe, "checkout.sessions.create")

    spoiled = at_stripe.ask(STRIPE_CALLS["checkout.sessions.create"].spoil(found))

    assert "mode" in spoiled.said["x-steady-error-1-path"]


def test_the_list_of_warnings_keeps_it_too(at_stripe):
    with contextlib.suppress(ShopError):
        list(STRIPE.warned_since(since()))

    (found,) = at_stripe.seen
    assert (found.status, found.faults) == (200, [])
    assert "created" in found.target


@pytest.mark.parametrize(
    "changes",
    [
        {"money": from_minor(1890, "JPY"), "description": "解锁 " + "x" * 240, "reference": "P-" + "9" * 30},
        {"money": from_minor(1, "EUR"), "email": "a" * 64 + "@" + "b" * 180 + ".example", "language": "pt-BR"},
    ],
)
def test_the_ends_of_what_the_shop_may_ask_keep_it_too(at_stripe, changes):
    with contextlib.suppress(ShopError):
        STRIPE.begin(request(**changes))

    assert [each.faults for each in at_stripe.seen] == [[]]
