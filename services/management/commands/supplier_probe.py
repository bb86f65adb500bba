"""``manage.py supplier_probe``: what a supplier's API answers, before it gets a row or an order.

Needs no database. See docs/suppliers.md for the output, the outcomes and the exit codes.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from services.suppliers.base import Endpoint, Exploration, Unreadable
from services.suppliers.plain_text import Mask, storable, to_line
from services.suppliers.probing import Outcome, Trial, buy, explore
from services.suppliers.registry import adapter_for
from unlockshop.kernel.errors import OutcomeUnknown, Refused, ShopError

KEY_VARIABLE: Final = "SUPPLIER_API_KEY"
FINE, UNHEALTHY, WRONG, UNREACHABLE, NOT_DONE = 0, 1, 2, 3, 4
_BOUNDS: Final = {"timeout": (0.1, 300), "pause": (0, 60), "wait": (0, 24 * 3600), "poll": (0.05, 3600)}


class Command(BaseCommand):
    help = (
        "Connects to a supplier and tells account, catalogue, dialect and capabilities; with --place buys one order "
        f"and follows it. The key comes from {KEY_VARIABLE} or from standard input (--key-stdin); --key puts it into "
        "the process list. Exit code: 0 fine, 1 the supplier answered with a no or lacks something, 2 wrong arguments "
        "or an address that is refused, 3 unreachable or unreadable, 4 the order was not done or nobody knows."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kind", required=True, choices=sorted(settings.SUPPLIER_ADAPTERS))
        parser.add_argument("--url", required=True, help="address of the panel or of its API")
        parser.add_argument("--username", default="")
        parser.add_argument("--key", default="", help=f"rather use {KEY_VARIABLE} or --key-stdin")
        parser.add_argument("--key-stdin", action="store_true", help="read the key from the first line of the input")
        parser.add_argument(
            "--allow-loopback", action="store_true", help="for a supplier on this machine, as in demos"
        )
        parser.add_argument("--dialect", default="", help="do not look for it; for Dhru: xml, b64json or json")
        parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for each call (30)")
        parser.add_argument("--pause", type=float, default=0.3, metavar="SECONDS", help="between two calls (0.3)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object and no more")
        parser.add_argument(
            "--place", default="", metavar="SERVICE", help="buy one order of this service: costs money"
        )
        parser.add_argument("--imei", default="", help="the device, or whatever the service asks for in its place")
        parser.add_argument("--field", action="append", default=[], metavar="NAME=VALUE", help="an answer; repeatable")
        parser.add_argument("--bulk", action="store_true", help="buy it through the bulk action, to prove that")
        parser.add_argument(
            "--wait", type=float, default=120.0, metavar="SECONDS", help="follow the order so long (120)"
        )
        parser.add_argument(
            "--poll", type=float, default=2.0, metavar="SECONDS", help="between two questions at first (2)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key = _key(options)
        _check(options, key)
        probe = _Probe(options, key)
        try:
            for line in probe.run():
                if not options["as_json"]:
                    self.stdout.write(line)
        except KeyboardInterrupt:
            probe.problem("probe", "interrupted", "stopped by hand", NOT_DONE if options["place"] else UNREACHABLE)
        if options["as_json"]:
            self.stdout.write(json.dumps(probe.result(), ensure_ascii=False))
        else:
            self.stdout.write(probe.verdict())
        if probe.exit:
            sys.exit(probe.exit)


def _key(options: dict[str, Any]) -> str:
    if options["key"]:
        return str(options["key"]).strip()
    if options["key_stdin"]:
        return sys.stdin.readline().strip()
    return os.environ.get(KEY_VARIABLE, "").strip()


def _check(options: dict[str, Any], key: str) -> None:
    def wrong(why: str) -> CommandError:
        return CommandError(why, returncode=WRONG)

    if not key:
        raise wrong(f"give the key: set {KEY_VARIABLE}, or use --key-stdin")
    if len(key) > 500 or not key.isprintable():
        raise wrong("the key is not one line of text")
    if options["place"] and not (options["imei"] or options["field"]):
        raise wrong("--place needs --imei")
    if (options["imei"] or options["field"] or options["bulk"]) and not options["place"]:
        raise wrong("--imei, --field and --bulk belong to --place")
    if any("=" not in each for each in options["field"]):
        raise wrong("--field is NAME=VALUE")
    for name, (least, most) in _BOUNDS.items():
        if not least <= options[name] <= most:
            raise wrong(f"--{name} is from {least} to {most:g} seconds")
    dialects = [str(each) for each in getattr(adapter_for(options["kind"]), "dialects", ())]
    if options["dialect"] and options["dialect"] not in dialects:
        raise wrong(f"--dialect is one of: {', '.join(dialects) or 'none for this kind'}")


class _Probe:
    """One run: what it found, and what it comes to."""

    def __init__(self, options: dict[str, Any], key: str) -> None:
        self._options = options
        self._mask = Mask(key)
        self._adapter = adapter_for(options["kind"])
        self._found = Exploration(
            Endpoint(
                url=str(options["url"]).strip(),
                username=str(options["username"]).strip(),
                api_key=key,
                allow_loopback=options["allow_loopback"],
                dialect=options["dialect"],
                deadline_seconds=options["timeout"],
            )
        )
        self._outcomes: list[Outcome] = []
        self._errors: list[dict[str, str]] = []
        self._is_placing = False
        self.exit = FINE

    def run(self) -> Any:
        """The lines to read, as they become known."""
        yield self._said(f"{self._options['kind']} at {_shown(self._found.endpoint.url)}")
        try:
            self._found = explore(self._adapter, self._found.endpoint, pause_seconds=self._options["pause"])
            for step, error in self._found.problems:
                self._hear(step, error)
            self._judge()
            yield from map(self._said, self._findings())
            if self._options["place"] and self._may_place():
                yield from self._place()
        except ShopError as error:
            self._hear("probe", error)
        except Exception as error:  # whatever a supplier sends, people get a sentence
            exit_code = NOT_DONE if self._is_placing else UNREACHABLE
            self.problem("probe", "unexpected", f"unexpected {type(error).__name__}", exit_code)
        yield from (self._said(f"problem ({each['step']}): {each['text']}") for each in self._errors)

    def problem(self, step: str, code: str, text: str, exit_code: int) -> None:
        """Write down what went wrong; the gravest exit code counts."""
        self._errors.append({"step": step, "code": code, "text": self._said(text)})
        self.exit = max(self.exit, exit_code)

    def _hear(self, step: str, error: ShopError) -> None:
        if isinstance(error, Refused):
            exit_code = WRONG if error.code in {"address", "dialect"} else UNHEALTHY
            self.problem(step, str(error.code), str(error), exit_code)
            return
        was_read = not isinstance(error, OutcomeUnknown | Unreadable) and not str(error).startswith("nothing was sent")
        code = "error" if was_read else "unreadable" if isinstance(error, Unreadable) else "unreachable"
        self.problem(step, code, str(error), UNHEALTHY if was_read else UNREACHABLE)

    def _judge(self) -> None:
        """What is wrong although nobody said so."""
        found = self._found
        if found.account is not None and found.account.credit is None:
            self.problem("account", "no_credit", "the account tells no credit that can be read", UNHEALTHY)
        if found.services is not None and not found.services:
            self.problem("catalogue", "empty", "the supplier sells nothing to this account", UNHEALTHY)

    def _may_place(self) -> bool:
        if self._found.account is not None or self._found.services:
            return True
        self.problem("place", "not_sent", "nothing was bought: the supplier is not usable", NOT_DONE)
        return False

    def _place(self) -> Any:
        options = self._options
        fields = dict(each.split("=", 1) for each in options["field"])
        trial = Trial(options["place"], options["imei"], fields, options["wait"], options["poll"], options["bulk"])
        before = dict(self._found.capabilities)
        self._is_placing = True
        for outcome in buy(self._adapter, self._found, trial):
            self._outcomes.append(outcome)
            yield self._said(_order_line(outcome))
        proved = {name: word for name, word in self._found.capabilities.items() if before.get(name) != word}
        if proved:
            yield self._said("the order proved: " + ", ".join(f"{name} {word}" for name, word in proved.items()))
        last = self._outcomes[-1]
        if last.outcome != "done":
            self.problem("order", last.code or last.outcome, _order_line(last), NOT_DONE)

    def _findings(self) -> Any:
        found = self._found
        yield f"endpoint: {_shown(found.endpoint.url)}"
        if found.account is not None:
            credit = "unknown" if found.account.credit is None else f"{found.account.credit} {found.account.currency}"
            yield f"account: credit {credit.strip()}"
        if found.services is not None:
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self._by_kind().items()))
            groups = len({entry.group for entry in found.services})
            yield f"catalogue: {len(found.services)} services in {groups} groups" + (f" ({kinds})" if kinds else "")
        if found.capabilities:
            if getattr(self._adapter, "dialects", ()):
                yield f"dialect: {self._dialect()}"
            yield "capabilities: " + ", ".join(f"{name} {word}" for name, word in sorted(found.capabilities.items()))

    def _dialect(self) -> str:
        found = self._found
        if found.dialects:
            more = ", ".join(found.dialects[1:])
            return found.endpoint.dialect + (f" (also understood: {more})" if more else "")
        if found.endpoint.dialect:
            return f"{found.endpoint.dialect} (as given)"
        return "not told by any answer; orders begin with the usual one"

    def _by_kind(self) -> dict[str, int]:
        return dict(Counter(entry.kind for entry in self._found.services or ()))

    def _said(self, text: str) -> str:
        """One line for a terminal: no key, no control characters."""
        return to_line(self._mask(storable(text)), 1_000)

    def verdict(self) -> str:
        """The last line."""
        words = {
            FINE: "fine",
            UNHEALTHY: "the supplier answered, but not everything is well",
            WRONG: "the address or an argument is refused",
            UNREACHABLE: "the supplier is unreachable, or its answer cannot be read",
            NOT_DONE: "the order was not done, or nobody knows; look into the supplier's panel before you buy again",
        }
        return f"exit {self.exit}: {words[self.exit]}"

    def result(self) -> dict[str, Any]:
        """The JSON object; docs/suppliers.md lists its keys."""
        found, account = self._found, self._found.account
        services = found.services
        placing = next((each for each in reversed(self._outcomes) if each.step == "place"), None)
        answers = [each for each in self._outcomes if each.step == "status"]
        order = {
            "service": self._options["place"],
            "identifier": self._options["imei"],
            "placed": placing.outcome if placing else "unknown" if self._is_placing else "not_sent",
            "code": placing.code if placing else "",
            "supplier_order_id": placing.supplier_order_id if placing else "",
            "status": answers[-1].outcome if answers else "",
            "text": self._outcomes[-1].text if self._outcomes else "",
            "outcomes": [asdict(each) for each in self._outcomes],
        }
        result = {
            "kind": self._options["kind"],
            "url": _shown(found.endpoint.url),
            "account": None
            if account is None
            else {
                "credit": None if account.credit is None else str(account.credit),
                "currency": account.currency,
            },
            "catalogue": None
            if services is None
            else {
                "groups": len({entry.group for entry in services}),
                "services": len(services),
                "by_kind": self._by_kind(),
            },
            "dialect": found.endpoint.dialect,
            "dialects": list(found.dialects),
            "capabilities": dict(sorted(found.capabilities.items())),
            "order": order if self._options["place"] else None,
            "errors": self._errors,
            "exit": self.exit,
        }
        return dict(self._masked(result))

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._mask(storable(value))
        if isinstance(value, dict):
            return {str(key): self._masked(inner) for key, inner in value.items()}
        return [self._masked(each) for each in value] if isinstance(value, list) else value


def _order_line(outcome: Outcome) -> str:
    what = "order" if outcome.step == "place" else f"order {outcome.supplier_order_id}"
    said = f"{what} {outcome.outcome.replace('_', ' ')}"
    if outcome.supplier_order_id and outcome.step == "place":
        said += f" as {outcome.supplier_order_id}"
    said += f" ({outcome.code})" if outcome.code else ""
    return f"{said}: {outcome.text}" if outcome.text else said


def _shown(url: str) -> str:
    """An address without credentials and query, which have no place in a log."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return to_line(url, 200)
