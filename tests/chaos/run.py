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

from tests.chaos.checking import Check
from tests.chaos.invariants import checks
from tests.chaos.mutations import MUTATIONS
from tests.chaos.plan import plan
from tests.chaos.processes import HarnessError
from tests.chaos.report import Report, console_checks, show
from tests.chaos.rest import drain
from tests.chaos.storm import Storm
from tests.chaos.world import Options, World, stock

DRAIN_CAP_SECONDS: Final = 120.0
LONGER_SECONDS: Final = 40.0
# What setting up takes on two idle cores; where it takes longer, everything gets that much more time.
SET_UP_SECONDS: Final = 5.5
SLOWEST: Final = 3.0
# How long stories of refunds and disputes are waited for after the last customer, and what share of them.
STORIES_SECONDS: Final = 30.0
MOST_STORIES: Final = 0.7
# After this a run is given up: twice what customers take to come, and what rest takes at most.
LEAST_MINUTES: Final = 8.0
REST_MINUTES: Final = 4.0
MINUTES_AN_ORDER: Final = 2 * 0.36 / 60


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
    parser.add_argument("--minutes-cap", type=float, help="default: 8, or more for more than 330 orders")
    parser.add_argument("--mutate", default="", choices=["", *MUTATIONS], help="plant this bug: the run must fail")
    parser.add_argument("--crash", type=float, default=0.03, help="chance of dying at each crash point")
    told = parser.parse_args(arguments)
    if told.orders < 1:
        parser.error("--orders must be at least 1: a run without orders proves nothing")
    return Options(
        orders=told.orders, seed=told.seed, database=told.database, redis=told.redis, keep=told.keep,
        minutes_cap=told.minutes_cap or max(LEAST_MINUTES, REST_MINUTES + told.orders * MINUTES_AN_ORDER),
        mutate=told.mutate, crash=told.crash,
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
    load = os.getloadavg()[0]
    with report.timed("set-up"):
        stock(world)
        world.start()
    others = load / (os.cpu_count() or 1)
    world.slowness = min(SLOWEST, max(1.0, others, report.seconds["set-up"] / SET_UP_SECONDS))
    cap = DRAIN_CAP_SECONDS * world.slowness
    signal.setitimer(signal.ITIMER_REAL, options.minutes_cap * 60 * world.slowness)
    with report.timed("faults"):
        storm = _weather(world)
        report.faults.update(storm.counts)
        report.exits_in_storm.update(world.fleet.exits)
    with report.timed("drain"):
        moving = drain(world, cap=cap)
    books = report.read()
    found = list(checks(books, now=datetime.now(UTC)))
    found += console_checks(report, moving=moving, cap=cap)
    found.append(_enough(len(books.orders), options.orders))
    show(report, found)
    return 1 if any(check.violations for check in found) else 0


def _weather(world: World) -> Storm:
    """Customers come while faults strike, until the last one is through and what they ordered was struck too."""
    people = world.add_people()
    customers = people[0]
    storm = Storm(world)
    longer = LONGER_SECONDS * world.slowness
    until = time.monotonic() + world.seconds + 8
    while True:
        storm.step()
        for person in people:
            if person.process is not None and person.process.poll() == 0:
                person.stopped = True
        world.fleet.tend()
        moment = time.monotonic()
        if moment > until and customers.stopped and (_is_under_way() or moment > until + longer):
            break
        if moment > until + 2 * longer:
            raise HarnessError("the customers do not come to an end, see customers.log")
        time.sleep(0.03)
    _let_stories_come_to_an_end(world, storm)
    storm.stop()
    world.calm()
    return storm


def _let_stories_come_to_an_end(world: World, storm: Storm) -> None:
    """A little longer, so that most refunds and disputes are struck too."""
    told, deadline = world.folder / "staff.told", time.monotonic() + STORIES_SECONDS * world.slowness
    planned = plan(orders=world.options.orders, seed=world.options.seed, seconds=world.seconds)
    stories = sum(bool(each.story) for each in planned)
    while time.monotonic() < deadline and not world.fleet["staff"].stopped:
        if told.exists() and len(set(told.read_text().split())) > stories * MOST_STORIES:
            return
        storm.step()
        world.fleet.tend()
        time.sleep(0.03)


def _is_under_way() -> bool:
    """Whether nine of ten paid orders have been sent to a supplier or are held; that may take a while."""
    from orders.models import Order  # noqa: PLC0415

    paid = Order.objects.filter(paid_at__isnull=False)
    return paid.filter(state="paid", supplier_attempts=None).count() <= paid.count() * 0.1


def _enough(found: int, asked: int) -> Check:
    check = Check("N", "as many orders as asked for were checked", checked=found)
    if found != asked:
        check.violations.append(f"{found} orders were placed, {asked} were asked for")
    return check


if __name__ == "__main__":
    sys.exit(main())
