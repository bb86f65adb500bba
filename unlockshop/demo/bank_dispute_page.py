"""The page of disputes, where the demo's operator decides as the bank. No scripts anywhere."""

from __future__ import annotations

import json
from html import escape

from unlockshop.demo.bank_disputes import OPEN, Disputes
from unlockshop.demo.bank_http import Answer, html_answer, redirect
from unlockshop.demo.bank_objects import money
from unlockshop.demo.bank_page import BASE_POLICY, button_form, moment, page, reference_of
from unlockshop.demo.bank_params import StripeFault
from unlockshop.demo.bank_store import Json

VERDICTS = {"for-shop": "Decide for the shop", "for-customer": "Decide for the customer"}


class DisputePages:
    """Answers the pages and buttons of disputes."""

    def __init__(self, disputes: Disputes) -> None:
        self._disputes = disputes

    def raise_about(self, session_id: str, kind: str) -> Answer:
        """POST /pay/{session}/dispute and /pay/{session}/warning"""
        try:
            if kind == "dispute":
                self._disputes.open(session_id)
            else:
                self._disputes.warn(session_id)
        except StripeFault as fault:
            title = "Not done"
            body = f'<h1>{title}</h1><p class="notice" role="alert">{escape(str(fault))}</p>'
            return html_answer(404 if fault.status == 404 else 409, page(title, body), BASE_POLICY)
        return redirect("/disputes")

    def show(self) -> Answer:
        """The newest 200 disputes and warnings."""
        with self._disputes.bank.store.read() as db:
            rows = db.execute("SELECT body FROM disputes ORDER BY rowid DESC LIMIT 200").fetchall()
            disputes = [json.loads(row["body"]) for row in rows]
            names = {found["id"]: reference_of(db, found["payment_intent"]) for found in disputes}
            warnings = db.execute("SELECT body FROM warnings ORDER BY rowid DESC LIMIT 200").fetchall()
        head = "<tr><th>Dispute</th><th>Payment</th><th>Amount</th><th>Status</th><th>Answer</th><th></th></tr>"
        lines = "".join(_line(found, names[found["id"]]) for found in disputes)
        warned = "".join(_warned(json.loads(row["body"])) for row in warnings)
        warned_head = "<tr><th>Warning</th><th>Payment</th><th>Kind</th></tr>"
        body = (
            f"<h1>Disputes</h1><table>{head}{lines}</table>"
            f"<h2>Early fraud warnings</h2><table>{warned_head}{warned}</table>"
        )
        return html_answer(200, page("Disputes", body, wide=True), BASE_POLICY)

    def decide(self, ident: str, verdict: str) -> Answer:
        """POST /disputes/{id}/for-shop and /disputes/{id}/for-customer"""
        try:
            self._disputes.decide(ident, for_shop=verdict == "for-shop")
        except StripeFault:
            return html_answer(404, page("Not found", "<h1>There is no such dispute.</h1>"), BASE_POLICY)
        return redirect("/disputes")


def evidence_details(texts: list[tuple[str, str]], state: str) -> str:
    """What the shop sent, folded up."""
    shown = "".join(f"<h2>{escape(name)}</h2><pre>{escape(text)}</pre>" for name, text in texts)
    return f"<details><summary>{len(texts)} texts, {state}</summary>{shown}</details>"


def _line(found: Json, reference: str) -> str:
    buttons = "".join(
        button_form(f"/disputes/{found['id']}/{name}", label, found["id"])
        for name, label in VERDICTS.items()
        if found["status"] in OPEN
    )
    details = found["evidence_details"]
    texts = [(name, text) for name, text in found["evidence"].items() if isinstance(text, str)]
    answer = f"due {moment(details['due_by'])}"
    if texts:
        answer = evidence_details(texts, "submitted" if details["submission_count"] else "staged")
    return (
        f"<tr><td>{found['id']}<br><small>{escape(found['reason'])}</small></td>"
        f"<td>{escape(reference)}<br><small>{found['payment_intent']}</small></td>"
        f"<td>{money(found['amount'], found['currency'])}</td><td>{found['status']}</td><td>{answer}</td>"
        f"<td>{buttons}</td></tr>"
    )


def _warned(found: Json) -> str:
    return f"<tr><td>{found['id']}</td><td>{found['payment_intent']}</td><td>{escape(found['fraud_type'])}</td></tr>"
