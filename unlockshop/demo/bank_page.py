"""The pages people see: the hosted payment page, the events, the refunds. No scripts anywhere."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from unlockshop.demo.bank_flow import BUTTONS, Bank, Pressed, success_target
from unlockshop.demo.bank_http import Answer, Request, html_answer, redirect
from unlockshop.demo.bank_objects import money
from unlockshop.demo.bank_params import StripeFault
from unlockshop.demo.bank_store import Json, load

BANNER = "Demo payments: no money moves"
_LABELS = {
    "pay": "Pay now",
    "decline": "Decline the card",
    "delayed-success": "Pay later and succeed (delayed)",
    "delayed-failure": "Pay later and fail (delayed)",
    "cancel": "Cancel",
}
_DOUBTS = {"dispute": "Open a dispute", "warning": "Warn of fraud"}
_WAIT = {"end-wait": "End the wait"}
BASE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self' http://127.0.0.1:* http://localhost:*"
)
_ORIGIN = re.compile(r"^(https?://[A-Za-z0-9.-]+(?::\d+)?)(?:[/?#]|$)")
_STYLE = """
:root { color-scheme: light dark; --ink: #1a1f36; --soft: #586074; --paper: #fff; --back: #f4f5f8;
  --line: #d5dae3; --main: #4338ca; --link: #4338ca; --warn: #7a4d00; --warnback: #fff3d6; --bad: #a3121f;
  --badback: #fdeaec }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef4; --soft: #a9b1c3; --paper: #1b1f2a; --back: #11141b; --line: #39404f;
    --main: #5b50e6; --link: #aaa4ff; --warn: #ffd98a;
    --warnback: #3a2d0c; --bad: #ff9aa4; --badback: #3b1519 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
.banner { background: var(--warnback); color: var(--warn); padding: .6rem 1rem; text-align: center;
  font-weight: 600 }
main { max-width: 30rem; margin: 1rem auto; padding: 1.25rem; background: var(--paper);
  border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere }
main.wide { max-width: 72rem; overflow-x: auto }
h1, h2 { font-size: 1.1rem; margin: 0; color: var(--soft); font-weight: 500 }
h2 { margin-top: 1.5rem }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.amount { font-size: 2rem; font-weight: 700; margin: 0 0 1rem }
.lines { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line) }
.lines li { display: flex; justify-content: space-between; gap: 1rem; padding: .6rem 0;
  border-bottom: 1px solid var(--line) }
.lines small, .facts dt { color: var(--soft) }
.facts { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; margin: 1rem 0 }
.facts dd { margin: 0 }
form { margin: .6rem 0 0 }
.row { display: flex; flex-wrap: wrap; gap: 0 .6rem }
.row form { flex: 1 1 10rem }
button { width: 100%; min-height: 2.9rem; border-radius: .5rem; border: 1px solid var(--line); font: inherit;
  background: var(--paper); color: var(--ink); cursor: pointer; padding: .4rem 1rem }
button.main { background: var(--main); border-color: var(--main); color: #fff; font-weight: 600 }
button:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.notice { background: var(--badback); color: var(--bad); border-radius: .5rem; padding: .7rem 1rem }
a { color: var(--link) }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
td, th { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
td form { margin: 0 }
td button { min-height: 2.75rem }
main.wide table { overflow-wrap: normal }
@media (max-width: 45rem) {
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line) }
  td { display: block; border: 0; padding: .15rem 0; overflow-wrap: anywhere }
  th { display: none }
}
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit }
iframe { width: 100%; height: 32rem; border: 1px solid var(--line); background: #fff }
input { font: inherit; padding: .4rem; max-width: 100% }
"""


def page(title: str, body: str, *, wide: bool = False, head: str = "") -> str:
    """A whole page. ``body`` and ``head`` are HTML, ``title`` is text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>{head}<style>{_STYLE}</style></head><body>"
        f'<div class="banner" role="note">{BANNER}</div>'
        f"<main{' class=wide' if wide else ''}>{body}</main></body></html>"
    )


def button_form(action: str, label: str, of: str) -> str:
    """A button of a list. ``of`` says which row it is for, to those who cannot see the row."""
    return (
        f'<form method="post" action="{escape(action, quote=True)}"><button>{escape(label)}'
        f'<span class="unseen"> of {escape(of)}</span></button></form>'
    )


def reference_of(db: sqlite3.Connection, intent: str | None) -> str:
    """What the shop calls the payment, or the empty text."""
    query = "SELECT client_reference_id FROM sessions WHERE payment_intent = ?"
    row = db.execute(query, (intent,)).fetchone() if intent else None
    return str(row["client_reference_id"] or "") if row else ""


