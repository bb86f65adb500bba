"""What must be true of the money at rest: the books balance and say what the bank says; see docs/chaos.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tests.chaos.bank_books import Given, Row
from tests.chaos.books import Books
from tests.chaos.checking import Check

STRAY: Final = frozenset({"overpayment", "late"})
KINDS: Final = frozenset(
    {"capture", "fee", "sale", "refund", "refund_returned", "dispute-withdrawn", "dispute-reinstated", "dispute-lost",
     "dispute-fee"}
)  # fmt: skip
# The bank's word for: you ask for more than came in. Our own guard must have said so before.
TOO_MUCH: Final = ("charge_already_refunded", "refused", "capture_fully_refunded", "refund_amount_exceeded")
NOTHING: Final = Decimal(0)


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
        check.look(posting["kind"] in KINDS, f"posting {posting['key']}: nothing of that kind was done")


def accounts_explained(books: Books, check: Check) -> None:
    """The clearing accounts hold what the bank holds for us; every other open balance has a row that explains it."""
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in books.entries:
        totals[entry["account"], entry["currency"]] += entry["amount"]
    for provider in ("stripe", "paypal"):
        for currency in {taken.currency for taken in books.bank.taken}:
            ours, theirs = totals[f"{provider}_clearing", currency], books.bank.balance(provider, currency)
            check.look(ours == theirs, f"{provider}: {theirs} {currency} there, {ours} on the clearing account")
    for payment in books.payments.values():
        _payment_explained(books, check, payment)
    for dispute in books.disputes.values():
        taken = dispute["amount"] if dispute["funds_withdrawn"] else NOTHING
        wanted = (NOTHING, taken) if dispute["state"] == "lost" else (taken, NOTHING)
        key = f"dispute:{dispute['id']}:"
        got = tuple(sum(books.booked_under(key, account), NOTHING) for account in ("disputed", "dispute_losses"))
        check.look(
            got == wanted, f"{dispute['provider_ref']} is {dispute['state']}: held and lost {got}, not {wanted}"
        )


def _payment_explained(books: Books, check: Check, payment: Row) -> None:
    """Money that fits no order stands unattached until it is given back; all other for orders not delivered yet."""
    name, is_stray = payment["provider_ref"], payment["attention"] in STRAY
    rows = [refund for refund in books.refunds.values() if refund["payment_id"] == payment["id"]]
    given = sum((refund["amount"] for refund in rows if refund["state"] == "succeeded"), NOTHING)
    is_captured = payment["state"] == "captured"
    loose = -books.balance_of(payment["id"], "unattached")
    due = payment["amount"] - given if is_captured and is_stray else NOTHING
    check.look(loose == due, f"{name} ({payment['attention'] or 'fits'}): {loose} unattached, {due} explained")
    prepaid = -books.balance_of(payment["id"], "customer_prepayments")
    if not is_captured or is_stray:
        check.look(prepaid == 0, f"{name} is {payment['state']} {payment['attention']}: {prepaid} prepaid")
        return
    # What came back from the bank is owed to the customer again, whatever was delivered meanwhile.
    returned = sum((refund["amount"] for refund in rows if refund["state"] == "failed"), NOTHING)
    orders = books.orders_of(payment["purchase_id"])
    waiting = sum((order["price"] for order in orders if order["state"] != "completed"), NOTHING)
    check.look(0 <= prepaid <= waiting + returned, f"{name}: {prepaid} prepaid, {waiting} + {returned} explained")


def captured_is_booked(books: Books, check: Check) -> None:
    by_ref = {(payment["provider"], payment["provider_ref"]): payment for payment in books.payments.values()}
    for taken in books.bank.taken:
        payment = by_ref.get((taken.provider, taken.ref))
        booked = books.booked(payment["id"], "capture", f"{taken.provider}_clearing") if payment else []
        if not taken.is_paid:
            check.look(not booked, f"{taken.ref} is not paid but booked: {booked}")
            continue
        check.look(booked == [taken.amount], f"{taken.ref} is paid, {taken.amount}; booked {booked}")
        if payment is None:
            continue
        check.look(payment["state"] == "captured", f"{taken.ref} is paid, our payment is {payment['state']}")
        kept = books.booked(payment["id"], "fee", "provider_fees")
        check.look(kept == [taken.fee], f"{taken.ref}: the bank kept {taken.fee}, booked {kept}")
        fits = books.purchases[payment["purchase_id"]]["paid_at"] is not None or bool(payment["attention"])
        check.look(fits, f"{taken.ref}: money without an order and without a flag")
    known = {(taken.provider, taken.ref) for taken in books.bank.taken if taken.is_paid}
    for ref, payment in by_ref.items():
        check.look(payment["state"] != "captured" or ref in known, f"{ref[1]} is captured here and unpaid there")


def delivered_is_sold(books: Books, check: Check) -> None:
    """Each delivered order is one sale; none or a smaller one where money had gone back before."""
    sales: dict[int, list[Decimal]] = defaultdict(list)
    for posting in books.postings:
        if posting["kind"] == "sale":
            sales[posting["order_id"]] += [-amount for amount in books.booked_under(posting["key"], "sales")]
    given_back = {books.payments[refund["payment_id"]]["purchase_id"] for refund in books.refunds.values()}
    for order in books.orders.values():
        got, number = sales[order["id"]], order["number"]
        if order["state"] != "completed":
            check.look(not got, f"{number} is {order['state']}, sold for {got}")
        elif order["purchase_id"] in given_back:
            is_part = len(got) <= 1 and all(0 < amount <= order["price"] for amount in got)
            check.look(is_part, f"{number} costs {order['price']}, sold for {got}")
        else:
            check.look(got == [order["price"]], f"{number} costs {order['price']}, sold for {got}")


def refunded_is_booked(books: Books, check: Check) -> None:
    """A row is one refund at the bank, and is booked as what became of it; nothing went back but by a row."""
    at_bank: dict[str, list[Given]] = defaultdict(list)
    for given in books.bank.given:
        at_bank[given.key].append(given)
        check.look(given.key in books.refunds, f"{given.ref}: {given.amount} went back by no row of ours")
    for key, refund in books.refunds.items():
        _refund_is_booked(books, check, refund, at_bank[key])
    for payment in books.payments.values():
        rows = [r for r in books.refunds.values() if r["payment_id"] == payment["id"] and r["state"] != "failed"]
        total = sum((refund["amount"] for refund in rows), NOTHING)
        check.look(total <= payment["amount"], f"{payment['provider_ref']}: {total} back of {payment['amount']}")
        there = sum(
            (g.amount for g in books.bank.given if g.is_gone and g.charge_ref == payment["charge_ref"]), NOTHING
        )
        check.look(there <= payment["amount"], f"{payment['provider_ref']}: {there} back at the bank")


def _refund_is_booked(books: Books, check: Check, refund: Row, found: list[Given]) -> None:
    name = f"refund {refund['id']} ({refund['state']})"
    check.look(refund["state"] in {"succeeded", "failed"}, f"{name} is not at an end: {refund['last_error']}")
    check.look(not refund["is_external"], f"{name} was taken for one of the bank's own pages")
    check.look(len(found) <= 1, f"{name} went back {len(found)} times")
    fits = all(given.amount == refund["amount"] for given in found)
    check.look(fits, f"{name} is of {refund['amount']}, not {[given.amount for given in found]}")
    gone = sum((given.amount for given in found if given.is_gone), NOTHING)
    clearing = f"{books.payments[refund['payment_id']]['provider']}_clearing"
    lines = books.booked_under(f"refund:{refund['id']}", clearing)
    booked = -sum(lines + books.booked_under(f"refund-returned:{refund['id']}", clearing), NOTHING)
    check.look(
        booked == gone and len(lines) <= 1, f"{name}: {gone} went back, booked {booked} in {len(lines)} postings"
    )
    check.look((refund["state"] == "succeeded") == bool(gone), f"{name}: {gone} went back")
    if refund["state"] == "failed":
        check.look(refund["work_state"] == "needs_staff", f"{name} failed, and nobody is told")
        was_refused = not found and refund["failure"].startswith(TOO_MUCH)
        check.look(not was_refused, f"{name}: the bank had to refuse it: {refund['failure']}")


def guard_held(books: Books, check: Check) -> None:
    """Without a reason from staff nothing went back for an order that was open."""
    for ident, refund in books.refunds.items():
        payment = books.payments[refund["payment_id"]]
        if refund["override_reason"] or payment["attention"] in STRAY:
            continue
        concerned: Iterable[Row] = books.orders_of(payment["purchase_id"])
        if refund["order_id"] is not None:
            concerned = [books.orders[refund["order_id"]]]
        for order in concerned:
            ended = order["ended_at"]
            was_over = ended is not None and ended <= refund["created_at"]
            check.look(was_over, f"refund {ident} of {order['number']}, which was open ({order['state']} now)")
    check.look(not books.desk["REFUNDED ALTHOUGH DISPUTED"], "refunded by itself although a dispute was open")


def disputed_is_booked(books: Books, check: Check) -> None:
    """Each dispute stands here as at the bank, with its money and its cost."""
    for theirs in books.bank.disputed:
        ours = books.disputes.get(theirs.ref)
        check.look(ours is not None, f"{theirs.ref} ({theirs.state}) is not known here")
        if ours is None:
            continue
        check.look(ours["state"] == theirs.state, f"{theirs.ref} is {theirs.state}, here {ours['state']}")
        key = f"dispute:{ours['id']}:"
        lines = [books.booked_under(key, account) for account in ("disputed", "dispute_losses", "provider_fees")]
        held, lost, fee = (sum(each, NOTHING) for each in lines)
        check.look(held + lost == theirs.withdrawn, f"{theirs.ref}: took {theirs.withdrawn}, booked {held} + {lost}")
        check.look(fee == theirs.fee, f"{theirs.ref}: cost {theirs.fee}, booked {fee}")
        payment = books.payment_behind(theirs.charge_ref)
        check.look(
            payment is not None and payment["id"] == ours["payment_id"], f"{theirs.ref} is about another payment"
        )
    for ref in books.disputes.keys() - {theirs.ref for theirs in books.bank.disputed}:
        check.look(False, f"dispute {ref} is not the bank's")


def reconciled(books: Books, check: Check) -> None:
    """The last pass over each provider ended well, and no pass saw a difference that it could not repair."""
    last = {run["provider"]: run for run in sorted(books.passes, key=lambda run: run["id"]) if run["finished_at"]}
    for provider in ("stripe", "paypal"):
        run = last.get(provider)
        check.look(run is not None and not run["error"], f"{provider}: {run['error'] if run else 'no pass'}")
    for row in books.breaks:
        check.look(False, f"{row['kind']} {row['provider_ref']}: {row['detail']}")
