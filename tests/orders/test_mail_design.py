"""How mails look: one frame, the shop's own colours, readable in light and dark, in step with their text part."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from orders.mailing import MailMessage, render
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from orders.states import OrderState
from services.models import ResultKind
from tests import factories
from tests.orders.test_mail_templates import links, mail_of, words

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
MAILS = ROOT / "templates" / "emails"
LANGUAGES = ("en", "es", "ar")
AA = 4.5
# What lies on what. Each pair has to be readable in both schemes.
ON = {"text": "card", "link": "card", "brand": "card", "quiet": "page"}


def in_language(kind: MailKind, language: str) -> tuple[MailMessage, Order]:
    """The same mail as its customer gets it in another language."""
    _, order = mail_of(kind)
    mail = OutgoingMail.objects.filter(kind=kind).latest("pk")
    mail.purchase.language = language
    return render(mail), order


def preview(html: str) -> str:
    found = re.search(r'<div class="preview".*?>(.*?)</div>', html, re.DOTALL)
    assert found is not None
    return " ".join(unescape(found[1]).replace("\u034f", " ").replace("\xa0", " ").split())


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours_of(css: str) -> set[str]:
    return set(re.findall(r"#[0-9a-f]{6}\b", css))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MailKind)
def test_one_frame_in_every_language(kind: MailKind, language: str) -> None:
    message, _ = in_language(kind, language)

    html = message.html
    assert f'<html lang="{language}"\n      dir="{"rtl" if language == "ar" else "ltr"}">' in html
    assert html.count("<h1") == html.count('class="button"') == html.count('class="brand"') == 1
    assert not re.search(r"<(img|script|link|iframe|form|video)\b|url\(|@import|\bsrc=", html)
    assert not re.search(r"(margin|padding|border)-(left|right)|text-align:\s*(left|right)", html)
    # A link without the class keeps the browser's blue, which nobody can read on dark ground.
    anchors = re.findall(r"<a\b[^>]*>", html, re.DOTALL)
    assert sum('class="link"' not in each for each in anchors) == 1
    assert len(html.encode()) < 60_000
    assert "\n" not in message.subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MailKind)
def test_the_inbox_shows_news_not_the_subject_again(kind: MailKind, language: str) -> None:
    message, order = in_language(kind, language)

    told = preview(message.html)
    assert len(told) >= 15
    assert told.casefold() not in message.subject.casefold()
    assert order.identifier not in told
    assert order.purchase.email not in told
    assert "12345678" not in told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MailKind)
def test_the_text_part_is_in_step(kind: MailKind, language: str) -> None:
    message, _ = in_language(kind, language)

    text, html = " ".join(message.text.split()), words(message.html)
    addresses = {href for href in links(message.html) if href.startswith("http")}
    assert addresses
    assert {href for href in addresses if href not in text} == set()
    for pattern in (r"\b[UP]-\w{4}-\w{4}-\w\b", r"\b\d{1,2}:\d{2}\b", r"[€$£]\s?\d[\d.,]*|\d[\d.,]*\s?[€$£]"):
        assert set(re.findall(pattern, html)) - set(re.findall(pattern, text)) == set()
    assert max(len(line) for line in message.text.splitlines() if "http" not in line) < 500


def test_the_result_comes_first_and_what_it_is_about_last() -> None:
    message, order = mail_of(MailKind.COMPLETED)

    for part in (message.text, words(message.html)):
        body = part.split("orders.example")[0]
        places = [body.rindex("CODE: 12345678"), body.index("Important:"), body.index("35-417803-685978-9")]
        assert places == sorted(places)
    assert f"http://testserver{order.get_absolute_url()}" in links(message.html)


@pytest.mark.parametrize("state", [OrderState.UNAVAILABLE, OrderState.NOT_FOUND])
def test_what_a_supplier_says_is_no_markup(state: OrderState) -> None:
    order = factories.make_order(state)
    Order.objects.filter(pk=order.pk).update(supplier_note="<b>x</b> & \u202eevil")
    message = render(OutgoingMail.objects.get(order=order, kind=state.value))

    assert "<b>x</b>" not in message.html
    assert "\u202e" not in message.html + message.text


def test_a_long_result_breaks_nothing() -> None:
    service = factories.make_service(result_kind=ResultKind.CODE)
    order = factories.make_order(OrderState.COMPLETED, service=service)
    Order.objects.filter(pk=order.pk).update(result="A" * 4_000)
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.COMPLETED))

    assert "overflow-wrap:anywhere" in message.html
    assert "A" * 4_000 in message.text


def test_the_colours_are_the_shops() -> None:
    tokens = colours_of((ROOT / "static" / "css" / "tokens.css").read_text())
    used = set().union(*(colours_of(page.read_text()) for page in MAILS.rglob("*.html")))

    assert used
    assert used - tokens == set()


def styles(html: str, name: str) -> dict[str, str]:
    """The inline colours of the first element with this class: of its text and of its ground."""
    tag = re.search(rf'<\w+[^>]*class="{name}"[^>]*>', html, re.DOTALL)
    assert tag is not None, name
    return dict(re.findall(r"(?<![-\w])(background|color):\s*(#[0-9a-f]{6})", tag[0]))


def dark_styles(html: str, name: str) -> dict[str, str]:
    rule = re.search(rf"\.{name} \{{([^}}]*)\}}", html)
    assert rule is not None, name
    return dict(re.findall(r"(?<![-\w])(background|color):\s*(#[0-9a-f]{6})", rule[1]))


def test_everything_is_readable_in_light_and_dark() -> None:
    html = mail_of(MailKind.COMPLETED)[0].html

    for read in (styles, dark_styles):
        for name, ground in ON.items():
            assert contrast(read(html, name)["color"], read(html, ground)["background"]) >= AA, (read, name)
        for name in ("box", "result", "warn"):
            own = read(html, name)
            assert contrast(own["color"], own["background"]) >= AA, (read, name)
        # Labels lie on boxes too.
        assert contrast(read(html, "quiet")["color"], read(html, "box")["background"]) >= AA
        assert contrast(read(html, "link")["color"], read(html, "box")["background"]) >= AA
    assert contrast("#ffffff", styles(html, "button")["background"]) >= AA
    assert contrast("#06251d", dark_styles(html, "button")["background"]) >= AA
