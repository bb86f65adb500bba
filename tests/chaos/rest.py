"""When a run has come to rest: nothing moves by itself any more, on any side."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Final

from tests.chaos.bank_books import read_bank
from tests.chaos.invariants import SELF_MOVING
from tests.chaos.world import ROOT, World

TELL_EVERY_SECONDS: Final = 30.0
MOVING: Final = frozenset({"queued", "claimed"})


def drain(world: World, *, cap: float) -> str:
    """Wait for rest, let both providers' books be compared as the hourly pass does, and wait for rest again.

    What still moved when ``cap`` seconds had passed; empty at rest.
    """
    deadline = time.monotonic() + cap
    if moves := _wait(world, deadline):
        return moves
    # In a process of its own, so that a planted bug is there too. It exits 1 for differences, which I5f counts.
    command = [sys.executable, "manage.py", "reconcile"]
    subprocess.run(command, cwd=ROOT, env=world.env, stdout=subprocess.DEVNULL, check=False, timeout=cap)
    return _wait(world, deadline)


def _wait(world: World, deadline: float) -> str:
    moves, told = "", time.monotonic() + TELL_EVERY_SECONDS
    while time.monotonic() < deadline:
        staff = world.fleet["staff"]
        if staff.process is not None and staff.process.poll() == 0:
            staff.stopped = True
        world.fleet.tend()
        moves = _what_moves(world) if staff.stopped else f"the staff: {_untold(world)}"
        if not moves:
            return ""
        if time.monotonic() > told:
            print(f"  not at rest: {moves}", flush=True)
            told += TELL_EVERY_SECONDS
        time.sleep(0.5)
    return moves or "not looked at"


def _untold(world: World) -> str:
    """The stories that the staff have not told to their end, as far as a line takes them."""
    left = world.folder / "staff.left"
    return left.read_text()[:200] if left.exists() else "all of them"


def _what_moves(world: World) -> str:
    """Something that still moves; empty when nothing does."""
    from orders.models import Order, OutgoingMail  # noqa: PLC0415
    from payments import booking  # noqa: PLC0415
    from payments.models import EvidencePack, Payment, Refund, WebhookDelivery  # noqa: PLC0415

    moving = {
        "orders": Order.objects.filter(state__in=SELF_MOVING),
        "mails": OutgoingMail.objects.filter(work_state__in=MOVING),
        "events": WebhookDelivery.objects.filter(work_state__in=MOVING),
        "refunds": Refund.objects.filter(work_state__in=MOVING),
        "evidence": EvidencePack.objects.filter(state="submitting"),
        "fees": Payment.objects.filter(state="captured", fee__isnull=True),
    }
    for name, rows in moving.items():
        if count := rows.count():
            return f"{count} {name}, such as {rows.first()}"
    if booking.book_deliveries():
        return "sales"
    bank = read_bank(world.folder / "bank.sqlite3")
    if any(row["state"] == "pending" for row in bank.deliveries):
        return "deliveries of the bank"
    live = Payment.objects.filter(state__in={"created", "open", "pending"})
    waiting = set(live.values_list("provider_ref", flat=True))
    unheard = [taken.ref for taken in bank.taken if taken.ref in waiting and taken.is_over]
    return f"{len(unheard)} payments, such as {unheard[0]}" if unheard else ""
