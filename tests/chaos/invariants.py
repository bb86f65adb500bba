"""What must be true when a run has come to rest, whatever struck it. Numbers as in docs/chaos.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from tests.chaos import doubts, money
from tests.chaos.bank_books import Row
from tests.chaos.books import Books
from tests.chaos.checking import Check
from tests.chaos.texts import same_text

RESULT_MAILS: Final = frozenset({"completed", "unavailable", "not_found", "cancelled"})
# Kind of mail, and how the key of the posting begins that it tells of.
REFUND_MAILS: Final = {"refunded": "refund", "refund_returned": "refund-returned"}
SELF_MOVING: Final = frozenset({"paid", "submitting", "uncertain", "in_process"})
OVERDUE: Final = timedelta(seconds=60)


def is_parked(order: Row) -> bool:
    """Whether a person owns the order, with a reason and a date."""
    return order["state"] == "on_hold" and all(order[name] for name in ("hold_reason", "owner", "owner_due_at"))


def was_given_back(books: Books, order: Row) -> bool:
    """Whether staff gave all its money back, with a reason, before it had left: that cancels it."""
    rows = [
        refund for refund in books.refunds.values()
        if books.payments[refund["payment_id"]]["purchase_id"] == order["purchase_id"]
        and refund["order_id"] in {None, order["id"]}
    ]  # fmt: skip
    is_meant = order["state"] == "cancelled" and any(refund["override_reason"] for refund in rows)
    return is_meant and sum(refund["amount"] for refund in rows) >= order["price"]


def bought_once(books: Books, check: Check) -> None:
    for order in books.paid_orders:
        count = len(books.bought_for(order["id"]))
        is_over = is_parked(order) or was_given_back(books, order)
        check.look(count >= 1 or is_over, f"{order['number']} is {order['state']}, never bought")


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


def one_mail_each(books: Books, check: Check) -> None:
    arrived: dict[str, list[Row]] = defaultdict(list)
    for mail in books.bank.mailbox:
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


def refunds_told(books: Books, check: Check) -> None:
    """One mail for each refund that was booked, and one for each that came back; both were owed with the booking."""
    told = Counter((mail["kind"], mail["key"].split(":")[2]) for mail in books.mails if mail["kind"] in REFUND_MAILS)
    booked = {posting["key"] for posting in books.postings}
    for ident, refund in books.refunds.items():
        wanted = {kind: int(f"{prefix}:{ident}" in booked) for kind, prefix in REFUND_MAILS.items()}
        got = {kind: told[kind, ident] for kind in REFUND_MAILS}
        check.look(got == wanted, f"refund {ident} ({refund['state']}): mails {got}, wanted {wanted}")


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
    for name, rows in (("mail", books.mails), ("webhook", books.deliveries), ("refund", list(books.refunds.values()))):
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
        ("I4", "ledger sums to zero: posting, currency, overall", money.ledger_balances),
        ("I4b", "clearing = money at the bank, other accounts explained", money.accounts_explained),
        ("I5", "captured at the bank = booked, once each, with its fee", money.captured_is_booked),
        ("I5b", "each delivered order is one sale, no other is", money.delivered_is_sold),
        ("I5c", "each refund is one at the bank, booked as it ended", money.refunded_is_booked),
        ("I5d", "disputes here as at the bank, money and cost booked", money.disputed_is_booked),
        ("I5e", "nothing back for open orders unless staff said why", money.guard_held),
        ("I5f", "reconciliation ends well and finds no difference", money.reconciled),
        ("I6", "one right mail per ended order and paid purchase", one_mail_each),
        ("I6b", "one mail per refund that went out, one per return", refunds_told),
        ("I7", "nothing in flight or claimed past its lease", partial(nothing_in_hand, now=now)),
        ("I8", "no open order ownerless, overdue or stuck", partial(nothing_ownerless, now=now)),
        ("I9", "each event stored once and processed, no false one, no 5xx", doubts.inbox_complete),
        ("I11", "each order's story gap-free and legal", story_legal),
        ("I12", "each result is of its own device and order", result_is_its_own),
        ("D", "each dispute with freeze, task and ending, answered once", doubts.disputes_looked_after),
        ("D2", "each warning of fraud seen", doubts.warnings_seen),
    ]
    for name, title, run in runs:
        check = Check(name, title)
        run(books, check)
        if not check.checked:
            check.violations.append("nothing was checked")
        yield check
