"""What the mail transport asks, held to the published contract by prism."""

from __future__ import annotations

import pytest

from tests.contracts.operations import SENDGRID_CALLS
from tests.contracts.validators import Exchange, Validator


def asked(validator: Validator, name: str) -> Exchange:
    """The transport's one request."""
    operation = SENDGRID_CALLS[name]
    operation.use()
    (found,) = validator.seen
    assert operation.is_in(found)
    return found


@pytest.mark.parametrize("name", SENDGRID_CALLS)
def test_a_call_keeps_the_contract(at_sendgrid, name):
    found = asked(at_sendgrid, name)

    assert (found.status < 300, found.faults) == (True, [])


@pytest.mark.parametrize("name", SENDGRID_CALLS)
def test_a_spoiled_call_is_rejected(at_sendgrid, name):
    found = asked(at_sendgrid, name)

    assert at_sendgrid.ask(SENDGRID_CALLS[name].spoil(found)).faults
