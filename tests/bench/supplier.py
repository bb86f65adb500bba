"""A supplier of the Dhru protocol that answers after a fixed time and counts: ``python -m tests.bench.supplier``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import parse_qs


class Supplier:
    """Accepts every order, and says of every order that it is pending."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.calls: dict[str, int] = {}
        self.first = self.last = 0.0
        self.flying = self.most_flying = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer, as the shop asks for it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(x.split(":")[1]) for x in head.split("\r\n") if x.lower().startswith("content-len")), 0)
            body = (await reader.readexactly(length)).decode()
            answer = json.dumps(await self.answer(head.split()[1], body)).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                % len(answer)
                + answer
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, path: str, body: str) -> Any:
        """``/stats`` tells and forgets, ``/delay/0.3`` sets the delay, all else is the API."""
        if path == "/stats":
            told = {"calls": self.calls, "seconds": self.last - self.first, "most_flying": self.most_flying}
            self.calls, self.first, self.last, self.most_flying = {}, 0.0, 0.0, 0
            return told
        if path.startswith("/delay/"):
            self.delay = float(path.removeprefix("/delay/"))
            return {}
        action = parse_qs(body)["action"][0]
        self.calls[action] = self.calls.get(action, 0) + 1
        self.first = self.first or time.monotonic()
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        if self.delay:
            await asyncio.sleep(self.delay)
        self.flying -= 1
        self.last = time.monotonic()
        if action == "placeimeiorder":
            return {"SUCCESS": [{"MESSAGE": "Order received", "REFERENCEID": str(time.monotonic_ns())}]}
        return {"SUCCESS": [{"STATUS": "1", "CODE": ""}]}


async def main(port: int) -> None:
    """Listen until killed."""
    supplier = Supplier()
    server = await asyncio.start_server(supplier.serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
