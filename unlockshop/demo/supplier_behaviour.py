"""How the demo supplier misbehaves, and for which device.

The table is keyed by digits 13 and 14 of a 15-digit IMEI. In a chaos run the same behaviours are drawn at
random for the IMEIs outside the table. The draw depends on seed, IMEI and try number only, so a run repeats.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

EXAMPLE_TAC = "35693803"
NO_CREDIT_TRIES = 2
"""How many tries a "no_credit" device of the table is refused before it is accepted."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table. ``pair`` is empty for the plain fast order."""

    slug: str
    pair: str
    text: str


FAST = Behaviour("fast", "", "Completes fast")
TABLE: tuple[Behaviour, ...] = (
    Behaviour("slow", "80", "Completes slowly"),
    Behaviour("rejected", "81", "Rejected: device not eligible"),
    Behaviour("not_found", "82", "Rejected with the service's “not found” text"),
    Behaviour("timeout_after", "83", "Times out, the order was accepted"),
    Behaviour("timeout_before", "84", "First try times out, nothing accepted; then accepted"),
    Behaviour("error_after", "85", "HTTP 500 page, the order was accepted"),
    Behaviour("error_before", "86", "First try HTTP 500 page, nothing accepted; then accepted"),
    Behaviour("garbage_after", "87", "HTML page with HTTP 200, the order was accepted"),
    Behaviour("garbage_before", "88", "First try HTML page with HTTP 200, nothing accepted; then accepted"),
    Behaviour("no_credit", "89", "First two tries refused: out of credit; then accepted"),
    Behaviour("truncated_after", "90", "JSON cut short, the order was accepted"),
    Behaviour("php_noise", "91", "Byte order mark and PHP warnings before valid JSON"),
    Behaviour("wrong_imei", "92", "Status answers carry another device's IMEI"),
    Behaviour("script_result", "93", "Result text contains script and event-handler HTML"),
    Behaviour("empty_code", "94", "Success with an empty result"),
    Behaviour("flapping", "95", "Status goes 1, 0, 1, 4, and round again"),
    Behaviour("invalid", "96", "Refused: Invalid IMEI (ValidationError)"),
    Behaviour("no_reference", "97", "Accepted without a REFERENCEID"),
)
_BY_PAIR = {behaviour.pair: behaviour for behaviour in TABLE}
BEFORE = frozenset({"timeout_before", "error_before", "garbage_before"})
"""Transport faults that leave no order behind."""


def luhn_digit(body: str) -> str:
    """The check digit of a digit string that still lacks it."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def example_imei(pair: str, serial: int = 0) -> str:
    """A valid IMEI for one row: TAC, four digits of ``serial`` (0 to 9999), the pair, the check digit."""
    if len(pair) != 2 or not pair.isdecimal() or not 0 <= serial <= 9999:
        raise ValueError("pair is two digits, serial is 0 to 9999")
    body = f"{EXAMPLE_TAC}{serial:04d}{pair}"
    return body + luhn_digit(body)


def is_imei(identifier: str) -> bool:
    """Whether the identifier has the shape that the table and the chaos draw look at: 15 ASCII digits."""
    return len(identifier) == 15 and identifier.isascii() and identifier.isdecimal()


def is_listed(order_id: int, age_seconds: float, *, lag_seconds: float, seed: int) -> bool:
    """Whether lists show an order of this age: each has its own lag, evenly drawn up to ``lag_seconds``."""
    return age_seconds >= random.Random(f"lag:{seed}:{order_id}").uniform(0, lag_seconds)


def check_rates(rates: Mapping[str, float]) -> None:
    """Refuse fault rates that name an unknown behaviour or do not form a distribution."""
    unknown = set(rates) - {behaviour.slug for behaviour in TABLE}
    if unknown:
        raise ValueError(f"unknown behaviours: {', '.join(sorted(unknown))}")
    if any(not 0 <= rate <= 1 for rate in rates.values()) or sum(rates.values()) > 1 + 1e-9:
        raise ValueError("rates are probabilities and add up to at most 1")


def choose(identifier: str, tries: int, rates: Mapping[str, float], seed: int) -> Behaviour:
    """What one place call does. ``tries`` counts from 1 for each identifier."""
    if not is_imei(identifier):
        return FAST
    listed = _BY_PAIR.get(identifier[12:14])
    if listed is not None:
        if listed.slug in BEFORE and tries > 1:
            return FAST
        if listed.slug == "no_credit" and tries > NO_CREDIT_TRIES:
            return FAST
        return listed
    draw = random.Random(f"{seed}:{identifier}:{tries}").random()
    for behaviour in TABLE:
        draw -= rates.get(behaviour.slug, 0.0)
        if draw < 0:
            return behaviour
    return FAST
