"""``make bench``: how fast the shop's pages are beside a bare Django app, in one run on this machine.

Makes a database of its own on PostgreSQL and drops it again. Shop and bare app stand behind the same server with the
same settings; every round measures all pages of both, one after the other, so that other work on the machine touches
all alike. A figure is the median of the rounds. Ends with an error only where something broke, not for a missed bar.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import redis

from tests.bench.forwarding import database
from tests.bench.web import buying, chromium, shop_data
from tests.bench.web.asking import Ask, Burst, burst, in_turn, latencies, post
from tests.bench.web.serving import ROOT, Server, serving
from tests.bench.web.table import Line, render
from tests.helpers.processes import free_port, running_bank

FEW_ORDERS = 10_000
# Orders that are looked at again and again; the others have their first look.
AGAIN = 40
# More of them in the tracker: it answers thirty times for a number, which is forgotten between two measurements.
TRACKED_AGAIN = 200
SHOP, BARE = "unlockshop.wsgi:application", "tests.bench.web.bare:application"
# Another shop's whole checkout, on the machine on which the bars were set.
OSCAR_CHECKOUT_MS = 215
COLD_STARTS = 3


def main() -> None:
    """Build, measure, print, drop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="postgres://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/9")
    parser.add_argument("--tracker-orders", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unlockshop-bench-")))
        url = stack.enter_context(database("postgres", options.database))
        bank = stack.enter_context(running_bank(folder))
        settings = _environment(folder, url, options.redis, bank)
        os.environ.update(settings)
        stack.enter_context(_shop_rows(options.redis))
        _print(_measure(stack, folder, settings, options))


def _environment(folder: Path, url: str, redis: str, bank: str) -> dict[str, str]:
    """The settings of production, with addresses on this machine."""
    return {
        "IGNORE_DOTENV": "1", "SECRET_KEY": "bench" * 12, "FIELD_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "DEMO": "True", "DEBUG": "False", "DEMO_WITHOUT_DEBUG": "True", "DATABASE_URL": url, "REDIS_URL": redis,
        "DJANGO_SETTINGS_MODULE": "unlockshop.settings", "LOG_LEVEL": "ERROR", "TRUSTED_PROXIES": "127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1,testserver", "BASE_URL": f"http://127.0.0.1:{free_port()}",
        "STRIPE_API_BASE": bank, "STRIPE_API_KEY": "sk_test_tests", "STRIPE_WEBHOOK_SECRET": "whsec_tests",
        "SENDGRID_HOST": bank, "STATIC_ROOT": str(folder / "static"), "EVIDENCE_ROOT": str(folder / "evidence"),
        "BARE_FOLDER": str(folder), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip


@contextmanager
def _shop_rows(redis_url: str) -> Iterator[None]:
    """Tables, services and the first orders; the connection and the cache are let go of at the end."""
    import django  # noqa: PLC0415 - after the environment

    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"], cwd=ROOT, check=True
    )
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    shop_data.make_services()
    shop_data.make_orders(0, FEW_ORDERS)
    shop_data.execute("CREATE TABLE bare_row (id bigserial PRIMARY KEY, name varchar(80), price numeric(12, 2))")
    shop_data.execute("INSERT INTO bare_row (name, price) SELECT 'Row ' || n, n FROM generate_series(1, 1000) AS n")
    shop_data.execute("VACUUM ANALYZE")
    try:
        yield
    finally:
        connection.close()
        redis.Redis.from_url(redis_url).flushdb()


def _bare_template(folder: Path) -> None:
    """15 KB of page with a title and a list."""
    words = "<p>A paragraph of plain words that stands for the frame, the help and the footer of a page.</p>\n"
    text = words * (15_000 // len(words))
    rows = "{% for row in rows %}<li><a href='/row/{{ row.pk }}'>{{ row.name }}</a> {{ row.price }}</li>{% endfor %}"
    page = (
        f"<!DOCTYPE html><html lang='en'><title>{{{{ title }}}}</title><h1>{{{{ title }}}}</h1><ul>{rows}</ul>{text}"
    )
    (folder / "bare.html").write_text(page)


def _measure(
    stack: ExitStack, folder: Path, settings: Mapping[str, str], options: argparse.Namespace
) -> Iterator[Line]:
    _bare_template(folder)
    starts = {name: [_start(name, path, settings) for _ in range(COLD_STARTS)] for name, path in _FIRST.items()}
    servers = {name: stack.enter_context(serving(name, path, settings)) for name, path in _FIRST.items()}
    bursts = _rounds(servers, options)
    yield from _pages(bursts)
    yield from _checkout(bursts)
    yield from _tracker(servers, options)
    yield _ratio("memory of a web worker", _memory(servers), 2.0, 1.6, "MiB")
    cold = {name: statistics.median(each) for name, each in starts.items()}
    yield _ratio("cold start", cold, 2.0, 1.5, "s")
    yield from _browser(servers)


_FIRST = {SHOP: "/healthz", BARE: "/row/1"}


def _start(name: str, path: str, settings: Mapping[str, str]) -> float:
    with serving(name, path, settings) as server:
        return server.started_in


def _asks() -> dict[str, tuple[str, Ask]]:
    """What is asked of whom in each round."""
    own, tracked = shop_data.pages(range(TRACKED_AGAIN, FEW_ORDERS))
    own_again = shop_data.pages(range(AGAIN))[0]
    tracked_again = shop_data.pages(range(AGAIN, TRACKED_AGAIN))[1]
    names = count()
    return {
        "bare page": (BARE, in_turn(["/page"])),
        "catalogue list": (SHOP, in_turn(["/services/"])),
        "bare look-up": (BARE, in_turn([f"/row/{n}" for n in range(1, 1000)])),
        "service page": (SHOP, in_turn([f"/services/service-{n}/" for n in range(24)])),
        "order page": (SHOP, in_turn(own_again)),
        "tracker": (SHOP, in_turn(tracked_again)),
        "order page, first look": (SHOP, in_turn(own)),
        "tracker, first look": (SHOP, in_turn(tracked)),
        "bare rows": (BARE, in_turn(["/rows"])),
        "bare insert": (BARE, lambda: post("/insert", f"Row {next(names)}".encode())),
        "webhook": (SHOP, buying.events()),
    }


def _rounds(servers: Mapping[str, Server], options: argparse.Namespace) -> dict[str, Burst]:
    asks = _asks()
    found: dict[str, list[Burst]] = {name: [] for name in asks}
    for round_ in range(options.rounds + 1):
        for name, (server, ask) in asks.items():
            result = burst(servers[server], ask, seconds=options.seconds if round_ else 3.0)
            redis.Redis.from_url(options.redis).flushdb()
            if round_:  # the first one warms up
                found[name].append(result)
    return {
        name: Burst(statistics.median(each.rate for each in of), statistics.median(each.cpu for each in of))
        for name, of in found.items()
    }


def _pages(bursts: Mapping[str, Burst]) -> Iterator[Line]:
    bars: Sequence[tuple[str, str, float, float]] = (
        ("catalogue list", "bare page", 0.6, 1.5),
        ("service page", "bare look-up", 0.8, 1.2),
        ("order page", "bare look-up", 0.8, 1.0),
        ("tracker", "bare look-up", 0.8, 1.0),
        ("order page, first look", "bare look-up", 0.8, 1.0),
        ("tracker, first look", "bare look-up", 0.8, 1.0),
        ("webhook", "bare insert", 0.5, 0.7),
    )
    for name, bare, bar, aim in bars:
        ours, theirs = bursts[name], bursts[bare]
        note = f"{ours.rate:,.0f} against {theirs.rate:,.0f} a second; {ours.cpu:.2f} against {theirs.cpu:.2f} ms"
        yield Line(f"{name}, rate against {bare}", ours.rate / theirs.rate, bar, aim, True, note)


def _checkout(bursts: Mapping[str, Burst]) -> Iterator[Line]:
    buying.checkout(3)
    walk = buying.checkout(9)
    yield Line("checkout, requests", walk.requests, 4, 3, note="pages and forms up to the payment page")
    yield Line("checkout, SQL", walk.statements, 30, 12)
    share = f"{walk.cpu:.0f} ms against {OSCAR_CHECKOUT_MS} ms there"
    yield Line("checkout, CPU as a share of Oscar's", walk.cpu / OSCAR_CHECKOUT_MS, 1 / 8, 1 / 15, note=share)
    buying.place_and_settle(5)
    taken, bare = buying.place_and_settle(40), bursts["bare insert"].cpu
    note = f"{taken:.1f} against {bare:.2f} ms"
    yield Line("place and settle, CPU against bare insert", taken / bare, 8, 5, note=note)


def _tracker(servers: Mapping[str, Server], options: argparse.Namespace) -> Iterator[Line]:
    """Each size beside the bare look-up of the same minute, for the machine may have changed between them."""
    few = _tracked(servers, FEW_ORDERS)
    for first in range(FEW_ORDERS, options.tracker_orders, 500_000):
        shop_data.make_orders(first, min(first + 500_000, options.tracker_orders))
    many = _tracked(servers, options.tracker_orders)
    note = f"p50 {few[0]:.2f} ms, then {many[0]:.2f} ms; bare {few[1]:.2f} ms, then {many[1]:.2f} ms"
    ratio = (many[0] / many[1]) / (few[0] / few[1])
    yield Line(f"tracker at {options.tracker_orders:,} orders against {FEW_ORDERS:,}", ratio, 1.3, 1.05, note=note)


def _tracked(servers: Mapping[str, Server], orders: int) -> tuple[float, float]:
    _own, tracked = shop_data.pages(range(1, orders, max(1, orders // 997)))
    ours, bare = in_turn(tracked), in_turn(["/row/1"])
    latencies(servers[SHOP], ours, number=200)
    found: tuple[list[float], list[float]] = [], []
    for _ in range(10):
        found[0].extend(latencies(servers[SHOP], ours, number=60))
        found[1].extend(latencies(servers[BARE], bare, number=60))
    return statistics.median(found[0]), statistics.median(found[1])


def _memory(servers: Mapping[str, Server]) -> dict[str, float]:
    return {name: server.memory() for name, server in servers.items()}


def _ratio(what: str, figures: Mapping[str, float], bar: float, aim: float, unit: str) -> Line:
    ours, bare = figures[SHOP], figures[BARE]
    return Line(f"{what} against bare", ours / bare, bar, aim, note=f"{ours:.2f} against {bare:.2f} {unit}")


def _browser(servers: Mapping[str, Server]) -> Iterator[Line]:
    ours, bare = (f"http://127.0.0.1:{servers[name].port}{path}" for name, path in ((SHOP, "/"), (BARE, "/page")))
    with chromium.chromium() as browser:
        first = chromium.visit(browser, ours)
        yield Line("first visit, compressed kB", first.kilobytes, 60, 30)
        yield Line("first visit, requests", first.requests, 8, 6)
        yield Line("first visit, other hosts", first.strangers, 0, 0)
        paints: dict[str, list[float]] = {ours: [], bare: []}
        for _ in range(7):
            for url, taken in paints.items():
                taken.append(chromium.visit(browser, url).largest)
    painted = {SHOP: statistics.median(paints[ours]), BARE: statistics.median(paints[bare])}
    yield _ratio("largest paint", painted, 1.5, 1.2, "ms")


def _print(lines: Any) -> None:
    found = []
    for line in lines:
        found.append(line)
        print(f"{line.what}: {line.figure:.2f}, {line.verdict}", file=sys.stderr, flush=True)
    print(render(found))


if __name__ == "__main__":
    main()
