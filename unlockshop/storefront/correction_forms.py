"""The form that corrects an order: the first step of the checkout, for one device, with its second looks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from orders.models import Order
from orders.right_data import RightData
from services.device_list import DevicesInvalid, read_devices
from unlockshop.kernel.errors import Refused
from unlockshop.storefront.checkout_forms import ANSWER, CheckForm, DeviceForm
from unlockshop.storefront.checkout_repeats import Repeats
from unlockshop.storefront.forms import RawField, tick


class CorrectionForm(DeviceForm):
    """What the order should have been about. ``shown``: the way of correcting that the page told of."""

    shown = RawField(widget=forms.HiddenInput)

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        super().__init__(order.service, order.currency, *args, **kwargs)
        del self.fields["several"]
        self.order = order
        self.warning = ""

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        try:
            self.devices = read_devices(self.asked, single=data["identifier"], paste="")
        except DevicesInvalid as refused:
            self.add_error("identifier", [ValidationError(message) for message in refused.single])
        return data

    @property
    def right_data(self) -> RightData:
        """What was entered, in normal form."""
        device = self.devices.devices[0]
        return RightData(device.value, device.kind, self.answers, again="again" in self.data)

    def ask_to_compare(self) -> bool:
        """Show a tick for a number that we completed or doubt; True while it is missing."""
        device = self.devices.devices[0]
        if not device.warning:
            return False
        self.warning = device.warning
        self.fields["compared"] = tick(CheckForm.COMPARED)
        return self._ask_for("compared", str(CheckForm.COMPARED.missing))

    def ask_whether_again(self, repeats: Repeats) -> bool:
        """Show a tick for work that is under way already; True while it is missing."""
        self.fields["again"] = forms.BooleanField(label=repeats.statement)
        return self._ask_for("again", repeats.missing)

    def refuse(self, refused: Refused) -> None:
        """Show a refusal of the domain beside what it is about."""
        self.add_error("identifier" if refused.code == "unchanged" else None, ValidationError(str(refused)))

    def _ask_for(self, name: str, missing: str) -> bool:
        if name in self.data:
            return False
        self.add_error(name, ValidationError(missing))
        return True

    @staticmethod
    def initial_of(order: Order) -> dict[str, str]:
        """What the order is about now."""
        answers = {ANSWER + name: str(value) for name, value in order.answers.items()}
        return {"identifier": order.identifier, **answers}
