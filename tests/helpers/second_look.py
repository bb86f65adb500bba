"""Run a failed test of real processes once more, alone; say so; let every other failure stand.

Demo processes and browser journeys wait for real clocks. A machine that stood still for a minute fails them for
nothing, so such a failure has to happen twice. Tests of rules, money and races fail at the first time.
Exit code 0 only when every failed test was of that kind and passed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REAL_PROCESSES = ("tests/demo/", "tests/journeys/", "tests/ops/")
AT_MOST = 5


def main() -> int:
    """Judge the last run of the suite by pytest's own record of it."""
    record = Path(".pytest_cache/v/cache/lastfailed")
    failed = sorted(json.loads(record.read_text())) if record.exists() else []
    if not failed or len(failed) > AT_MOST or not all(name.startswith(REAL_PROCESSES) for name in failed):
        return 1
    print("FAILED ONCE, and run again alone:", *failed, sep="\n  ", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", *failed], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
