"""What this browser told and bought: the device it asked about, and its own purchases, in encrypted cookies.

Neither an address nor a log ever holds the IMEI, and the database stores nothing of visitors who order nothing.
"""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from orders.models import Purchase
from services.device_models import tac_of
from services.models import FieldKind, Service
from unlockshop.kernel.crypto import DecryptionFailed, decrypt, encrypt
from unlockshop.storefront.ratelimit import HOUR

DEVICE_COOKIE: Final = "device"
PURCHASES_COOKIE: Final = "bought"
MAX_AGE: Final = 12 * HOUR
MOST_PURCHASES: Final = 10
MAX_COOKIE: Final = 1_000


def remember_device(response: HttpResponse, imei: str) -> None:
    """Keep the IMEI that this visitor asked about for half a day."""
    _keep(response, DEVICE_COOKIE, imei)


def forget_device(response: HttpResponse) -> None:
    """The visitor has another device."""
    response.delete_cookie(DEVICE_COOKIE, samesite="Lax")


def device_of(request: HttpRequest) -> str:
    """The IMEI that this visitor asked about; empty where there is none."""
    imei = _read(request, DEVICE_COOKIE)
    return imei if tac_of(imei) else ""


def initial_for(request: HttpRequest, service: Service) -> dict[str, str] | None:
    """The order form with that IMEI in it, where the form takes one."""
    takes_imei = any(field.kind in {FieldKind.IMEI, FieldKind.IMEI_OR_SERIAL} for field in service.fields.all())
    imei = device_of(request) if takes_imei else ""
    return {"identifier": imei} if imei else None


def remember_purchase(request: HttpRequest, response: HttpResponse, purchase: Purchase) -> None:
    """Keep that this browser placed the purchase: what its checks find may be used in its next order."""
    kept = [purchase.pk, *purchases_of(request)][:MOST_PURCHASES]
    _keep(response, PURCHASES_COOKIE, " ".join(map(str, kept)))


def purchases_of(request: HttpRequest) -> list[int]:
    """The purchases that this browser placed lately, the newest first."""
    text = _read(request, PURCHASES_COOKIE)
    return [int(part) for part in text.split()] if re.fullmatch(r"[0-9 ]{1,200}", text, re.ASCII) else []


def _keep(response: HttpResponse, name: str, value: str) -> None:
    # The cookie's name is sealed in with its value, so that one cannot be passed off as the other.
    response.set_cookie(
        name,
        encrypt(f"{name}:{value}"),
        max_age=MAX_AGE,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest, name: str) -> str:
    stored = request.COOKIES.get(name, "")
    if not stored or len(stored) > MAX_COOKIE:
        return ""
    try:
        plain = decrypt(stored)
    except (DecryptionFailed, ValueError):
        return ""
    kind, _colon, value = plain.partition(":")
    return value if kind == name else ""
