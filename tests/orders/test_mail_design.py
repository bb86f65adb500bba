"""How mails look: one frame, the shop's own colours, readable in light and dark, in step with their text part."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from orders.mailing import queue_for_order, render
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from orders.states import OrderState
from services.models import ResultKind
from tests import factories
from tests.helpers.mail_looks import Page, wrongs
from tests.helpers.mail_variants import VARIANTS, rendered
from tests.orders.test_mail_templates import EVIL, links, mail_of, words

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
MAILS = ROOT / "templates" / "emails"
LANGUAGES = ("en", "es", "ar")
# No row keeps a NUL: PostgreSQL refuses it, and what writes rows takes it out.
KEPT = EVIL.replace("\x00", "")
# Where there is nothing to name but what the sentence says.
NO_FIGURE = {"claim-denied", "claim-lapsed", "claim-of-before"}


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}


def test_every_kind_is_looked_at() -> None:
    assert {kind for kind, _make in VARIANTS.values()} == set(MailKind)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_mail_keeps_the_rules(name: str, language: str) -> None:
    message, mail = rendered(name, language)

    assert wrongs(message, mail, language, facts=0 if name in NO_FIGURE else 1) == []


# What is planted into a good mail: part, what stands there, what is put in its place, and what is said of it.
FAULTS = [
    (
        "html",
        '<a class="label"',
        '<a class="label" href="http://testserver/x">Or this</a><a class="label"',
        "label is",
    ),
    ("html", 'class="button"', 'class="knob"', "button is"),
    ("html", "<h1", "<h1></h1><h1", "headline is"),
    ("html", 'class="fact box"', 'class="box"', "fact is"),
    ("html", '<div lang="en"', "<div", "div does not say its language"),
    ("html", 'dir="ltr"', 'dir="rtl"', "does not say its language"),
    ("html", "</h1>", '</h1><img alt="">', "foreign or active: <img"),
    ("html", "border-radius:10px", "background:url(x)", "foreign or active: url("),
    ("html", "text-align:start", "text-align:left", "one-sided"),
    ("html", '<a class="link"', "<a", "a link without a class"),
    ("html", "</h1>", "</h1><p>" + "word " * 12_000 + "</p>", "too large"),
    ("html", "</h1>", "</h1>{{ x }}", "left-over"),
    ("html", "You paid €18.90 for this order.", "", "the preview is empty"),
    ("html", "You paid €18.90 for this order.", "For 354178036859789:", "a secret in the inbox's line"),
    ("html", "color:#0a6350", "color:#5ecfb0", "unreadable in light"),
    ("html", ".card { background: #18201d !important;", ".card {", "unreadable in dark"),
    ("html", ".label { color: #06251d !important; }", "", "unreadable in dark: Open your order"),
    ("html", "</h1>", "</h1><p>Only here.</p>", "not in the text: Only here."),
    ("html", "€18.90</p>", "€81.90</p>", "not in the text: €81.90"),
    ("subject", "U-", "a\nU-", "the subject is empty or breaks"),
    ("text", "http://testserver/", "http://testserver/en/", "not in the text: http"),
    ("text", "Open your order:\n", "Open your order: ", "has no line of its own"),
    ("text", "Open your order:\n", "Open your order: ", "shares its line"),
    ("text", "owed back", "owed&nbsp;back", "markup in the text"),
    ("text", "Your order: Unavailable", "Hello", "not in the text: Your order: Unavailable"),
    ("text", "Need help?", "Need help? " + "x" * 400, "a long line"),
]


@pytest.mark.parametrize(("part", "there", "planted", "said"), FAULTS)
def test_a_planted_fault_is_named(part: str, there: str, planted: str, said: str) -> None:
    message, mail = rendered("unavailable", "en")
    good: str = getattr(message, part)
    assert there in good
    if said == "the preview is empty":
        good = re.sub(r'(<div class="preview".*?>).*?(</div>)', r"\1\2", good, count=1, flags=re.DOTALL)

    found = wrongs(replace(message, **{part: good.replace(there, planted)}), mail, "en")

    assert [each for each in found if said in each]


def test_what_stands_elsewhere_in_the_text_is_named() -> None:
    message, mail = rendered("unavailable", "en")
    headline = "Your order: Unavailable\n"

    found = wrongs(replace(message, text=message.text.replace(headline, "") + headline), mail, "en")

    assert any(each.startswith("in another order in the text:") for each in found)


def test_a_preview_that_repeats_the_subject_is_named() -> None:
    message, mail = rendered("unavailable", "en")

    found = wrongs(replace(message, subject=Page(message.html).preview), mail, "en")

    assert "the preview says the subject again" in found


def test_the_result_comes_first_and_what_it_is_about_last() -> None:
    message, order = mail_of(MailKind.COMPLETED)

    for part in (message.text, words(message.html)):
        places = [part.rindex("CODE: 12345678"), part.index("Important:"), part.index("35-417803-685978-9")]
        assert places == sorted(places)
    assert f"http://testserver{order.get_absolute_url()}" in links(message.html)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (MailKind.DELAYED, {"reason": KEPT, "date": ""}),
        (MailKind.INVESTIGATION, {"answer": KEPT}),
        (MailKind.CLAIM, {"title": KEPT, "text": KEPT, "reason": KEPT, "figure": KEPT, "figure_label": KEPT}),
        (MailKind.CORRECTION, {"outcome": "replaced", "former": KEPT, "refusal": KEPT}),
        (MailKind.REPLY, {"lines": KEPT}),
        (MailKind.REFUNDED, {"amount": KEPT, "way": KEPT, "why": KEPT}),
        (MailKind.COMPLETED, {}),
        (MailKind.UNAVAILABLE, {}),
        (MailKind.NOT_FOUND, {}),
    ],
)
def test_what_comes_from_outside_is_no_markup_and_no_second_header(kind: MailKind, facts: dict[str, str]) -> None:
    order = factories.make_order(OrderState.COMPLETED)
    Order.objects.filter(pk=order.pk).update(supplier_note=KEPT, result=KEPT, service_name=KEPT)
    order.refresh_from_db()
    message = render(queue_for_order(order, kind, facts=facts))

    assert "<b>Sorry" not in message.html
    assert "&lt;b&gt;Sorry&lt;/b&gt; &amp;" in message.html
    assert not re.search(r"[\r\n]", message.subject)
    assert "<b>Sorry</b> &" in message.text


@pytest.mark.parametrize("kind", MailKind)
def test_what_others_wrote_hides_nothing(kind: MailKind) -> None:
    order = factories.make_order(OrderState.COMPLETED)
    Order.objects.filter(pk=order.pk).update(supplier_note=KEPT, result=KEPT, service_name=KEPT)
    order.refresh_from_db()
    facts = {"reason": KEPT, "answer": KEPT, "lines": KEPT, "why": KEPT}
    message = render(queue_for_order(order, kind, facts=facts))

    for part in (message.text, message.html):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", part)


def test_a_long_result_breaks_nothing() -> None:
    service = factories.make_service(result_kind=ResultKind.CODE)
    order = factories.make_order(OrderState.COMPLETED, service=service)
    Order.objects.filter(pk=order.pk).update(result="A" * 4_000)
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.COMPLETED))

    assert re.search(r'class="mono"[^>]*overflow-wrap:anywhere[^>]*>A{4000}<', message.html, re.DOTALL)
    assert "A" * 4_000 in message.text


def test_the_code_is_taken_whole_by_one_press() -> None:
    html = mail_of(MailKind.COMPLETED)[0].html

    code = re.search(r'<div class="mono"([^>]*)>CODE: 12345678</div>', html, re.DOTALL)
    assert code is not None
    assert "user-select:all" in code[1]
    assert "monospace" in code[1]


def test_the_colours_are_the_shops() -> None:
    def colours_of(css: str) -> set[str]:
        return set(re.findall(r"#[0-9a-f]{6}\b", css))

    tokens = colours_of((ROOT / "static" / "css" / "tokens.css").read_text())
    used = set().union(*(colours_of(page.read_text()) for page in MAILS.rglob("*.html")))

    assert used
    assert used - tokens == set()
