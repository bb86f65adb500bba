"""What must be true when a run has come to rest, whatever struck it. Numbers as in docs/chaos.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from tests.chaos.books import Books, Row
from tests.chaos.texts import same_text

RESULT_MAILS: Final = frozenset({"completed", "unavailable", "not_found", "cancelled"})
SELF_MOVING: Final = frozenset({"paid", "submitting", "uncertain", "in_process"})
OVERDUE: Final = timedelta(seconds=60)


@dataclass
class Check:
    """One invariant: how many things were looked at, and what was wrong with which."""

    name: str
    title: str
    checked: int = 0
    violations: list[str] = field(default_factory=list)

    def look(self, is_right: bool, otherwise: str) -> None:
        """Count one thing; note it when it is not right."""
        self.checked += 1
        if not is_right:
            self.violations.append(otherwise)


def is_parked(order: Row) -> bool:
    """Whether a person owns the order, with a reason and a date."""
    return order["state"] == "on_hold" and all(order[name] for name in ("hold_reason", "owner", "owner_due_at"))


def bought_once(books: Books, check: Check) -> None:
    for order in books.paid_orders:
        count = len(books.bought_for(order["id"]))
        check.look(count >= 1 or is_parked(order), f"{order['number']} is {order['state']}, never bought")


def never_twice(books: Books, check: Check) -> None:
    for order in books.orders.values():
        ids = [str(sold["id"]) for sold in books.bought_for(order["id"])]
        check.look(len(ids) <= 1, f"{order['number']} ({order['state']}) bought as {', '.join(ids)}")
        check.look(order["paid_at"] is not None or not ids, f"{order['number']} is unpaid but bought")


def nothing_unbound(books: Books, check: Check) -> None:
    bound = {attempt["supplier_order_id"] for attempt in books.attempts}
    for ident, sold in books.sold.items():
        owner = books.order_behind(ident)
        parked = owner is not None and is_parked(books.orders[owner])
        check.look(
            ident in bound or parked, f"supplier order {ident} ({sold['reference'] or sold['imei']}) is nobody's"
        )


def ledger_balances(books: Books, check: Check) -> None:
    sums: dict[tuple[int | str, str], Decimal] = defaultdict(Decimal)
    for entry in books.entries:
        for key in (entry["transaction_id"], "overall"):
            sums[key, entry["currency"]] += entry["amount"]
    for (key, currency), amount in sums.items():
        check.look(amount == 0, f"posting {key}: {amount} {currency} left over")
    with_entries = {entry["transaction_id"] for entry in books.entries}
    for posting in books.postings:
        check.look(posting["id"] in with_entries, f"posting {posting['key']} is empty")


def captured_is_booked(books: Books, check: Check) -> None:
    by_session = {payment["provider_ref"]: payment for payment in books.payments.values()}
    fees = {charge["payment_intent"]: Decimal(charge["fee"]) / 100 for charge in books.charges}
    for ident, session in books.sessions.items():
        payment = by_session.get(ident)
        booked = books.booked(payment["id"], "capture", "stripe_clearing") if payment else []
        if session["payment_status"] != "paid":
            check.look(not booked, f"{ident} is not paid but booked: {booked}")
            continue
        due = Decimal(session["amount_total"]) / 100
        check.look(booked == [due], f"{ident} is paid, {due}; booked {booked}")
        check.look(payment is not None and payment["state"] == "captured", f"{ident} is paid, our payment is not")
        kept = books.booked(payment["id"], "fee", "provider_fees") if payment else []
        fee = fees.get(session["payment_intent"])
        check.look(kept == [fee], f"{ident}: the bank kept {fee}, booked {kept}")
        purchase = books.purchases[payment["purchase_id"]] if payment else None
        fits = purchase is not None and (purchase["paid_at"] is not None or bool(payment and payment["attention"]))
        check.look(fits, f"{ident}: money without an order and without a flag")


def delivered_is_sold(books: Books, check: Check) -> None:
    sales = Counter(posting["order_id"] for posting in books.postings if posting["kind"] == "sale")
    for order in books.orders.values():
        wanted = int(order["state"] == "completed")
        check.look(sales[order["id"]] == wanted, f"{order['number']} ({order['state']}): {sales[order['id']]} sales")
    for posting in books.postings:
        check.look(
            posting["kind"] in {"capture", "fee", "sale"}, f"posting {posting['key']}: nothing of that kind was done"
        )


def one_mail_each(books: Books, check: Check) -> None:
    arrived: dict[str, list[Row]] = defaultdict(list)
    for mail in books.mailbox:
        arrived[mail["mail_id"]].append(mail)
    owed = {mail["key"]: mail for mail in books.mails}
    by_order = Counter((mail["order_id"], mail["kind"]) for mail in books.mails if mail["order_id"])
    confirmations = Counter(mail["purchase_id"] for mail in books.mails if mail["kind"] == "confirmation")
    for key, mail in owed.items():
        found = arrived.get(key, [])
        check.look(len(found) == 1, f"mail {key} ({mail['work_state']}) arrived {len(found)} times")
        check.look(mail["work_state"] == "done", f"mail {key} is {mail['work_state']}: {mail['last_error']}")
        purchase = books.purchases[mail["purchase_id"]]
        for one in found:
            check.look(one["recipient"] == purchase["email"], f"mail {key} went to {one['recipient']}")
            check.look(_says_right(books, mail, one), f"mail {key} says something else")
    for key in arrived.keys() - owed.keys():
        check.look(False, f"mail {key} was never owed")
    for order in books.orders.values():
        state = order["state"]
        wanted = {state: 1} if state in RESULT_MAILS else {}
        got = {kind: by_order[order["id"], kind] for kind in RESULT_MAILS if by_order[order["id"], kind]}
        check.look(got == wanted, f"{order['number']} is {state}, result mails: {got or 'none'}")
    for purchase in books.purchases.values():
        wanted_confirmations = int(purchase["paid_at"] is not None)
        got_confirmations = confirmations[purchase["id"]]
        check.look(
            got_confirmations == wanted_confirmations, f"{purchase['number']}: {got_confirmations} confirmations"
        )


def _says_right(books: Books, mail: Row, arrived: Row) -> bool:
    if mail["order_id"] is None:
        return books.purchases[mail["purchase_id"]]["number"] in arrived["text"]
    order = books.orders[mail["order_id"]]
    if order["number"] not in arrived["text"]:
        return False
    return mail["kind"] != "completed" or same_text(order["result"], arrived["text"], within=True)


def nothing_in_hand(books: Books, check: Check, *, now: datetime) -> None:
    for attempt in books.attempts:
        is_old = attempt["outcome"] == "in_flight" and attempt["lease_until"] < now
        check.look(not is_old, f"attempt {attempt['reference']} is in flight past its lease")
    for name, rows in (("mail", books.mails), ("webhook", books.deliveries)):
        for row in rows:
            is_old = row["work_state"] == "claimed" and row["lease_until"] < now
            check.look(not is_old, f"{name} {row['id']} is claimed past its lease")


def nothing_ownerless(books: Books, check: Check, *, now: datetime) -> None:
    for order in books.orders.values():
        if order["ended_at"] is not None:
            continue
        due = order["next_action_at"]
        check.look(due is not None or is_parked(order), f"{order['number']} ({order['state']}) is ownerless")
        is_late = due is not None and due < now - OVERDUE
        check.look(not is_late, f"{order['number']} ({order['state']}) is overdue since {due}")
        check.look(order["state"] not in SELF_MOVING, f"{order['number']} is still {order['state']}")


def inbox_complete(books: Books, check: Check) -> None:
    stored = {delivery["event_id"]: delivery for delivery in books.deliveries}
    known = {payment["provider_ref"] for payment in books.payments.values()}
    waiting = {row["event"] for row in books.bank_deliveries if row["state"] == "pending"}
    for event in books.bank_events:
        delivery = stored.get(event["id"])
        if event["state"] == "dropped":
            check.look(delivery is None, f"event {event['id']} was never sent, but stored")
            continue
        check.look(event["id"] not in waiting, f"event {event['id']} is still being sent, last {event['last_status']}")
        check.look(event["forged_accepted"] == 0, f"event {event['id']}: a forged copy was taken")
        check.look(delivery is not None, f"event {event['id']} ({event['type']}) was acknowledged and lost")
        if delivery is not None and event["object_id"] in known:
            is_done = delivery["work_state"] == "done" and delivery["verdict"] in {"applied", "ignored"}
            check.look(is_done, f"event {event['id']} is {delivery['work_state']}: {delivery['last_error']}")
    for event_id in stored.keys() - {event["id"] for event in books.bank_events}:
        check.look(False, f"event {event_id} is not the bank's")


def story_legal(books: Books, check: Check) -> None:
    from orders.states import is_legal  # noqa: PLC0415

    for pk, order in books.orders.items():
        story = books.events.get(pk, [])
        numbers = [event["seq"] for event in story]
        check.look(numbers == list(range(1, len(story) + 1)) and story != [], f"{order['number']}: lines {numbers}")
        state = "awaiting_payment"
        for event in story:
            old, new = event["from_state"], event["to_state"]
            if old:
                legal = old == state and is_legal(old, new)
                check.look(legal, f"{order['number']} #{event['seq']}: {state} … {old} -> {new}")
                state = new
        check.look(state == order["state"], f"{order['number']}: the story ends in {state}, it is {order['state']}")


def result_is_its_own(books: Books, check: Check) -> None:
    for order in books.orders.values():
        bound = [attempt for attempt in books.attempts_of(order["id"]) if attempt["supplier_order_id"]]
        sold = books.sold.get(bound[-1]["supplier_order_id"]) if bound else None
        if sold is None:
            check.look(not order["result"], f"{order['number']} has a result of no supplier order")
            continue
        number = order["number"]
        check.look(sold["imei"] == order["identifier"], f"{number} is bound to {sold['id']} of {sold['imei']}")
        check.look(books.order_behind(str(sold["id"])) == order["id"], f"{number} is bound to another's {sold['id']}")
        if sold["answer_imei"] != order["identifier"]:
            is_held = order["state"] == "on_hold" and not order["result"]
            check.look(is_held, f"{number} was answered for {sold['answer_imei']} and is {order['state']}")
        elif order["state"] == "completed":
            right = same_text(sold["final_code"], order["result"]) and sold["status"] == 4
            check.look(right, f"{number}: the result is not that of supplier order {sold['id']}")


def checks(books: Books, *, now: datetime) -> Iterator[Check]:
    """Run every invariant that is a matter of the books."""
    runs: list[tuple[str, str, Callable[[Books, Check], None]]] = [
        ("I1", "each paid order bought, or parked with reason, owner, date", bought_once),
        ("I2", "no order bought twice, none unpaid", never_twice),
        ("I3", "no supplier order unbound, parked ones apart", nothing_unbound),
        ("I4", "ledger sums to zero: posting, currency, overall", ledger_balances),
        ("I5", "captured at the bank = booked, once each", captured_is_booked),
        ("I5b", "each delivered order is one sale, no other is", delivered_is_sold),
        ("I6", "one right mail per ended order and paid purchase", one_mail_each),
        ("I7", "nothing in flight or claimed past its lease", partial(nothing_in_hand, now=now)),
        ("I8", "no open order ownerless, overdue or stuck", partial(nothing_ownerless, now=now)),
        ("I9", "every event stored once and processed, none forged", inbox_complete),
        ("I11", "each order's story gap-free and legal", story_legal),
        ("I12", "each result is of its own device and order", result_is_its_own),
    ]
    for name, title, run in runs:
        check = Check(name, title)
        run(books, check)
        if not check.checked:
            check.violations.append("nothing was checked")
        yield check
