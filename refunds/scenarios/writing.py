"""Order facts and an expectation as a scenario: what ``reading`` reads, written. It names nobody and no device.

Who recorded a fact, the country and the way of payment are left out; they say nothing to the rules, or are not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import yaml

from refunds.policy import facts as f
from refunds.scenarios.reading import SOURCES
from unlockshop.kernel.money import Money

# ISO 3166 keeps it for users: some country.
NOWHERE: Final = "ZZ"
_OPTIONAL: Final = (
    "evidence_requested_at", "verification_submitted_at", "investigation", "status_changed_at",
    "additional_payment_state",
)  # fmt: skip
_FLAGS: Final = ("shop_fault", "fraud_suspected", "abuse_flag", "credit_abuse")


def facts_of(facts: f.OrderFacts, *, with_clocks: bool) -> dict[str, Any]:
    """The ``facts`` of a scenario; ``with_clocks`` also the order's own clocks and the days off of its calendar.

    Facts that this shop's orders never have, such as a price match, are not written.
    """
    found: dict[str, Any] = {
        "customer": {
            "country": facts.customer.country or NOWHERE,
            "consumer": facts.customer.consumer,
            "withdrawal_waiver": facts.customer.withdrawal_waiver,
            "email_matches_order": facts.customer.email_matches_order,
        },
        "service": {
            "kind": facts.service.kind,
            "scope": facts.service.scope,
            "price": _amount(facts.service.price),
            "currency": facts.service.price.currency,
            "delivery": _delivery(facts.service.delivery, with_clocks=with_clocks),
        },
        "payment": _payment(facts.payment),
        "history": [{"state": each.state, "at": _at(each.at)} for each in facts.history],
        "supplier": {
            "outcome": next((each.state for each in reversed(facts.history) if each.state in f.OUTCOMES), None),
            "cancel_response": facts.supplier.cancel_response,
            "code_recheck": facts.supplier.code_recheck,
        },
        "device": {
            "established": [
                {"fact": each.fact, "by": "staff", "caused_delay": each.caused_delay} for each in facts.established
            ],
            "alleged": sorted(facts.alleged),
        },
        "evidence": {"video": _video(facts.video) if facts.video else None},
    }
    for name in _OPTIONAL:
        value = getattr(facts, name)
        if value is not None:
            found[name] = _at(value) if isinstance(value, datetime) else value
    found |= {name: True for name in _FLAGS if getattr(facts, name)}
    if facts.duplicate_tickets:
        found["duplicate_tickets"] = facts.duplicate_tickets
    if with_clocks and facts.closed_days:
        found["closed_days"] = [each.isoformat() for each in sorted(facts.closed_days)]
    return found


def claim_of(claim: f.Claim) -> dict[str, Any]:
    """The ``claim`` of a scenario."""
    actor = "system" if claim.actor == "system" else "customer"
    channel = "email" if claim.channel == "email" else "web"
    return {
        "type": claim.type, "ground": claim.ground, "received_at": _at(claim.received_at), "actor": actor,
        "channel": channel,
    }  # fmt: skip


def expectation(decision: str, code: str, clauses: Iterable[str], total: Money | None) -> dict[str, Any]:
    """The ``expect`` of a scenario."""
    refund = {"total": _amount(total), "currency": total.currency, "destinations": []} if total else None
    return {
        "decision": str(decision), "reasons": [{"code": str(code), "clauses": list(clauses)}], "refund": refund,
        "deadlines": [],
    }  # fmt: skip


def document(scenarios: Iterable[dict[str, Any]]) -> str:
    """A scenario file."""
    return yaml.dump(
        {"scenarios": list(scenarios)},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=120,
        default_flow_style=None,
    )


class _Dumper(yaml.SafeDumper):
    """Writes the same value out each time: aliases are not read."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _amount(money: Money) -> str:
    return str(money.amount)


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _delivery(delivery: f.Delivery, *, with_clocks: bool) -> dict[str, Any] | None:
    known = {each.name: getattr(delivery, each.name) for each in fields(delivery)}
    told = {
        name: _at(value) if isinstance(value, datetime) else value
        for name, value in known.items()
        if value is not None and (with_clocks or not isinstance(value, date))
    }
    return told or None


def _payment(payment: f.Payment) -> dict[str, Any]:
    dispute = payment.dispute
    return {
        "method": "card" if payment.method not in SOURCES else payment.method,
        "tenders": [
            {
                "source": each.source if each.source in SOURCES else "card",
                "amount": _amount(each.amount),
                "currency": each.amount.currency,
            }
            for each in payment.tenders
        ],
        "destination_status": payment.destination_status,
        "dispute": {
            "opened_at": _at(dispute.opened_at),
            "closed_at": _at(dispute.closed_at) if dispute.closed_at else None,
            "payout_to_buyer": dispute.payout_to_buyer,
        }
        if dispute
        else None,
    }


def _video(video: f.Video) -> dict[str, Any]:
    known = {each.name: getattr(video, each.name) for each in fields(video)}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in known.items()}
