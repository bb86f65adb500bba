"""What a mail handed to ``/v3/mail/send`` must look like."""

from __future__ import annotations

import json
from typing import Any

from unlockshop.demo.bank_checks import is_email
from unlockshop.demo.bank_http import json_answer
from unlockshop.demo.bank_store import Json, dumps


class MailFault(Exception):
    """An answer with an error body in SendGrid's shape."""

    def __init__(self, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.answer = json_answer(status, {"errors": [{"message": message, "field": field, "help": None}]})


def decoded(body: bytes) -> Json:
    """The JSON object in a request's body."""
    try:
        mail = json.loads(body)
    except ValueError:
        raise MailFault("Bad Request: the body is not JSON") from None
    if not isinstance(mail, dict):
        raise MailFault("Bad Request: the body must be a JSON object")
    return mail


def checked(mail: Json) -> list[Json]:
    """The rows to store, one per personalization."""
    sender = _address(mail.get("from"), "from")
    reply_to = _address(mail["reply_to"], "reply_to")["email"] if mail.get("reply_to") else ""
    text, html = _content(mail.get("content"))
    categories = mail.get("categories", [])
    if not isinstance(categories, list) or len(categories) > 10 or not all(isinstance(c, str) for c in categories):
        raise MailFault("Categories must be a list of at most 10 strings.", "categories")
    people = mail.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= 1000:
        raise MailFault("The personalizations field is required and must have 1 to 1000 entries.", "personalizations")
    common = _strings(mail.get("custom_args"), "custom_args")
    headers = _strings(mail.get("headers"), "headers")
    rows = []
    for index, entry in enumerate(people):
        name = f"personalizations.{index}"
        if not isinstance(entry, dict):
            raise MailFault("A personalization must be an object.", name)
        recipients = _recipients(entry, name)
        subject = entry.get("subject", mail.get("subject"))
        if not isinstance(subject, str) or not subject.strip():
            raise MailFault("The subject is required and must be a string of at least one character.", "subject")
        rows.append(
            {
                "sender": sender["email"],
                "sender_name": sender.get("name") or "",
                "recipient": recipients[0],
                "recipients": dumps(recipients),
                "reply_to": reply_to,
                "subject": subject,
                "text": text,
                "html": html,
                "custom_args": dumps(common | _strings(entry.get("custom_args"), f"{name}.custom_args")),
                "categories": dumps(categories),
                "headers": dumps(headers | _strings(entry.get("headers"), f"{name}.headers")),
            }
        )
    return rows


def _address(value: Any, field: str) -> Json:
    if not isinstance(value, dict) or not isinstance(value.get("email"), str):
        raise MailFault("An object with an email address is required.", field)
    if not is_email(value["email"]):
        raise MailFault("Does not contain a valid address.", f"{field}.email")
    if not isinstance(value.get("name", ""), str):
        raise MailFault("The name must be a string.", f"{field}.name")
    return value


def _recipients(entry: Json, name: str) -> list[str]:
    """All addresses of a personalization, those of ``to`` first; each may occur once."""
    if not isinstance(entry.get("to"), list) or not entry["to"]:
        raise MailFault("The to array is required and must have at least one address.", f"{name}.to")
    found: list[str] = []
    for kind in ("to", "cc", "bcc"):
        listed = entry.get(kind, [])
        if not isinstance(listed, list):
            raise MailFault("An array of addresses is required.", f"{name}.{kind}")
        found += [_address(value, f"{name}.{kind}.{index}")["email"] for index, value in enumerate(listed)]
    if len({address.lower() for address in found}) < len(found):
        raise MailFault("Each email address in a personalization should be unique between to, cc, and bcc.", name)
    return found


def _content(parts: Any) -> tuple[str, str]:
    """The text and the HTML part; text comes first."""
    if not isinstance(parts, list) or not parts:
        raise MailFault("The content value must be a list with at least one part.", "content")
    kinds = []
    for index, part in enumerate(parts):
        good = isinstance(part, dict) and isinstance(part.get("type"), str) and isinstance(part.get("value"), str)
        if not good or not part["value"]:
            raise MailFault("The content value must be a string at least one character in length.", f"content.{index}")
        kinds.append(part["type"])
    if kinds not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        raise MailFault("If present, text/plain must be first, followed by text/html.", "content")
    values = dict(zip(kinds, (part["value"] for part in parts), strict=True))
    return values.get("text/plain", ""), values.get("text/html", "")


def _strings(value: Any, field: str) -> dict[str, str]:
    """An object of strings, such as custom_args; absent reads as empty."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise MailFault(f"The {field} must be an object of strings.", field)
    return value
