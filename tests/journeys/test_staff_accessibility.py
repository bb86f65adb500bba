"""The staff pages that are the shop's own, by axe-core. Their frame is Unfold's; what it does wrong is listed here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page

from orders.states import OrderState
from refunds import calling_off, rehearsing, trying_out
from tests import factories
from tests.admin.conftest import make_shop
from tests.helpers.videos import make_claim, send
from tests.journeys import looking
from tests.refunds.claims import SAM, claimed, paid_order
from unlockshop.kernel.staff_parts import change_url

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

DESK = {"width": 1280, "height": 900}
# Unfold's frame has no <main>, so that nothing on the page stands in a landmark, and names two regions of its side bar
# alike. Its lists, which are not looked at, have targets of 18 px.
UNFOLDS_OWN = frozenset({"landmark-one-main", "region", "landmark-unique"})


def landing_page() -> str:
    make_shop(OrderState.ON_HOLD)
    return reverse("admin:index")


def order() -> str:
    return change_url(make_shop(OrderState.COMPLETED).order)


def claim() -> str:
    return change_url(claimed(paid_order()))


def claim_with_a_video() -> str:
    found = make_claim()
    send(found)
    return change_url(found)


def review_of_a_claim() -> str:
    return reverse("admin:refunds_claim_do", args=[claimed(paid_order()).pk, "review"])


def supplier() -> str:
    return change_url(factories.make_supplier())


def telling_a_delay() -> str:
    factories.make_order(OrderState.IN_PROCESS)
    return "/admin/orders/delaynotice/tell/"


def preparing_refund_rules() -> str:
    return "/admin/refunds/policyversion/prepare/"


def rehearsal() -> str:
    claimed(paid_order())
    changes = {"claims.request_days": 60}
    row = rehearsing.ask(calling_off.in_force(), changes, version="2026-12-a", reason="Fewer.", actor=SAM)
    trying_out.carry_on(row.pk)
    return change_url(row)


def loading_scenarios() -> str:
    return "/admin/refunds/storedscenario/load/"


PAGES: list[Callable[[], str]] = [
    landing_page, order, claim, claim_with_a_video, review_of_a_claim, supplier, telling_a_delay,
    preparing_refund_rules, rehearsal, loading_scenarios,
]  # fmt: skip


@pytest.fixture
def clerk(browser: Browser, live_server: Any, settings: Any, tmp_path: Any) -> Iterator[Page]:
    """A signed-in member of staff."""
    settings.EVIDENCE_ROOT = str(tmp_path)
    client = Client()
    client.force_login(factories.make_staff())
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("page_of", PAGES, ids=lambda each: each.__name__)
def test_staff_pages_of_our_own(clerk: Page, live_server: Any, page_of: Callable[[], str]) -> None:
    answer = clerk.goto(live_server.url + page_of())
    assert answer is not None
    assert answer.status == 200
    looking.prepare(clerk)

    assert looking.violations(clerk, "desk", known=UNFOLDS_OWN) == []
