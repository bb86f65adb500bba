"""Scenarios into order facts and expectations. Everything is checked; nothing unknown is passed over."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from refunds.policy import facts as f
from refunds.policy.points import VIDEO_POINTS
from refunds.policy.published import profiles
from refunds.scenarios.expecting import Expected, expected
from refunds.scenarios.fields import (
    Fields,
    ScenarioError,
    amount,
    code,
    count,
    day,
    flag,
    list_of,
    moment,
    money_in,
    one_of,
    text,
)
from unlockshop.kernel.money import Money

CLAIM_TYPES: Final = (
    "cancel", "refund", "correction", "price_match", "additional_payment", "wallet_withdrawal", "dispute",
    "supplier_event",
)  # fmt: skip
SOURCES: Final = ("card", "paypal", "bank_transfer", "wallet", "credits", "promo_credits")
_DELIVERY: Final = (
    "average_business_hours", "guaranteed_business_hours", "guaranteed_business_days", "estimated_business_days",
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """Facts under a profile, and the decision they must lead to."""

    id: str
    profile: str
    facts: f.OrderFacts
    expected: Expected


def scenario(raw: object) -> Scenario:
    """A checked scenario. Raises ``ScenarioError`` with the place of the first thing that is wrong."""
    entry = Fields(raw, "")
    found = entry.take("id", text), entry.take("profile", one_of(*profiles()))
    for note in ("title", "notes"):
        entry.take(note, text, "")
    facts, claim = entry.within("facts"), entry.take("claim", _claim)
    scenario = Scenario(*found, _facts(facts, claim), entry.take("expect", expected))
    entry.finish()
    return scenario


def _facts(facts: Fields, claim: f.Claim) -> f.OrderFacts:
    service = facts.take("service", _service)
    money = money_in(service.price.currency)
    supplier, device, evidence = facts.within("supplier"), facts.within("device"), facts.within("evidence")
    wallet: tuple[Money, Money] | None = facts.take("wallet", _wallet_in(money), None)
    outcome = supplier.take("outcome", one_of(*f.OUTCOMES), None)
    found = f.OrderFacts(
        customer=facts.take("customer", _customer),
        service=service,
        payment=_payment(facts, money),
        history=facts.take("history", list_of(_event)),
        supplier=f.Supplier(
            supplier.take("cancel_response", one_of("pending", "approved", "rejected"), None),
            supplier.take("code_recheck", one_of("wrong_confirmed"), None),
        ),
        claim=claim,
        established=device.take("established", list_of(_established), ()),
        alleged=frozenset(device.take("alleged", list_of(text), ())),
        video=evidence.take("video", _video, None),
        delay=facts.take("delay", _delay, None),
        evidence_requested_at=facts.take("evidence_requested_at", moment, None),
        verification_submitted_at=facts.take("verification_submitted_at", moment, None),
        investigation=facts.take(
            "investigation", one_of("customer_error", "no_customer_error", "wrong_rejection_eligible"), None
        ),
        price_match=facts.take("price_match", _price_match_in(money), None),
        new_price=facts.take("new_price", money, None),
        wallet_available=wallet[0] if wallet else None,
        requested=facts.take("requested", money, None),
        status_changed_at=facts.take("status_changed_at", moment, None),
        received_value=facts.take("received_value", money, None),
        shop_fault=facts.take("shop_fault", flag, False),
        fraud_suspected=facts.take("fraud_suspected", flag, False),
        abuse_flag=facts.take("abuse_flag", flag, False),
        credit_abuse=facts.take("credit_abuse", flag, False),
        duplicate_tickets=facts.take("duplicate_tickets", count, 0),
        additional_payment_state=facts.take("additional_payment_state", text, None),
        closed_days=frozenset(facts.take("closed_days", list_of(day), ())),
    )
    # Told for the record: no rule asks for them.
    for name in ("processed_by_staff_at", "deposit_at"):
        facts.take(name, moment, None)
    for part in (supplier, device, evidence, facts):
        part.finish()
    reached = {event.state for event in found.history}
    if outcome is not None and outcome not in reached:
        raise ScenarioError(f"{supplier.place('outcome')}: {outcome} is not in the history")
    return found


def _customer(value: object, place: str) -> f.Customer:
    customer = Fields(value, place)
    flags = [customer.take(name, flag) for name in ("consumer", "withdrawal_waiver", "email_matches_order")]
    found = f.Customer(customer.take("country", code), *flags)
    customer.finish()
    return found


def _service(value: object, place: str) -> f.Service:
    service = Fields(value, place)
    currency = service.take("currency", text)
    found = f.Service(
        kind=service.take("kind", one_of(*f.KINDS)),
        scope=service.take("scope", one_of("clean", "any")),
        price=service.take("price", money_in(currency)),
        delivery=service.take("delivery", _delivery, f.Delivery()),
    )
    service.finish()
    return found


def _delivery(value: object, place: str) -> f.Delivery:
    delivery = Fields(value, place)
    times: dict[str, Any] = {name: delivery.take(name, _duration, None) for name in _DELIVERY}
    # An order's own clocks, where it was kept with them.
    times |= {name: delivery.take(name, moment, None) for name in ("promised_until", "due_at")}
    found = f.Delivery(**times)
    delivery.finish()
    return found


def _duration(value: object, place: str) -> int:
    return count(value, place, most=5000)


def _payment(facts: Fields, money: Any) -> f.Payment:
    payment = facts.within("payment")

    def tender(value: object, place: str) -> f.Tender:
        part = Fields(value, place)
        found = f.Tender(part.take("source", one_of(*SOURCES)), part.take("amount", money))
        if part.take("currency", text) != found.amount.currency:
            raise ScenarioError(f"{part.place('currency')}: must be the service's, {found.amount.currency}")
        part.finish()
        return found

    found = f.Payment(
        method=payment.take("method", text),
        tenders=payment.take("tenders", list_of(tender)),
        destination_status=payment.take("destination_status", one_of("ok", "impossible")),
        dispute=payment.take("dispute", _dispute, None),
        bank_country=facts.take("bank_country", code, None),
    )
    payment.finish()
    return found


def _dispute(value: object, place: str) -> f.Dispute:
    dispute = Fields(value, place)
    found = f.Dispute(
        dispute.take("opened_at", moment), dispute.take("closed_at", moment, None),
        dispute.take("payout_to_buyer", flag, False),
    )  # fmt: skip
    dispute.finish()
    return found


def _event(value: object, place: str) -> f.Event:
    event = Fields(value, place)
    found = f.Event(event.take("state", one_of(*f.STATES)), event.take("at", moment))
    event.finish()
    return found


def _established(value: object, place: str) -> f.Established:
    fact = Fields(value, place)
    found = f.Established(fact.take("fact", text), fact.take("by", text), fact.take("caused_delay", flag, False))
    fact.finish()
    return found


def _video(value: object, place: str) -> f.Video:
    video = Fields(value, place)
    found = f.Video(
        width=video.take("width", count),
        height=video.take("height", count),
        duration_s=video.take("duration_s", amount, Decimal(0)),
        review=video.take("review", one_of("pending", "failure_confirmed", "customer_error")),
        **{name: video.take(name, flag) for name in sorted(VIDEO_POINTS)},
    )
    video.finish()
    return found


def _delay(value: object, place: str) -> f.Delay:
    delay = Fields(value, place)
    delivered = delay.take("mail_delivered_at", moment, None)
    has_bounced = delay.take("bounced", flag, False)
    found = f.Delay(None if has_bounced else delivered, delay.take("new_date", moment, None))
    delay.finish()
    return found


def _price_match_in(money: Any) -> Any:
    def parse(value: object, place: str) -> f.PriceMatch:
        match = Fields(value, place)
        found = f.PriceMatch(
            request_id=match.take("request_id", text, None),
            url=match.take("url", text, None),
            screenshot=match.take("screenshot", flag, None),
            company=match.take("company", text, None),
            tax_no=match.take("tax_no", text, None),
            total_incl_taxes_fees=match.take("total_incl_taxes_fees", flag, None),
            public_price=match.take("public_price", flag, None),
            registered_company=match.take("registered_company", flag, None),
            legal_fiscal_ok=match.take("legal_fiscal_ok", flag, None),
            issues_invoices=match.take("issues_invoices", flag, None),
            comparable_service=match.take("comparable_service", flag, None),
            site_updated_on=match.take("site_updated_on", day, None),
            competitor_price=match.take("competitor_price", money, None),
        )
        match.finish()
        return found

    return parse


def _wallet_in(money: Any) -> Any:
    def parse(value: object, place: str) -> tuple[Money, Money | None]:
        wallet = Fields(value, place)
        found = wallet.take("available", money), wallet.take("reserved", money, None)
        wallet.finish()
        return found

    return parse


def _claim(value: object, place: str) -> f.Claim:
    claim = Fields(value, place)
    found = f.Claim(
        type=claim.take("type", one_of(*CLAIM_TYPES)),
        ground=claim.take("ground", text, None),
        received_at=claim.take("received_at", moment),
        actor=claim.take("actor", text),
        channel=claim.take("channel", one_of("web", "email")),
    )
    claim.finish()
    return found
