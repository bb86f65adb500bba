"""``python -m tests.chaos.run --orders 200 --seed 1``: the fault run. Exit 0 kept, 1 violated, 2 the run failed.

docs/chaos.md says what happens and how to read the answer.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import django

from tests.chaos.invariants import SELF_MOVING, Check, checks
from tests.chaos.mutations import MUTATIONS
from tests.chaos.processes import HarnessError
from tests.chaos.report import Report, console_checks, show
from tests.chaos.storm import Storm
from tests.chaos.world import Options, World, stock

DRAIN_CAP_SECONDS: Final = 120.0
LONGER_SECONDS: Final = 40.0


def options_from(arguments: list[str] | None = None) -> Options:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="sqlite", help="sqlite, postgres, or the address of a PostgreSQL server")
    parser.add_argument(
        "--redis", default="", metavar="URL", help="this database is emptied; default: a broker of its own"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep stores and logs here")
    parser.add_argument("--minutes-cap", type=float, default=8.0)
    parser.add_argument("--mutate", default="", choices=["", *MUTATIONS], help="plant this bug: the run must fail")
    parser.add_argument("--crash", type=float, default=0.03, help="chance of dying at each crash point")
    told = parser.parse_args(arguments)
    if told.orders < 1:
        parser.error("--orders must be at least 1: a run without orders proves nothing")
    return Options(
        orders=told.orders, seed=told.seed, database=told.database, redis=told.redis, keep=told.keep,
        minutes_cap=told.minutes_cap, mutate=told.mutate, crash=told.crash,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run, report, clean up."""
    options = options_from(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, options.minutes_cap * 60)
    try:
        world = World(options)
    except Exception as error:
        print(f"the run did not start: {error}", file=sys.stderr)
        return 2
    try:
        return _run(world)
    except (HarnessError, TimeoutError) as error:
        print(f"the run failed: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        world.close()


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _too_long(*_: Any) -> None:
    raise TimeoutError("the cap on minutes was reached")


def _run(world: World) -> int:
    options = world.options
    said = f"{options.orders} orders, seed {options.seed}, {options.database.partition(':')[0]}"
    print(f"chaos: {said}{f', planted bug {options.mutate}' if options.mutate else ''}", flush=True)
    hidden = {"CHAOS_MUTATE", "CHAOS_CRASH_LOG"}
    os.environ.update({name: value for name, value in world.env.items() if name not in hidden})
    django.setup()
    report = Report(world)
    with report.timed("set-up"):
        stock(world)
        world.start()
    with report.timed("faults"):
        storm = _weather(world)
        report.faults.update(storm.counts)
        report.exits_in_storm.update(world.fleet.exits)
    with report.timed("drain"):
        is_drained = _drain(world)
    books = report.read()
    found = list(checks(books, now=datetime.now(UTC)))
    found += console_checks(report, is_drained=is_drained, cap=DRAIN_CAP_SECONDS)
    found.append(_enough(len(books.orders), options.orders))
    show(report, found)
    return 1 if any(check.violations for check in found) else 0


def _weather(world: World) -> Storm:
    """Customers come while faults strike, until the last one is through and what they ordered was struck too."""
    customers = world.add_customers()
    storm = Storm(world)
    until = time.monotonic() + world.options.seconds + 8
    while True:
        storm.step()
        if customers.process is not None and customers.process.poll() == 0:
            customers.stopped = True
        world.fleet.tend()
        moment = time.monotonic()
        if moment > until and customers.stopped and (_is_under_way() or moment > until + LONGER_SECONDS):
            break
        if moment > until + 2 * LONGER_SECONDS:
            raise HarnessError("the customers do not come to an end, see customers.log")
        time.sleep(0.03)
    storm.stop()
    world.calm()
    return storm


def _is_under_way() -> bool:
    """Whether nine of ten paid orders have been sent to a supplier; on a busy machine that takes a while."""
    from orders.models import Order, SupplierAttempt  # noqa: PLC0415

    paid = Order.objects.filter(paid_at__isnull=False).count()
    return SupplierAttempt.objects.values("order").distinct().count() >= paid * 0.9


def _drain(world: World) -> bool:
    """Wait until nothing moves by itself any more."""
    deadline = time.monotonic() + DRAIN_CAP_SECONDS
    while time.monotonic() < deadline:
        world.fleet.tend()
        if _is_at_rest(world):
            return True
        time.sleep(0.5)
    return False


def _is_at_rest(world: World) -> bool:
    from orders.models import Order, OutgoingMail  # noqa: PLC0415
    from payments.models import Payment, WebhookDelivery  # noqa: PLC0415
    from tests.chaos.books import rows_of  # noqa: PLC0415

    moving = {"queued", "claimed"}
    if Order.objects.filter(state__in=SELF_MOVING).exists():
        return False
    if OutgoingMail.objects.filter(work_state__in=moving).exists():
        return False
    if Order.objects.filter(state="completed", price__gt=0).exclude(postings__kind="sale").exists():
        return False
    if WebhookDelivery.objects.filter(work_state__in=moving).exclude(verdict="unknown_reference").exists():
        return False
    if Payment.objects.filter(state="captured", fee__isnull=True).exists():
        return False
    if Order.objects.filter(state="completed").exclude(postings__kind="sale").exists():
        return False
    if any(row["state"] == "pending" for row in rows_of(world.folder / "bank.sqlite3", "deliveries")):
        return False
    waiting = set(
        Payment.objects.filter(state__in={"created", "open", "pending"}).values_list("provider_ref", flat=True)
    )
    sessions = rows_of(world.folder / "bank.sqlite3", "sessions")
    return not any(row["id"] in waiting and row["status"] != "open" for row in sessions)


def _enough(found: int, asked: int) -> Check:
    check = Check("N", "as many orders as asked for were checked", checked=found)
    if found != asked:
        check.violations.append(f"{found} orders were placed, {asked} were asked for")
    return check


if __name__ == "__main__":
    sys.exit(main())
