"""A wire between the shop and the demo bank that loses what it is told to lose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import requests

from tests.helpers.hostile import Asked, Hostile, Said, hostile_server

Loss = Literal["", "request", "answer", "answer late"]
HOP = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "content-encoding"}


class Wire:
    """``loss`` says, for every request, what is lost: nothing, it, or the answer after it had its effect."""

    def __init__(self, bank: str, server: Hostile) -> None:
        self.url = server.url
        self.loss: Callable[[Asked], Loss] = lambda _asked: ""
        self.lost: list[Asked] = []
        self._bank = bank
        server.answer = self._carry

    def lose(self, loss: Loss, *, path: str) -> None:
        """From now on lose this of every POST to an address that contains ``path``; with ``""`` all is well again."""
        self.loss = lambda asked: loss if asked.method == "POST" and path in asked.path else ""

    def _carry(self, asked: Asked) -> Said:
        loss = self.loss(asked)
        if loss:
            self.lost.append(asked)
        if loss == "request":
            return Said(cut=True)
        headers = {name: value for name, value in asked.headers.items() if name not in HOP}
        answer = requests.request(
            asked.method, self._bank + asked.path, headers=headers, data=asked.body, allow_redirects=False, timeout=10
        )
        if loss:
            return Said(cut=True, hang_seconds=3.0 if loss == "answer late" else 0.0)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
        return Said(answer.status_code, answer.content, kept.pop("Content-Type", ""), kept)


@contextmanager
def wire_to(bank: str) -> Iterator[Wire]:
    """The wire until the block ends."""
    with hostile_server() as server:
        yield Wire(bank, server)
