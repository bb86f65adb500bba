"""PayPal's pages: where the buyer approves, and what can be done with a payment afterwards. No scripts anywhere."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote, urlencode

from unlockshop.demo.bank_dispute_page import evidence_details
from unlockshop.demo.bank_http import Answer, Request, html_answer, redirect
from unlockshop.demo.bank_page import button_form, page, policy
from unlockshop.demo.bank_paypal_disputes import OUTCOMES, Disputes
from unlockshop.demo.bank_paypal_flow import WAITING, PayPal
from unlockshop.demo.bank_paypal_objects import PAYER
from unlockshop.demo.bank_paypal_store import PayPalFault, many
from unlockshop.demo.bank_store import Json

_LABELS = {
    "approve": "Approve and pay",
    "hold": "Approve, but the bank holds it for a while",
    "hold-failure": "Approve, the bank holds it and then refuses",
    "decline": "Decline the means of payment",
    "cancel": "Cancel",
}
_DECISIONS = {"shop": "Decide for the shop", "buyer": "Decide for the buyer", "withdraw": "The buyer withdraws"}
_OFFERED = {
    "PENDING": {"end-wait": "End the wait"},
    "COMPLETED": {"dispute": "Open a dispute"},
    "PARTIALLY_REFUNDED": {"dispute": "Open a dispute"},
}
_APPROVAL = "/paypal/checkoutnow"
_MOST_SHOWN = 200
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


class PayPalPages:
    """Answers everything under ``/paypal``."""

    def __init__(self, paypal: PayPal, disputes: Disputes) -> None:
        self._paypal = paypal
        self._disputes = disputes

    def respond(self, request: Request) -> Answer:
        """Answer one request."""
        parts = request.path.strip("/").split("/")[1:]
        answer = None
        try:
            self._paypal.settle_if_due()
            if request.method == "GET":
                answer = self._shown(parts, request.first("token"))
            elif request.method == "POST":
                answer = self._done(parts)
        except PayPalFault as fault:
            if fault.status != 404:
                text = f"<h1>Not now: {escape(str(fault))}.</h1>"
                return html_answer(409, page("Not now", text), policy())
        missing = "<h1>There is no such page or payment.</h1>"
        return answer or html_answer(404, page("Not found", missing), policy())

    def _shown(self, parts: list[str], token: str) -> Answer | None:
        if not parts:
            return self._overview()
        return self._approval(token) if parts == ["checkoutnow"] else None

    def _done(self, parts: list[str]) -> Answer | None:
        match parts:
            case ["checkoutnow", ident, button] if button in _LABELS:
                return self._pressed(ident, button)
            case ["captures", ident, "dispute"]:
                self._disputes.open(ident)
            case ["captures", ident, "end-wait"]:
                self._paypal.end_wait(ident)
            case ["refunds", ident, "fail"]:
                self._paypal.fail_refund(ident)
            case ["disputes", ident, button] if button in OUTCOMES:
                self._disputes.decide(ident, button)
            case _:
                return None
        return redirect("/paypal/")

    def _approval(self, ident: str) -> Answer:
        with self._paypal.store.read() as db:
            found = self._paypal.order(db, ident)
        context = self._context(ident)
        unit = found["purchase_units"][0]
        amount = _money(unit["amount"])
        lines = "".join(
            f"<li><span>{escape(item['name'])}</span>"
            f"<span>{item['quantity']} × {_money(item['unit_amount'])}</span></li>"
            for item in unit.get("items", [])
        )
        body = (
            f'<h1>PayPal: pay {escape(context["brand"])}</h1><p class="amount">{amount}</p>'
            f'<ul class="lines">{lines}</ul><dl class="facts">'
            f"<dt>Invoice</dt><dd>{escape(unit.get('invoice_id', 'none'))}</dd>"
            f"<dt>On the statement</dt><dd>PAYPAL *{escape(unit.get('soft_descriptor', ''))}</dd></dl>"
            + (_buttons(ident) if found["status"] in WAITING else _over(ident, context))
        )
        addresses = {"success_url": context["return_url"], "cancel_url": context["cancel_url"]}
        return html_answer(200, page(f"PayPal: {amount}", body), policy(addresses))

    def _pressed(self, ident: str, button: str) -> Answer:
        context = self._context(ident)
        if button == "cancel":
            return redirect(_address(context["cancel_url"], token=ident))
        self._paypal.press(ident, button)
        return redirect(_return(ident, context))

    def _context(self, ident: str) -> Json:
        with self._paypal.store.read() as db:
            self._paypal.order(db, ident)
            row = db.execute("SELECT context FROM paypal_orders WHERE id = ?", (ident,)).fetchone()
        found: Json = json.loads(row["context"])
        return found

    def _overview(self) -> Answer:
        with self._paypal.store.read() as db:
            captures = many(db, "captures", "1")[::-1][:_MOST_SHOWN]
            refunds = many(db, "refunds", "1")[::-1][:_MOST_SHOWN]
            disputes = many(db, "disputes", "1")[::-1][:_MOST_SHOWN]
        body = (
            "<h1>PayPal: payments</h1>"
            + _table("Payment", [_capture_row(each) for each in captures])
            + "<h2>Refunds</h2>"
            + _table("Refund", [_refund_row(each) for each in refunds])
            + "<h2>Disputes</h2>"
            + _table("Dispute", [_dispute_row(each) for each in disputes])
        )
        return html_answer(200, page("PayPal", body, wide=True), policy())


def _money(amount: Json) -> str:
    return f"{escape(amount['value'])} {escape(amount['currency_code'])}"


def _buttons(ident: str) -> str:
    return "".join(
        f'<form method="post" action="{_APPROVAL}/{escape(ident, quote=True)}/{name}">'
        f"<button{' class=main' if name == 'approve' else ''}>{label}</button></form>"
        for name, label in _LABELS.items()
    )


def _over(ident: str, context: Json) -> str:
    target = escape(_return(ident, context), quote=True)
    return f'<p role="status">This payment is approved.</p><p><a href="{target}">Back to the shop</a></p>'


def _return(ident: str, context: Json) -> str:
    return _address(context["return_url"], token=ident, PayerID=PAYER["payer_id"])


def _address(base: str, **params: str) -> str:
    """An address fit for a header, with PayPal's parameters added."""
    mark = "&" if "?" in base else "?"
    return quote(f"{base}{mark}{urlencode(params)}", safe=_PRINTABLE)


