"""What a supplier's row must keep to before it is stored, beyond what the row itself can tell."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from services.models import Supplier
from services.suppliers.http_address import check_address
from services.suppliers.registry import UnknownAdapter, adapter_for
from unlockshop.kernel.errors import Refused


def check_supplier_url(url: str) -> None:
    """``ValidationError`` for an address that no call would be made to; its host is looked up."""
    try:
        check_address(url, allow_loopback=settings.SUPPLIERS_ALLOW_LOOPBACK)
    except Refused as error:
        raise ValidationError(_("No order would be sent there: %(reason)s.") % {"reason": error}) from error


def check_dialect(adapter: str, dialect: str) -> None:
    """``ValidationError`` for a variant that the adapter does not speak. An unknown adapter is somebody else's."""
    if not dialect:
        return
    try:
        known = [str(each) for each in getattr(adapter_for(adapter), "dialects", ())]
    except UnknownAdapter:
        return
    if dialect not in known:
        names = ", ".join(known) or _("none")
        raise ValidationError(_("This adapter knows the variants: %(names)s.") % {"names": names})


def check_supplier(supplier: Supplier) -> None:
    """Both checks, each under its field's name. Raises ``ValidationError``."""
    problems: dict[str, ValidationError] = {}
    for name, check in (
        ("url", lambda: check_supplier_url(supplier.url)),
        ("dialect", lambda: check_dialect(supplier.adapter, supplier.dialect)),
    ):
        try:
            check()
        except ValidationError as error:
            problems[name] = error
    if problems:
        raise ValidationError(problems)
