"""``python -m tests.chaos.mutants --orders 60``: plants each known bug in turn, to be noticed."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from typing import Final

from tests.chaos.mutations import MUTATIONS
from tests.chaos.processes import ROOT

_ROW: Final = re.compile(r"^(I\d+[a-f]?|D2?|W|N) .* +(\d+) +(\d+)$", re.MULTILINE)


def violated(output: str) -> set[str]:
    """Names of the invariants that a run's table shows as violated."""
    return {name for name, _checked, count in _ROW.findall(output) if int(count)}


def main() -> int:
    """Exit 0 when every bug was caught by an invariant that is about it, within the seeds allowed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutants", description=__doc__)
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3, help="seeds to try before a bug counts as missed")
    parser.add_argument("--crash", default="0.1", help="chance of dying at each crash point")
    parser.add_argument("names", nargs="*", choices=[[], *MUTATIONS], help="default: all")
    told = parser.parse_args()
    missed = []
    for name in told.names or MUTATIONS:
        expected = MUTATIONS[name][1]
        for seed in range(1, told.seeds + 1):
            began = time.monotonic()
            command = [sys.executable, "-m", "tests.chaos.run", "--orders", str(told.orders), "--seed", str(seed)]
            command += ["--crash", told.crash, "--mutate", name]
            run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            found = violated(run.stdout)
            is_caught = run.returncode == 1 and bool(found & expected)
            verdict = "caught" if is_caught else "missed"
            told_by = ", ".join(sorted(found)) or run.stderr.strip()[-200:] or "nothing"
            seconds = time.monotonic() - began
            wanted = ", ".join(sorted(expected))
            print(f"{name:26} seed {seed}: {verdict} by {told_by} (wanted: {wanted}), {seconds:.0f} s", flush=True)
            for line in run.stdout.splitlines():
                if line.startswith("  I13: "):
                    print(line)
            if is_caught:
                break
        else:
            missed.append(name)
    planted = len(told.names or MUTATIONS)
    print(f"{planted - len(missed)} of {planted} caught" + (f"; missed: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
