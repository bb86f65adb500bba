"""The demo mailbox: takes mail as SendGrid's ``/v3/mail/send`` does, sends none, and shows it on pages."""

from __future__ import annotations

import hmac
import json
import random
import re
import sqlite3
import threading
import time
from html import escape

from unlockshop.demo import mail_events, mail_replies
from unlockshop.demo.bank_events import Outbox
from unlockshop.demo.bank_http import Answer, Request, html_answer, json_answer, redirect
from unlockshop.demo.bank_mail import MailFault, checked, decoded
from unlockshop.demo.bank_objects import new_id
from unlockshop.demo.bank_page import moment, page
from unlockshop.demo.bank_store import Store

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HTML_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LINK = re.compile(r"https?://[^\s<>\"']+")
_ACTIVITY_QUERY = re.compile(r"\(unique_args\['([a-z_]{1,40})'\]=\"([^\"]{1,200})\"\)")
_TRAILING = ".,;:!?)]}"
_MOST_SHOWN = 200
_RATES = frozenset({"429", "500", "timeout_after"})


class MailFaults:
    """Chances (0 to 1 per request) of 429, of 500, and of a mail taken but never acknowledged."""

    def __init__(self, text: str = "", seed: int | None = None) -> None:
        values = json.loads(text or "{}")
        if not isinstance(values, dict):
            raise ValueError("mail faults must be a JSON object")  # noqa: TRY004 - a bad value
        self._hang_seconds = float(values.pop("timeout_seconds", 20.0))
        for name, value in values.items():
            if name not in _RATES:
                raise ValueError(f"unknown mail fault {name!r}; known are {', '.join(sorted(_RATES))}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ValueError(f"mail fault {name!r} is a chance from 0 to 1")
        self._rates: dict[str, float] = values
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def draw(self) -> tuple[str, float]:
        """What goes wrong this time (empty: nothing), and for how many seconds a lost answer hangs."""
        with self._lock:
            chance = self._random.random()
        for name in sorted(self._rates):
            chance -= self._rates[name]
            if chance < 0:
                return name, self._hang_seconds
        return "", 0.0


class Mailbox:
    """Takes and shows mail."""

    def __init__(
        self, store: Store, key: str, faults: MailFaults, outbox: Outbox | None = None, *, takes_replies: bool = False
    ) -> None:
        self._store = store
        # Tells the shop what becomes of its mails; without one nobody is told.
        self._outbox = outbox
        self._takes_replies = takes_replies and outbox is not None
        self._key = key
        self._faults = faults

    def send(self, request: Request) -> Answer:
        """POST /v3/mail/send"""
        try:
            self._check_key(request.headers.get("Authorization", ""))
            mail = decoded(request.body)
            rows = checked(mail)
        except MailFault as fault:
            return fault.answer
        fault_name, hang_seconds = self._faults.draw()
        if fault_name == "429":
            headers = {"X-RateLimit-Reset": str(int(time.time()) + 1), "X-RateLimit-Remaining": "0"}
            return json_answer(429, {"errors": [{"message": "too many requests", "field": None}]}, headers)
        if fault_name == "500":
            return json_answer(500, {"errors": [{"message": "internal error", "field": None}]})
        message_id = new_id("", 22)
        with self._store.write() as db:
            for row in rows:
                row |= {"message_id": message_id, "created": time.time()}
                names, marks = ", ".join(row), ", ".join("?" for _ in row)
                db.execute(f"INSERT INTO mails ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608
                if self._outbox is not None:
                    mail_events.tell_taken(self._outbox, db, row)
        return Answer(202, headers={"X-Message-Id": message_id}, hang_seconds=hang_seconds)

    def activity(self, request: Request) -> Answer:
        """GET /v3/messages: the Email Activity search, for one argument that mails were sent with."""
        try:
            self._check_key(request.headers.get("Authorization", ""))
        except MailFault as fault:
            return fault.answer
        match = _ACTIVITY_QUERY.fullmatch(request.first("query"))
        if match is None:
            return json_answer(400, {"errors": [{"message": "one unique argument only", "field": "query"}]})
        with self._store.read() as db:
            rows = db.execute(
                "SELECT * FROM mails WHERE json_extract(custom_args, ?) = ? LIMIT 10", (f"$.{match[1]}", match[2])
            ).fetchall()
        found = [{"msg_id": row["message_id"], "to_email": row["recipient"], "status": "delivered"} for row in rows]
        return json_answer(200, {"messages": found})

    def _check_key(self, header: str) -> None:
        if not hmac.compare_digest(header.encode(), f"Bearer {self._key}".encode()):
            raise MailFault("The provided authorization grant is invalid, expired, or revoked", status=401)

    # Pages

    def show(self, request: Request) -> Answer:
        """Everything under ``/mailbox``."""
        path = request.path
        if path == "/mailbox":
            return redirect("/mailbox/", 301)
        if path == "/mailbox/":
            return self._index(request.first("to"))
        if path == "/mailbox.json":
            return self._listing(request)
        match = re.fullmatch(r"/mailbox/(\d{1,15})(/html)?", path)
        row = self._row(int(match[1])) if match else None
        if match is None or row is None:
            return html_answer(404, page("Not found", "<h1>There is no such mail.</h1>"), _POLICY)
        if match[2]:
            return html_answer(200, row["html"], _HTML_POLICY)
        may_reply = self._takes_replies and bool(row["reply_to"])
        return _one(row, told=request.first("told"), has_buttons=self._outbox is not None, may_reply=may_reply)

    def press(self, number: int, button: str) -> Answer:
        """POST /mailbox/{id}/{button}: let something happen to a mail, and tell the shop."""
        row = self._row(number)
        if row is None or self._outbox is None or button not in mail_events.PRESSED:
            return html_answer(404, page("Not found", "<h1>There is no such mail or button.</h1>"), _POLICY)
        with self._store.write() as db:
            mail_events.tell_pressed(self._outbox, db, dict(row), button)
        return redirect(f"/mailbox/{number}?told={button}")

    def reply(self, number: int, form: bytes) -> Answer:
        """POST /mailbox/{id}/reply: the reader answers a mail that may be answered."""
        row = self._row(number)
        if row is None or self._outbox is None or not self._takes_replies or not row["reply_to"]:
            return html_answer(404, page("Not found", "<h1>There is no such mail to reply to.</h1>"), _POLICY)
        with self._store.write() as db:
            mail_replies.tell_reply(self._outbox, db, dict(row), form)
        return redirect(f"/mailbox/{number}?told=reply")

    def _row(self, number: int) -> sqlite3.Row | None:
        with self._store.read() as db:
            row: sqlite3.Row | None = db.execute("SELECT * FROM mails WHERE id = ?", (number,)).fetchone()
        return row

    def _rows(self, to: str, limit: int) -> list[sqlite3.Row]:
        with self._store.read() as db:
            return db.execute(
                "SELECT * FROM mails WHERE instr(lower(recipients), lower(?)) ORDER BY id DESC LIMIT ?",
                (to, limit),
            ).fetchall()

    def _index(self, to: str) -> Answer:
        with self._store.read() as db:
            total = db.execute(
                "SELECT count(*) FROM mails WHERE instr(lower(recipients), lower(?))", (to,)
            ).fetchone()[0]
        lines = "".join(
            f"<tr><td>{moment(row['created'])}</td><td>{escape(row['recipient'])}</td>"
            f'<td><a href="/mailbox/{row["id"]}">{escape(row["subject"])}</a></td></tr>'
            for row in self._rows(to, _MOST_SHOWN)
        )
        body = (
            f'<h1>Mailbox</h1><form action="/mailbox/"><label>To <input name="to" value="{escape(to)}">'
            "</label></form>"
            f"<p>{total} mail{'' if total == 1 else 's'}</p>"
            f"<table><tr><th>Time</th><th>To</th><th>Subject</th></tr>{lines}</table>"
        )
        refresh = '<meta http-equiv="refresh" content="10">'
        return html_answer(200, page("Mailbox", body, wide=True, head=refresh), _POLICY)

    def _listing(self, request: Request) -> Answer:
        limit = request.first("limit")
        rows = self._rows(request.first("to"), int(limit) if limit.isdecimal() and len(limit) < 9 else 500)
        mails = [dict(row) for row in rows]
        for mail in mails:
            for name in ("recipients", "custom_args", "categories", "headers"):
                mail[name] = json.loads(mail[name])
        return json_answer(200, mails)


def linked(text: str) -> str:
    """Plain text as HTML with its http(s) addresses clickable; everything is escaped."""
    parts: list[str] = []
    place = 0
    for match in _LINK.finditer(text):
        address = match[0].rstrip(_TRAILING)
        safe = escape(address, quote=True)
        parts += [
            escape(text[place : match.start()]),
            f'<a href="{safe}" rel="noreferrer noopener">{safe}</a>',
        ]
        place = match.start() + len(address)
    return "".join([*parts, escape(text[place:])])


_BUTTONS = {
    "bounce": "Let it bounce",
    "block": "Let it be blocked",
    "drop": "Drop it",
    "spam": "Report as spam",
    "open": "Open it",
}


def _buttons(number: int, told: str) -> str:
    """What may happen to a mail, for the operator who plays the reader's mail server."""
    forms = "".join(
        f'<form method="post" action="/mailbox/{number}/{name}"><button>{label}</button></form>'
        for name, label in _BUTTONS.items()
    )
    said = f'<p role="status">The shop is told: {escape(_BUTTONS[told])}.</p>' if told in _BUTTONS else ""
    return f'<h2>What becomes of it</h2><p>It was delivered.</p>{said}<div class="row">{forms}</div>'


def _reply_form(row: sqlite3.Row, told: str) -> str:
    said = '<p role="status">Your reply is on its way to the shop.</p>' if told == "reply" else ""
    return (
        f'<h2>Reply</h2>{said}<form method="post" action="/mailbox/{row["id"]}/reply">'
        f'<p><label>From <input name="from" type="email" value="{escape(row["recipient"], quote=True)}"></label></p>'
        '<p><label>Text<br><textarea name="text" rows="4" cols="60">Please cancel my order.</textarea></label></p>'
        '<p><label><input name="automatic" type="checkbox"> A machine wrote it (“out of office”)</label></p>'
        "<button>Send the reply</button></form>"
    )


def _one(row: sqlite3.Row, *, told: str, has_buttons: bool, may_reply: bool) -> Answer:
    sender = f"{row['sender_name']} <{row['sender']}>" if row["sender_name"] else row["sender"]
    facts = {
        "From": sender,
        "To": ", ".join(json.loads(row["recipients"])),
        "Reply to": row["reply_to"],
        "Subject": row["subject"],
        "Time": moment(row["created"]),
        "Message id": row["message_id"],
        "Categories": ", ".join(json.loads(row["categories"])),
        "Custom arguments": ", ".join(f"{key}={value}" for key, value in json.loads(row["custom_args"]).items()),
        **json.loads(row["headers"]),
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value)
    frame = f'<h2>HTML part</h2><iframe sandbox src="/mailbox/{row["id"]}/html" title="HTML part"></iframe>'
    body = (
        f'<p><a href="/mailbox/">All mail</a></p><h1>{escape(row["subject"])}</h1>'
        f'<dl class="facts">{listed}</dl>{_buttons(row["id"], told) if has_buttons else ""}'
        f"{_reply_form(row, told) if may_reply else ''}"
        f"<h2>Text part</h2><pre>{linked(row['text'])}</pre>{frame if row['html'] else ''}"
    )
    return html_answer(200, page(row["subject"], body, wide=True), _POLICY)
