"""Getting to know a Dhru supplier without buying: its address, its dialect, what it supports.

Only questions are asked. Protocol sections 1 (addresses), 2 (dialects), 4 (what there may be).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from services.suppliers.base import (
    NO,
    UNCLEAR,
    UNPROVEN,
    YES,
    CatalogueEntry,
    Endpoint,
    Exploration,
    RefusalCode,
    Unreadable,
    UnsupportedAction,
)
from services.suppliers.dhru import DhruClient
from services.suppliers.dhru_bulk import by_key
from services.suppliers.dhru_call import DhruCall, full_url
from services.suppliers.dhru_dialect import NOBODYS_ORDER, find_dialects
from services.suppliers.dhru_errors import CONFIG, is_unknown_action
from services.suppliers.dhru_parameters import Dialect, bulk
from services.suppliers.dhru_placing import SERVER_KINDS
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError

_PATHS: Final = (
    "/api/index.php", "/index.php", "/dhru/api/index.php", "/connect/api/index.php", "/public/api/index.php",
    "/public/api.php", "/api/dhru", "/api/dhru/index.php",
)  # fmt: skip
_ABOUT_US: Final = frozenset({RefusalCode.AUTH, RefusalCode.IP, RefusalCode.RATE, RefusalCode.MAINTENANCE})
_IN_FRONT: Final = frozenset({409, 415, 429})
_NOBODYS_ORDERS: Final = (NOBODYS_ORDER, "999999992")


def addresses(url: str) -> list[str]:
    """Where the endpoint may be for the address that somebody typed, the likeliest first (section 1)."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return [url]
    path = parts.path.rstrip("/")
    if path.casefold().endswith(".php"):
        paths: tuple[str, ...] = (path,)
    elif not path:
        paths = _PATHS
    elif path.endswith("/api"):
        paths = (f"{path}/index.php", path, f"{path}{_PATHS[0]}")
    else:
        paths = (f"{path}{_PATHS[0]}", f"{path}/index.php", path)
        paths = paths if parts.path.endswith("/") else (path, *paths[:2])
    return [urlunsplit(parts._replace(path=each)) for each in paths]


