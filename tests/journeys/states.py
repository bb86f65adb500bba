"""Every page that customers see, in each of its states: how a browser gets there. The names are the tests' names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from playwright.sync_api import Page

from orders.models import Draft, Order
from orders.states import OrderState
from payments.states import PaymentState
from refunds.states import ClaimState, ClaimType
from services.models import Category, DeviceModel, Service
from tests import factories
from tests.helpers.videos import make_claim, send
from tests.journeys import looking
from tests.refunds.claims import claimed
from tests.refunds.claims import paid_order as claimable
from tests.refunds.test_calling_off import mail_link, paid_order
from tests.refunds.test_delays import delay
from tests.refunds.test_overdue import late_order
from tests.storefront.test_purchase_page import add_payment
from unlockshop.kernel import clock

S = OrderState


@dataclass(frozen=True)
class Visit:
    """A browser before the shop."""

    page: Page
    url: str

    def open(self, path: str) -> None:
        """Go there."""
        self.page.goto(self.url + path)

    def press(self, name: str) -> None:
        """Press a button, and wait for the page that answers."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()


Way = Callable[[Visit], None]
STATES: dict[str, Way] = {}


def state(way: Way) -> Way:
    """A state that tests visit."""
    STATES[way.__name__] = way
    return way


def shelves() -> list[Service]:
    """A small catalogue: two shelves, one closed service, one price that an answer decides."""
    checks, _ = Category.objects.get_or_create(slug="check", defaults={"name": "Checks", "position": 2})
    network = factories.make_service(
        name="AT&T USA iPhone", fields=(("imei", "imei"), ("network", "network"), ("note", "text"))
    )
    about = {"kind": "check", "result_kind": "report", "brand": "", "operator": "", "country": "", "networks": ["any"]}
    check = factories.make_service(name="Carrier check", category=checks, price="0.45", **about)
    closed = factories.make_service(name="T-Mobile USA Samsung", brand="Samsung", is_open=False)
    return [network, check, closed]


@state
def home(at: Visit) -> None:
    shelves()
    at.open("/")


@state
def home_with_a_mistake(at: Visit) -> None:
    shelves()
    at.open("/")
    at.page.locator("[name=imei]").fill("123")
    at.press("Find what fits")


@state
def home_with_the_currency_menu_open(at: Visit) -> None:
    at.open("/")
    at.page.locator("details[data-menu] summary").first.click()


@state
def catalogue(at: Visit) -> None:
    shelves()
    at.open("/services/")


@state
def catalogue_filtered(at: Visit) -> None:
    shelves()
    at.open("/services/?q=iphone&kind=unlock&max_price=50&sort=price")


@state
def catalogue_with_several_pages(at: Visit) -> None:
    supplier = factories.make_supplier()
    for _ in range(26):
        factories.make_service(supplier=supplier)
    at.open("/services/?page=2")


@state
def catalogue_without_a_match(at: Visit) -> None:
    shelves()
    at.open("/services/?q=nothing-like-this&min_price=abc")


@state
def catalogue_empty(at: Visit) -> None:
    at.open("/services/")


@state
def service(at: Visit) -> None:
    at.open(shelves()[0].get_absolute_url())


@state
def service_with_mistakes(at: Visit) -> None:
    at.open(shelves()[0].get_absolute_url())
    at.page.locator("[name=identifier]").fill("123")
    at.press("Continue")


@state
def service_closed(at: Visit) -> None:
    at.open(shelves()[2].get_absolute_url())


@state
def service_without_a_price_in_the_currency(at: Visit) -> None:
    found = shelves()[0]
    at.open("/")
    at.page.locator("details[data-menu] summary").first.click()
    with at.page.expect_navigation():
        at.page.locator("button[name=currency][value=USD]").click()
    at.open(found.get_absolute_url())


def start_from_imei(at: Visit) -> None:
    """The first page's form, sent."""
    shelves()
    at.open("/")
    at.page.locator("[name=imei]").fill(factories.IMEI)
    at.press("Find what fits")


