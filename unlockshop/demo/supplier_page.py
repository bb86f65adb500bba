"""The demo supplier's front page: the behaviour table with an example IMEI a row, and the newest orders."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterable
from html import escape

from unlockshop.demo.supplier_behaviour import FAST, TABLE, example_imei
from unlockshop.demo.supplier_catalogue import CURRENCY, Service, money

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 0 0 2rem; }
caption { text-align: left; font-weight: 600; font-size: 1.25rem; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; }
th, td { border-bottom: 1px solid #8886; }
td.code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy: its own style, nothing else."""

_STATUS_WORDS = {0: "waiting", 1: "in process", 3: "rejected", 4: "success"}


def render(services: dict[str, Service], orders: Iterable[sqlite3.Row], credit_cents: int) -> str:
    """The whole page. Everything that came from a caller is escaped."""
    behaviours = "".join(
        _row(row.pair or "any other", example_imei(row.pair or "00"), row.slug, row.text) for row in (*TABLE, FAST)
    )
    listed = "".join(_order(order, services) for order in orders)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo supplier</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Demo supplier</h1>
<p>A stand-in for three suppliers, one for each protocol, for demonstrations and tests. It sells nothing.
{len(services)} services, {money(credit_cents)} {CURRENCY} credit left.</p>
<div class="wide"><table>
<caption>Behaviour by digits 13 and 14 of the IMEI</caption>
<thead><tr><th scope="col">Digits</th><th scope="col">Example</th><th scope="col">Name</th>
<th scope="col">What happens</th></tr></thead>
<tbody>{behaviours}</tbody>
</table></div>
<div class="wide"><table>
<caption>Newest orders (at most 50)</caption>
<thead><tr><th scope="col">Order</th><th scope="col">Identifier</th><th scope="col">Protocol</th>
<th scope="col">Service</th>
<th scope="col">Reference</th><th scope="col">Status</th><th scope="col">Placed (UTC)</th></tr></thead>
<tbody>{listed or '<tr><td colspan="7">No orders yet.</td></tr>'}</tbody>
</table></div>
</body>
</html>
"""


def _order(order: sqlite3.Row, services: dict[str, Service]) -> str:
    service = services.get(order["service_id"])
    return _row(
        str(order["id"]),
        order["imei"],
        order["panel"],
        f"{order['service_id']} {service.name if service else ''}",
        order["reference"][:80],
        f"{order['status']} {_STATUS_WORDS.get(order['status'], '')}",
        order["created_at"][:19].replace("T", " "),
    )


def _row(first: str, code: str, *others: str) -> str:
    cells = "".join(f"<td>{escape(other)}</td>" for other in others)
    return f'<tr><th scope="row">{escape(first)}</th><td class="code">{escape(code)}</td>{cells}</tr>\n'
