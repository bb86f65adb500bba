"""What a run prints: faults, ends, and the table of invariants."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.chaos.books import Books, read_books
from tests.chaos.checking import Check
from tests.chaos.texts import tracebacks
from tests.chaos.world import World

_SHOWN = 6


class Report:
    """Collects while the run goes on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds: dict[str, float] = {}
        self.faults: Counter[str] = Counter()
        self.exits_in_storm: Counter[str] = Counter()
        self.books = Books()
        self.web: list[dict[str, int]] = []

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure a part of the run."""
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began
        print(f"  {name}: {self.seconds[name]:.1f} s", flush=True)

    def read(self) -> Books:
        """Read the books of all sides."""
        folder = self.world.folder
        self.books = read_books(folder)
        log = folder / "web.jsonl"
        self.web = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return self.books

    def exits_in_calm(self) -> Counter[str]:
        """Processes that ended by themselves after the last fault."""
        return self.world.fleet.exits - self.exits_in_storm

    def crash_points(self) -> Counter[str]:
        log = self.world.folder / "crashes.txt"
        return Counter(log.read_text().split() if log.exists() else [])


def console_checks(report: Report, *, moving: str, cap: float) -> list[Check]:
    """The invariants that logs and clocks tell."""
    logs = sorted(report.world.folder.glob("*.log"))
    quiet = Check("I13", "no unexplained traceback in any log", checked=len(logs))
    quiet.violations += [f"{count} x {line}" for line, count in Counter(tracebacks(logs)).items()]
    quiet.violations += [f"{count} x {name} without a fault" for name, count in report.exits_in_calm().items()]
    drain = Check("I14", f"at rest within {cap:.0f} s after the last fault", checked=1)
    drain.look(not moving, f"after {report.seconds['drain']:.0f} s still moving: {moving}")
    drain.checked = 1
    web = Check("W", "no answer of the web with status 5xx", checked=0)
    for answer in report.web:
        if answer["status"]:
            web.look(answer["status"] < 500, f"/{answer['path']}/ answered {answer['status']}")
    if not web.checked:
        web.violations.append("nothing was checked")
    return [quiet, drain, web]


def show(report: Report, found: Sequence[Check]) -> None:
    """Print everything."""
    books = report.books
    print(f"  machine: {report.world.slowness:.1f} times slower than two idle cores")
    _line("processes and broker", report.faults)
    _line("gave up by themselves, started again", report.exits_in_storm)
    _line("crash points", report.crash_points())
    calls = Counter(row["behaviour"] for row in books.placements if row["behaviour"] not in {"", "fast"})
    _line("supplier", calls)
    _line("bank", {
        "events": len(books.bank.events),
        "in several copies": sum(event["copies"] > 1 for event in books.bank.events),
        "dropped": sum(event["state"] == "dropped" for event in books.bank.events),
        "forged": sum(event["forged"] for event in books.bank.events),
        "tried again": sum(max(0, event["attempts"] - event["copies"]) for event in books.bank.events),
    })  # fmt: skip
    _line("bank's calls", Counter(f"{row['call']} {row['fault']}" for row in books.bank.api_faults))
    _line("strangers", Counter(f"{knock['kind']} {knock['provider']}" for knock in books.knocks))
    _line("staff", books.desk)
    _line("payments", Counter(f"{p['provider']} {p['state']}" for p in books.payments.values()))
    _line("refunds", Counter(f"{r['state']} after {min(r['attempts'], 4)} tries" for r in books.refunds.values()))
    _line("disputes", Counter(f"{d['state']}" for d in books.disputes.values()))
    _line("reconciliation", {
        "passes": len(books.passes),
        "broken off": sum(run["finished_at"] is None or bool(run["error"]) for run in books.passes),
        "repaired": sum(run["repaired"] for run in books.passes),
    })  # fmt: skip
    _line("mail", {"owed": len(books.mails), "claims": sum(mail["attempts"] for mail in books.mails)})
    _line("attempts", Counter(attempt["outcome"] for attempt in books.attempts))
    _line("orders", Counter(order["state"] for order in books.orders.values()))
    _line("parked", Counter(o["hold_reason"] for o in books.orders.values() if o["state"] == "on_hold"))
    _line("parked, yet bought", {"of them": sum(
        o["state"] == "on_hold" and bool(books.bought_for(o["id"])) for o in books.orders.values()
    )})  # fmt: skip
    _line("money to look at", Counter(p["attention"] for p in books.payments.values() if p["attention"]))
    _web(report)
    print(f"\n{'':4} {'invariant':62} {'checked':>8} {'violations':>10}")
    for check in found:
        print(f"{check.name:4} {check.title:62} {check.checked:8} {len(check.violations):10}")
    for check in found:
        for violation in check.violations[:_SHOWN]:
            print(f"  {check.name}: {violation}")
        if len(check.violations) > _SHOWN:
            print(f"  {check.name}: … and {len(check.violations) - _SHOWN} more")
    broken = sum(bool(check.violations) for check in found)
    total = sum(report.seconds.values())
    verdict = "every invariant holds" if not broken else f"{broken} INVARIANTS VIOLATED"
    print(f"\nseed {report.world.options.seed}: {verdict}; {total:.0f} s in all", flush=True)


def _line(title: str, counts: Counter[str] | dict[str, int]) -> None:
    told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    print(f"  {title}: {told or 'none'}")


def _web(report: Report) -> None:
    times = sorted(answer["ms"] for answer in report.web if answer["status"])
    if times:
        p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
        down = len(report.web) - len(times)
        print(f"  web: {len(times)} answers, median {times[len(times) // 2]} ms, p99 {p99} ms; {down} times down")