def _table(name: str, rows: list[str]) -> str:
    head = f"<tr><th>{name}</th><th>Amount</th><th>Made</th><th>Status</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _capture_row(item: Json) -> str:
    return _row(item, "captures", _OFFERED.get(item["status"], {}))


def _refund_row(item: Json) -> str:
    return _row(item, "refunds", {"fail": "Let it fail"} if item["status"] == "COMPLETED" else {})


def _row(item: Json, kind: str, buttons: dict[str, str]) -> str:
    about = item.get("custom_id", "")
    forms = _forms(kind, item["id"], buttons, about or item["id"])
    return _cells(f"{item['id']}<br><small>{escape(about)}</small>", item, item["amount"], forms)


def _dispute_row(item: Json) -> str:
    outcome = item.get("dispute_outcome", {}).get("outcome_code", "")
    name = (
        f"{item['dispute_id']}<br><small>{item['disputed_transactions'][0]['seller_transaction_id']} {outcome}</small>"
    )
    buttons = {} if item["status"] == "RESOLVED" else _DECISIONS
    notes = [(each["evidence_type"], each.get("notes", "")) for each in item.get("evidences", [])]
    answer = evidence_details(notes, "submitted") if notes else ""
    forms = _forms("disputes", item["dispute_id"], buttons, item["dispute_id"])
    return _cells(name, item, item["dispute_amount"], answer + forms)


def _forms(kind: str, ident: str, buttons: dict[str, str], of: str) -> str:
    return "".join(button_form(f"/paypal/{kind}/{ident}/{name}", label, of) for name, label in buttons.items())


def _cells(name: str, item: Json, amount: Json, forms: str) -> str:
    made = escape(item["create_time"])
    return f"<tr><td>{name}</td><td>{_money(amount)}</td><td>{made}</td><td>{item['status']}</td><td>{forms}</td></tr>"