class DhruExplorer:
    """One look around. ``pause_seconds`` lie between two calls; suppliers ask for that."""

    def __init__(self, endpoint: Endpoint, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._found = Exploration(endpoint)
        self._is_over = False

    def explore(self) -> Exploration:
        """Everything. What goes wrong on the way is in ``problems``; what ends it at once is the last of them."""
        found = self._found
        if not self._locate():
            return found
        self._breathe()
        try:
            found.services = self._client().services()
        except ShopError as error:
            found.problems.append(("catalogue", error))
            if isinstance(error, OutcomeUnknown):
                return found
        self._find_dialect()
        self._look_for_bulk()
        self._look_for_finding()
        for name, question in (("models", "models"), ("providers", "providers"), ("meps", "meps")):
            self._try(name, lambda asked=question: getattr(self._client(), asked)())  # type: ignore[misc]
        self._look_for_services("server_services", SERVER_KINDS, DhruClient.server_services)
        self._look_for_services("file_services", frozenset({"FILE"}), DhruClient.file_services)
        found.capabilities |= {"place_many": UNPROVEN, "cancel": NO}
        return found

    def _client(self) -> DhruClient:
        return DhruClient(self._found.endpoint)

    def _call(self, dialect: str = "") -> DhruCall:
        endpoint = self._found.endpoint
        return DhruCall(replace(endpoint, dialect=dialect or endpoint.dialect), [])

    def _breathe(self) -> None:
        time.sleep(self._pause_seconds)

    # The address

    def _locate(self) -> bool:
        """The first address where something speaks the protocol, even if it only says no; and the account there.

        False when there is no use in asking more.
        """
        given = self._found.endpoint
        first: ShopError | None = None
        for number, url in enumerate(addresses(given.url)):
            if number:
                self._breathe()
            self._found.endpoint = replace(given, url=full_url(url))
            client = self._client()
            try:
                self._found.account = client.account()
            except Unreadable as error:
                first = first or error
                if client.exchanges[-1].http_status in _IN_FRONT:
                    break
            except ShopError as error:
                was_heard = bool(client.exchanges) and client.exchanges[-1].http_status is not None
                return self._hear_account_error(error, goes_on=was_heard and not isinstance(error, OutcomeUnknown))
            else:
                return True
        self._found.endpoint = replace(given, url=full_url(addresses(given.url)[0]))
        self._found.problems.append(("account", first or Unreadable("there is no address to try")))
        return False

    def _hear_account_error(self, error: ShopError, *, goes_on: bool) -> bool:
        """The panel is there and said no. Unless it is to us, it may have been the dialect."""
        is_final = isinstance(error, Refused) and error.code in _ABOUT_US
        if goes_on and not is_final and not self._found.endpoint.dialect:
            for dialect in (Dialect.BASE64_JSON, Dialect.JSON):
                self._breathe()
                endpoint = replace(self._found.endpoint, dialect=dialect)
                try:
                    self._found.account = DhruClient(endpoint).account()
                except ShopError as other:
                    if isinstance(other, Refused) and other.code in _ABOUT_US:
                        error, is_final = other, True
                        break
                    continue
                self._found.endpoint = endpoint
                return True
        self._found.problems.append(("account", error))
        return goes_on and not is_final

    # The dialect

    def _find_dialect(self) -> None:
        found = self._found
        known = sorted(found.services or (), key=lambda entry: entry.kind != "IMEI")
        told = find_dialects(self._call, known[0].service_id if known else "", self._breathe)
        found.dialects = told.dialects
        if told.dialects and not found.endpoint.dialect:
            found.endpoint = replace(found.endpoint, dialect=told.dialects[0])
        found.capabilities["service_details"] = _word(told.knows_details)
        if told.knows_status is not None:
            found.capabilities["status"] = _word(told.knows_status)
            return
        call = self._call()

        def ask() -> None:
            envelope = call.readable(call.ask("getimeiorder", {"ID": NOBODYS_ORDER}, purpose="status"))
            if is_unknown_action(envelope.error_text()):
                raise UnsupportedAction("the supplier does not know the action")

        self._try("status", ask)

    # What there is

    def _try(self, name: str, question: Callable[[], Any], yes: str = YES) -> Any:
        """Ask, and write down under ``name`` whether that is supported. After a timeout nothing more is asked."""
        self._found.capabilities[name] = UNCLEAR
        if self._is_over:
            return None
        self._breathe()
        try:
            answer = question()
        except UnsupportedAction:
            self._found.capabilities[name] = NO
        except Refused as error:
            self._found.capabilities[name] = NO if error.code == CONFIG else UNCLEAR
        except Retryable:
            return None
        except OutcomeUnknown:
            self._is_over = True
        else:
            self._found.capabilities[name] = yes
            return answer
        return None

    def _look_for_bulk(self) -> None:
        call = self._call()

        def ask() -> None:
            wanted = bulk({order_id: {"ID": order_id} for order_id in _NOBODYS_ORDERS})
            reply = call.call("getimeiorderbulk", wanted, purpose="status_many", keys=_NOBODYS_ORDERS)
            envelope = call.readable(reply)
            if not by_key(envelope, _NOBODYS_ORDERS):
                call.raise_for_error(envelope)

        self._try("status_many", ask)

    def _look_for_finding(self) -> None:
        client = DhruClient(replace(self._found.endpoint, sends_reference=True))
        self._try("find", lambda: client.find(f"probe-{secrets.token_hex(6)}"), UNPROVEN)

    def _look_for_services(
        self, name: str, kinds: frozenset[str], question: Callable[[DhruClient], list[CatalogueEntry]]
    ) -> None:
        """The kinds that newer panels have in the one list, and older ones in lists of their own."""
        services = self._found.services
        if any(entry.kind in kinds for entry in services or ()):
            self._found.capabilities[name] = YES
            return
        more: list[CatalogueEntry] = self._try(name, lambda: question(self._client())) or []
        if services is not None:
            services += more


def _word(known: bool | None) -> str:
    return UNCLEAR if known is None else YES if known else NO
