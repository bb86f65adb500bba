"""What the operator of the demo bank does, for each provider, in a browser."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests.helpers.demo import RunningDemo


@dataclass(frozen=True)
class Provider:
    """One provider: the words of its buttons, and the addresses of its lists."""

    name: str
    way: str
    pay: str
    decline: str
    later: str
    later_fails: str
    payments: str
    refunds: str
    disputes: str
    for_customer: str

    def end_wait(self, operator: Page, demo: RunningDemo, number: str) -> None:
        """The delayed payment of the purchase arrives, or fails, now."""
        operator.goto(demo.addresses["bank"] + self.payments)
        self.row(operator, number).get_by_role("button", name="End the wait").click()

    def open_dispute(self, operator: Page, demo: RunningDemo, number: str) -> None:
        """The customer of the purchase goes to their bank."""
        operator.goto(demo.addresses["bank"] + self.payments)
        self.row(operator, number).get_by_role("button", name="Open a dispute").click()

    def disputed(self, operator: Page, demo: RunningDemo, reference: str) -> Locator:
        """The dispute's row, as the bank has it now."""
        operator.goto(demo.addresses["bank"] + self.disputes)
        return self.row(operator, reference).last

    def decide(self, operator: Page, demo: RunningDemo, reference: str, *, for_shop: bool) -> None:
        """The bank decides the dispute."""
        label = "Decide for the shop" if for_shop else self.for_customer
        self.disputed(operator, demo, reference).get_by_role("button", name=label).click()

    def let_refund_fail(self, operator: Page, demo: RunningDemo, reference: str) -> None:
        """The bank returns the refund."""
        operator.goto(demo.addresses["bank"] + self.refunds)
        self.row(operator, reference).get_by_role("button", name="Let it fail").click()

    @staticmethod
    def row(operator: Page, text: str) -> Locator:
        """The rows that hold the text."""
        return operator.get_by_role("row").filter(has_text=text)


STRIPE = Provider(
    name="stripe",
    way="by card",
    pay="Pay now",
    decline="Decline the card",
    later="Pay later and succeed (delayed)",
    later_fails="Pay later and fail (delayed)",
    payments="payments",
    refunds="refunds",
    disputes="disputes",
    for_customer="Decide for the customer",
)
PAYPAL = Provider(
    name="paypal",
    way="with PayPal",
    pay="Approve and pay",
    decline="Decline the means of payment",
    later="Approve, but the bank holds it for a while",
    later_fails="Approve, the bank holds it and then refuses",
    payments="paypal/",
    refunds="paypal/",
    disputes="paypal/",
    for_customer="Decide for the buyer",
)
