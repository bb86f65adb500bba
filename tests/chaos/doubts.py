"""What must be true of disputes, of warnings and of what was told to the inbox. Numbers as in docs/chaos.md."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from tests.chaos.bank_books import Row
from tests.chaos.books import Books
from tests.chaos.checking import Check

OPEN: Final = frozenset({"needs_response", "under_review"})
BLOCKING: Final = OPEN | {"lost"}
# An attempt that began while the freeze waited for the order's lock is no breach of it.
OVERLAP: Final = timedelta(seconds=10)


def disputes_looked_after(books: Books, check: Check) -> None:
    """An open dispute has an owner, a date and a freeze; one that is over has its ending, and the freeze is gone."""
    blocking = [dispute for dispute in books.disputes.values() if dispute["state"] in BLOCKING]
    standing = {books.payments[dispute["payment_id"]]["purchase_id"] for dispute in blocking}
    warned = {p["purchase_id"] for p in books.payments.values() if p["attention"] == "fraud"}
    for ref, dispute in books.disputes.items():
        purchase = books.purchases[books.payments[dispute["payment_id"]]["purchase_id"]]
        name = f"{ref} ({dispute['state']})"
        if dispute["state"] == "needs_response":
            check.look(bool(dispute["owner"] and dispute["respond_by"]), f"{name} has no owner or no date")
        check.look(
            (dispute["closed_at"] is None) == (dispute["state"] in OPEN), f"{name} closed {dispute['closed_at']}"
        )
        _packs_of(books, check, dispute, name)
        is_released = purchase["id"] in books.released
        if purchase["id"] in standing | warned:
            check.look(is_released or bool(purchase["frozen_for"]), f"{name}: {purchase['number']} is not frozen")
        else:
            check.look(not purchase["frozen_for"], f"{name}: {purchase['number']} is still {purchase['frozen_for']}")
        if dispute["state"] in BLOCKING and not is_released:
            _nothing_sent(books, check, dispute, purchase)
    for order in books.orders.values():
        if order["hold_reason"] == "dispute":
            check.look(order["purchase_id"] in standing, f"{order['number']} is held for a dispute that is over")
        elif order["hold_reason"] == "fraud_warning":
            check.look(order["purchase_id"] in warned, f"{order['number']} is held for a warning that is over")


def _packs_of(books: Books, check: Check, dispute: Row, name: str) -> None:
    """At most one answer, and nobody left wondering whether it arrived."""
    states = Counter(pack["state"] for pack in books.packs if pack["dispute_id"] == dispute["id"])
    check.look(states["submitting"] == 0, f"{name}: nobody knows whether the evidence arrived")
    check.look(states["submitted"] <= 1, f"{name} was answered {states['submitted']} times")


def _nothing_sent(books: Books, check: Check, dispute: Row, purchase: Row) -> None:
    begun = dispute["opened_at"] + OVERLAP
    for order in books.orders_of(purchase["id"]):
        late = [attempt["reference"] for attempt in books.attempts_of(order["id"]) if attempt["created_at"] > begun]
        check.look(not late, f"{', '.join(late)} went out although {dispute['provider_ref']} was open")
        check.look(order["state"] not in {"paid", "submitting"}, f"{order['number']} goes on although disputed")


def warnings_seen(books: Books, check: Check) -> None:
    seen = Counter((warning["payment_id"], warning["provider_ref"]) for warning in books.warnings)
    for charge, ref in books.bank.warned:
        payment = books.payment_behind(charge)
        count = seen[payment["id"], ref] if payment else 0
        check.look(count == 1, f"the warning {ref} about {charge} was noted {count} times")


def inbox_complete(books: Books, check: Check) -> None:
    """Each event that the bank delivered is stored once and processed; it was answered 5xx never."""
    stored = {(delivery["provider"], delivery["event_id"]): delivery for delivery in books.deliveries}
    check.look(len(stored) == len(books.deliveries), "an event is stored twice")
    waiting = {row["event"] for row in books.bank.deliveries if row["state"] == "pending"}
    for event in books.bank.events:
        delivery = stored.get((event["channel"], event["id"]))
        name = f"event {event['id']} ({event['type']})"
        if event["state"] == "dropped":
            check.look(delivery is None, f"{name} was never sent, but stored")
            continue
        check.look(event["id"] not in waiting, f"{name} is still being sent, last {event['last_status']}")
        check.look(event["forged_accepted"] == 0, f"{name}: a forged copy was taken")
        check.look(delivery is not None, f"{name} was acknowledged and lost")
        if delivery is not None:
            is_done = delivery["work_state"] == "done" and delivery["verdict"] in {"applied", "ignored"}
            is_parked = delivery["work_state"] == "needs_staff"
            check.look(is_done or is_parked, f"{name} is {delivery['work_state']}: {delivery['last_error']}")
    for channel, event_id in stored.keys() - {(event["channel"], event["id"]) for event in books.bank.events}:
        check.look(False, f"{channel} event {event_id} is not the bank's")
    for answer in books.bank.answers:
        status = answer["status"]
        if status is not None:
            wanted = status == 400 if answer["forged"] else status == 200
            check.look(wanted, f"event {answer['event']}, forged {answer['forged']}: answered {status}")
    for knock in books.knocks:
        if knock["status"]:
            what = f"{knock['kind']} {knock['provider']} {knock['event']}"
            check.look(knock["status"] == knock["wanted"], f"{what} was answered {knock['status']}")