@state
def device_named(at: Visit) -> None:
    DeviceModel.objects.create(tac=factories.IMEI[:8], brand="Apple", model="iPhone 13", source="imported")
    start_from_imei(at)


@state
def device_unknown(at: Visit) -> None:
    start_from_imei(at)


def draft_of(at: Visit, *, serial: int = 1) -> Draft:
    """A browser that has sent the first step."""
    found = factories.make_service(name="AT&T USA iPhone")
    at.open(found.get_absolute_url())
    at.page.locator("[name=identifier]").fill(factories.imei(serial))
    at.press("Continue")
    return Draft.objects.latest("pk")


@state
def checkout_details(at: Visit) -> None:
    draft_of(at)


@state
def checkout_details_with_mistakes(at: Visit) -> None:
    draft_of(at)
    at.press("Continue")


@state
def checkout_check(at: Visit) -> None:
    draft_of(at)
    at.page.locator("[name=email]").fill(factories.ADA)
    for box in at.page.get_by_role("checkbox").all():
        box.check()
    at.press("Continue")


@state
def checkout_check_of_what_is_under_way(at: Visit) -> None:
    factories.make_order(S.IN_PROCESS)
    order = Order.objects.get()
    at.open(order.service.get_absolute_url())
    at.page.locator("[name=identifier]").fill(order.identifier)
    at.press("Continue")
    at.page.locator("[name=email]").fill(factories.BEN)
    for box in at.page.get_by_role("checkbox").all():
        box.check()
    at.press("Continue")
    with at.page.expect_navigation():
        at.page.get_by_role("button", name="Pay").first.click()


@state
def checkout_gone(at: Visit) -> None:
    at.open("/checkout/0123456789abcdef/details/")


@state
def purchase_unpaid(at: Visit) -> None:
    at.open(factories.make_purchase(imeis=(factories.imei(1), factories.imei(2))).get_absolute_url())


@state
def purchase_declined(at: Visit) -> None:
    at.open(f"{factories.make_purchase().get_absolute_url()}?payment=failed")


@state
def purchase_paid(at: Visit) -> None:
    at.open(factories.make_purchase(paid=True).get_absolute_url())


@state
def payment_confirming(at: Visit) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    at.open(reverse("payment-return", args=[purchase.secret]))


def _order_in(each: OrderState) -> Way:
    def way(at: Visit) -> None:
        at.open(factories.make_order(each).get_absolute_url())

    return way


STATES |= {f"order_{each.value}": _order_in(each) for each in OrderState}


@state
def order_with_its_result(at: Visit) -> None:
    at.open(factories.make_order(S.COMPLETED).get_absolute_url())
    at.press("Show result")


@state
def order_to_be_cancelled(at: Visit) -> None:
    at.open(paid_order().get_absolute_url())


@state
def order_delayed(at: Visit) -> None:
    order = factories.make_order(S.IN_PROCESS)
    delay(order)
    at.open(order.get_absolute_url())


@state
def order_late(at: Visit) -> None:
    at.open(late_order().get_absolute_url())


@state
def cancelling(at: Visit) -> None:
    at.open(reverse("order-cancel", args=[paid_order().secret]))


@state
def cancelling_by_mail(at: Visit) -> None:
    at.open(mail_link(paid_order()))


@state
def cancelled(at: Visit) -> None:
    at.open(reverse("order-cancel", args=[paid_order().secret]))
    at.press("Yes, cancel the order")


@state
def cancelling_too_late(at: Visit) -> None:
    at.open(reverse("order-cancel", args=[factories.make_order(S.IN_PROCESS).secret]))


@state
def correcting(at: Visit) -> None:
    at.open(reverse("order-correct", args=[paid_order().secret]))