def moment(seconds: float) -> str:
    """Unix seconds as people read them, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def policy(found: Json | None = None) -> str:
    """The content security policy. A form may lead to the shop the session belongs to, wherever that is."""
    origins = [_ORIGIN.match(found[name] or "") for name in ("success_url", "cancel_url")] if found else []
    return " ".join([BASE_POLICY, *sorted({match[1] for match in origins if match})])


class Pages:
    """Answers the pages of the bank."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def index(self) -> Answer:
        """Where to go from here."""
        body = (
            '<h1>Demo bank</h1><ul><li><a href="/mailbox/">Mailbox</a></li>'
            '<li><a href="/payments">Payments by card</a></li>'
            '<li><a href="/events">Events</a></li><li><a href="/refunds">Refunds</a></li>'
            '<li><a href="/disputes">Disputes</a></li><li><a href="/paypal/">PayPal</a></li></ul>'
        )
        return html_answer(200, page("Demo bank", body), BASE_POLICY)

    def pay(self, request: Request, ident: str, button: str) -> Answer:
        """GET and POST of the hosted page."""
        try:
            if request.method == "POST":
                return self._pressed(ident, button)
            self._bank.settle_if_due()
            with self._bank.store.read() as db:
                found = load(db, "sessions", ident)
                if found is not None and not button:
                    return self._hosted(db, Pressed(found))
        except StripeFault as fault:
            if fault.status != 404:
                raise
        return html_answer(404, page("Not found", "<h1>This payment page does not exist.</h1>"), BASE_POLICY)

    def _pressed(self, ident: str, button: str) -> Answer:
        if button in _WAIT:
            self._bank.end_wait(ident)
            return redirect("/payments")
        if button not in BUTTONS:
            return html_answer(404, page("Not found", "<h1>There is no such button.</h1>"), BASE_POLICY)
        outcome = self._bank.press(ident, button)
        if outcome.target is not None:
            return redirect(_ascii(outcome.target))
        with self._bank.store.read() as db:
            return self._hosted(db, outcome, status=410 if outcome.session["status"] == "expired" else 200)

    def _hosted(self, db: sqlite3.Connection, shown: Pressed, status: int = 200) -> Answer:
        found = shown.session
        row = db.execute("SELECT line_items, intent_data FROM sessions WHERE id = ?", (found["id"],)).fetchone()
        suffix = json.loads(row["intent_data"])["statement_descriptor_suffix"]
        currency = found["currency"]
        amount = money(found["amount_total"], currency)
        lines = "".join(
            f"<li><span>{escape(line['description'])}"
            + (f"<br><small>{escape(line['product_description'])}</small>" if line["product_description"] else "")
            + (f"<br><small>{line['quantity']} × {money(line['price']['unit_amount'], currency)}</small>")
            + f"</span><span>{money(line['amount_total'], currency)}</span></li>"
            for line in json.loads(row["line_items"])
        )
        body = (
            f'<h1>Pay the demo shop</h1><p class="amount">{amount}</p>'
            + (f'<p class="notice" role="alert">{escape(shown.notice)}</p>' if shown.notice else "")
            + f'<ul class="lines">{lines}</ul><dl class="facts">'
            + f"<dt>E-mail</dt><dd>{escape(found['customer_email'] or 'not given')}</dd>"
            + f"<dt>On the statement</dt><dd>{escape(self._bank.descriptor(suffix))}</dd>"
            + f"<dt>Open until</dt><dd>{moment(found['expires_at'])}</dd></dl>"
            + _buttons(found)
        )
        return html_answer(status, page(f"Pay {amount}", body), policy(found))

    def payments(self) -> Answer:
        """The newest 200 sessions, with what may still happen to those that are paid."""
        with self._bank.store.read() as db:
            rows = db.execute("SELECT body FROM sessions ORDER BY rowid DESC LIMIT 200").fetchall()
        lines = "".join(_session_line(json.loads(row["body"])) for row in rows)
        head = "<tr><th>Payment</th><th>Amount</th><th>Begun</th><th>State</th><th></th></tr>"
        return html_answer(
            200, page("Payments", f"<h1>Payments by card</h1><table>{head}{lines}</table>", wide=True), BASE_POLICY
        )

    def events(self) -> Answer:
        """The newest 200 events and how their delivery went."""
        with self._bank.store.read() as db:
            rows = db.execute("SELECT * FROM events ORDER BY number DESC LIMIT 200").fetchall()
        lines = "".join(
            f"<tr><td>{escape(row['type'])}<br><small>{row['id']}</small></td><td>{escape(row['object_id'])}</td>"
            f"<td>{moment(row['created'])}</td><td>{row['state']}"
            + (f"<br><small>{escape(row['last_error'])}</small>" if row["last_error"] else "")
            + f"</td><td>{row['delivered_copies']} of {row['copies']}, {row['attempts']} attempts</td>"
            f'<td><form method="post" action="/events/{row["id"]}/resend"><button>Send again</button></form>'
            "</td></tr>"
            for row in rows
        )
        head = "<tr><th>Event</th><th>Object</th><th>Created</th><th>State</th><th>Copies</th><th></th></tr>"
        body = f"<h1>Events</h1><table>{head}{lines}</table>"
        return html_answer(200, page("Events", body, wide=True), BASE_POLICY)

    def resend(self, ident: str) -> Answer:
        """POST /events/{id}/resend"""
        try:
            self._bank.outbox.resend(ident)
        except StripeFault:
            return html_answer(404, page("Not found", "<h1>There is no such event.</h1>"), BASE_POLICY)
        return redirect("/events")

    def refunds(self) -> Answer:
        """The newest 200 refunds, with a button that lets one fail afterwards."""
        with self._bank.store.read() as db:
            rows = db.execute("SELECT * FROM refunds ORDER BY rowid DESC LIMIT 200").fetchall()
            names = {row["id"]: reference_of(db, row["payment_intent"]) for row in rows}
        lines = "".join(
            f"<tr><td>{row['id']}</td><td>{escape(names[row['id']])}<br><small>{row['payment_intent']}</small></td>"
            f"<td>{money(row['amount'], row['currency'])}</td><td>{moment(row['created'])}</td>"
            f"<td>{row['status']}</td><td>"
            + (
                button_form(f"/refunds/{row['id']}/fail", "Let it fail", row["id"])
                if row["status"] != "failed"
                else ""
            )
            + "</td></tr>"
            for row in rows
        )
        head = "<tr><th>Refund</th><th>Payment</th><th>Amount</th><th>Created</th><th>Status</th><th></th></tr>"
        body = f"<h1>Refunds</h1><table>{head}{lines}</table>"
        return html_answer(200, page("Refunds", body, wide=True), BASE_POLICY)

    def fail_refund(self, ident: str) -> Answer:
        """POST /refunds/{id}/fail"""
        try:
            self._bank.fail_refund(ident)
        except StripeFault:
            return html_answer(404, page("Not found", "<h1>There is no such refund.</h1>"), BASE_POLICY)
        return redirect("/refunds")


