"""The process: one video on standard input, the settings as JSON in the first argument, one line of JSON out."""

from __future__ import annotations

import json
import os
import sys
import time

from refunds.triage import confining


def main() -> None:
    """Lock oneself in, load, close the door, look, report."""
    began = time.monotonic()
    asked = json.loads(sys.argv[1])
    confining.confine(
        cpu_seconds=int(asked["cpu_seconds"]),
        address_space=confining.ADDRESS_SPACE_WITH_OCR if asked["ocr"] else confining.ADDRESS_SPACE,
    )
    # Only now the large libraries: what they do while they load is bounded as well.
    from refunds.triage import reporting  # noqa: PLC0415

    ocr = reporting.load(with_ocr=asked["ocr"])
    with os.fdopen(0, "rb", buffering=1 << 20) as source:
        confining.close_the_door()
        report = reporting.report_on(source, asked, ocr)
    report["took"] = {"seconds": round(time.monotonic() - began, 2), "peak_kib": confining.peak_kib()}
    sys.stdout.write(json.dumps(report))
    sys.stdout.flush()
    # Whatever the libraries would do at the end is not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