@state
def correcting_with_a_mistake(at: Visit) -> None:
    at.open(reverse("order-correct", args=[paid_order().secret]))
    at.page.locator("[name=identifier]").fill("12")
    at.press("Correct the order")


@state
def correcting_too_late(at: Visit) -> None:
    at.open(reverse("order-correct", args=[factories.make_order(S.COMPLETED).secret]))


@state
def claims(at: Visit) -> None:
    order = claimable()
    claimed(order)
    at.open(reverse("claims", args=[order.secret]))


@state
def claim_form(at: Visit) -> None:
    at.open(reverse("claim-new", args=[claimable().secret, ClaimType.NOT_WORKING]))


@state
def claim_form_with_a_mistake(at: Visit) -> None:
    at.open(reverse("claim-new", args=[claimable().secret, ClaimType.OTHER]))
    at.press("Send the claim")


@state
def claim_waiting(at: Visit) -> None:
    claim = claimed(claimable())
    at.open(reverse("claim", args=[claim.order.secret, claim.pk]))


@state
def claim_denied(at: Visit) -> None:
    claim = make_claim(ClaimState.DENIED)
    at.open(reverse("claim", args=[claim.order.secret, claim.pk]))


@state
def claim_video(at: Visit) -> None:
    claim = make_claim(profile="default 2026-11")
    send(claim)
    at.open(reverse("claim-videos", args=[claim.order.secret, claim.pk]))


@state
def claim_video_with_a_mistake(at: Visit) -> None:
    claim = make_claim()
    at.page.route("**/upload*.js", lambda route: route.abort())
    at.open(reverse("claim-videos", args=[claim.order.secret, claim.pk]))
    at.press("Send video")


@state
def claim_video_closed(at: Visit) -> None:
    claim = make_claim(ClaimState.WITHDRAWN)
    at.open(reverse("claim-videos", args=[claim.order.secret, claim.pk]))


@state
def tracker(at: Visit) -> None:
    at.open("/order-status-tracker/")


@state
def tracker_with_a_mistake(at: Visit) -> None:
    at.open("/order-status-tracker/?q=")


@state
def tracker_found_by_number(at: Visit) -> None:
    at.open(f"/order-status-tracker/?q={factories.make_order(S.IN_PROCESS).number}")


@state
def tracker_found_by_device(at: Visit) -> None:
    at.open(f"/order-status-tracker/?q={factories.make_order(S.COMPLETED).identifier}")


@state
def tracker_without_an_answer(at: Visit) -> None:
    at.open(f"/order-status-tracker/?q={factories.imei(99)}")


@state
def terms(at: Visit) -> None:
    at.open("/terms/")


@state
def refund_rules(at: Visit) -> None:
    at.open("/terms/refunds/")


@state
def error_not_found(at: Visit) -> None:
    at.open("/nothing-here/")


@state
def error_unreadable(at: Visit) -> None:
    at.open("/order-status-tracker/?q=1&q=2")


@state
def error_cancel_link_too_old(at: Visit) -> None:
    with clock.frozen(clock.now() - timedelta(days=40)):
        link = mail_link(paid_order())
    at.open(link)


_PAID_FOR = ("purchase", "payment", "order", "cancel", "correct", "claim")
AFTER_BUYING = [name for name in STATES if name.startswith(_PAID_FOR)]
BEFORE_BUYING = [name for name in STATES if name not in AFTER_BUYING]


def check_state(visit: Visit, name: str) -> None:
    """Go to a state, which must be the one that its name says, and find nothing wrong with it."""
    answers: list[int] = []
    visit.page.on("response", lambda got: answers.append(got.status) if got.request.is_navigation_request() else None)
    STATES[name](visit)

    assert (answers[-1] in {200, 409, 422}) != (name.startswith("error_") or name == "checkout_gone"), answers
    assert visit.page.title().startswith("Error: ") == name.endswith(("_a_mistake", "_mistakes", "_under_way"))
    wrong = looking.everything_wrong_with(visit.page)
    assert wrong == [], wrong