def _buttons(found: Json) -> str:
    """The forms of an open session, or what became of a closed one."""
    if found["status"] == "expired":
        return '<p class="notice" role="alert">This payment page has expired. Nothing was charged.</p>' + _back(found)
    if found["status"] == "complete":
        state = (
            "This payment is complete." if found["payment_status"] == "paid" else "This payment is being processed."
        )
        target = escape(success_target(found), quote=True)
        return f'<p role="status">{state}</p><p><a href="{target}">Back to the shop</a></p>' + _doubts(found)
    return "".join(
        f'<form method="post" action="/pay/{found["id"]}/{name}">'
        f"<button{' class=main' if name == 'pay' else ''}>{label}</button></form>"
        for name, label in _LABELS.items()
        if name != "cancel" or found["cancel_url"]
    )


def _doubts(found: Json) -> str:
    """What may still happen to a paid session: a dispute, or a warning of fraud."""
    if found["payment_status"] != "paid":
        return ""
    return "".join(
        f'<form method="post" action="/pay/{found["id"]}/{name}"><button>{label}</button></form>'
        for name, label in _DOUBTS.items()
    )


def _session_line(found: Json) -> str:
    name = found["client_reference_id"] or found["id"]
    offered = _DOUBTS if found["payment_status"] == "paid" else _WAIT if found["status"] == "complete" else {}
    buttons = "".join(button_form(f"/pay/{found['id']}/{what}", label, name) for what, label in offered.items())
    intent = found["payment_intent"] or ""
    return (
        f'<tr><td><a href="/pay/{found["id"]}">{escape(name)}</a><br><small>{intent}</small></td>'
        f"<td>{money(found['amount_total'], found['currency'])}</td><td>{moment(found['created'])}</td>"
        f"<td>{found['status']}, {found['payment_status']}</td><td>{buttons}</td></tr>"
    )


def _back(found: Json) -> str:
    if not found["cancel_url"]:
        return ""
    return f'<p><a href="{escape(found["cancel_url"], quote=True)}">Back to the shop</a></p>'


def _ascii(address: str) -> str:
    """An address fit for a header: everything beyond ASCII percent-encoded."""
    return quote(address, safe="".join(map(chr, range(0x21, 0x7F))))
