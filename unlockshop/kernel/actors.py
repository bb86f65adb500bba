"""Who did something. Kept as plain text in the event log, so that a deleted user leaves the story whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """The parties that an event can be put down to."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SUPPLIER = "supplier"
    PROVIDER = "provider"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where. ``ident`` is our key of the actor, ``label`` what people read, ``ip`` may be empty."""

    kind: ActorKind
    ident: str = ""
    label: str = ""
    ip: str | None = None


SYSTEM = Actor(ActorKind.SYSTEM, label="shop")


def staff(user_id: int, email: str, ip: str | None = None) -> Actor:
    """A signed-in member of staff."""
    return Actor(ActorKind.STAFF, ident=str(user_id), label=email, ip=ip)


def customer(email: str = "", ip: str | None = None) -> Actor:
    """A customer, signed in or holding a secret link."""
    return Actor(ActorKind.CUSTOMER, ident=email, label=email or "customer", ip=ip)


def supplier(slug: str) -> Actor:
    """A supplier answering through its API."""
    return Actor(ActorKind.SUPPLIER, ident=slug, label=slug)


def provider(name: str) -> Actor:
    """A payment provider, by webhook or by what it answered when asked."""
    return Actor(ActorKind.PROVIDER, ident=name, label=name)
