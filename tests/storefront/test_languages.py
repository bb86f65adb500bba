"""The address decides the language; every text a customer meets is translated, and the translations fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from orders import mailing, wording
from orders.models import OutgoingMail, Purchase
from orders.models.mail import MailKind
from payments import collecting
from payments.models import Payment
from tests import factories
from tests.conftest import MONDAY
from tests.helpers import messages

pytestmark = pytest.mark.django_db
OTHERS = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_fits(language):
    catalog = messages.catalog(language)
    wrong = []

    for text, places in messages.wanted(language).items():
        context, single, plural = text
        found = catalog.get(single, context or None)
        if found is None or found.fuzzy or isinstance(found.string, tuple) != bool(plural):
            wrong.append(f"{places[0]}: {single!r} is not translated")
        else:
            mistakes = messages.mistakes(text, found.string, plurals=catalog.num_plurals)
            wrong += [f"{places[0]}: {single!r} {mistake}" for mistake in mistakes]

    assert not wrong, "make messages-update adds new texts to the .po files:\n" + "\n".join(wrong)


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_fuzzy_or_left_over(language):
    wanted = messages.wanted(language)
    known = {single for _context, single, _plural in wanted}

    wrong = [
        each.id
        for each in messages.catalog(language)
        if each.id and (each.fuzzy or (each.id[0] if isinstance(each.id, tuple) else each.id) not in known)
    ]

    assert not wrong, "make messages-update drops texts that are gone"


def test_no_text_stands_both_alone_and_for_a_number():
    """Old versions of the interpreter find such an entry for a number only."""
    assert messages.told_apart_by_nothing() == []


@pytest.mark.parametrize("language", list(messages.PROOF))
def test_the_files_of_a_language_that_is_translated_in_part_are_there(language):
    files = {path.relative_to(messages.ROOT).as_posix() for path in messages.customer_files()}

    assert set(messages.PROOF[language]) <= files


@pytest.mark.parametrize(
    ("text", "translation_", "complaint"),
    [
        (("", "Pay %(total)s", None), "Pagar %(total)s", None),
        (("", "Pay %(total)s", None), "", "is not translated"),
        (("", "Pay %(total)s", None), "Pagar", "placeholders"),
        (("", "Pay %(total)s", None), "Pagar %(sum)s", "placeholders"),
        (("", "Line %d", None), "Línea %s", "placeholders"),
        (("", "To <b>%(it)s</b>", None), "A %(it)s", "markup"),
        (("", "One", "%(count)d things"), ("Una", "%(count)d cosas"), None),
        (("", "One", "%(count)d things"), ("Una", "cosas"), "placeholders"),
        (("", "One", "%(count)d things"), ("Una",), "needs 2 forms"),
        (("", "One", "%(count)d things"), ("Una", ""), "is not translated"),
    ],
)
def test_a_translation_that_does_not_fit_is_named(text, translation_, complaint):
    found = messages.mistakes(text, translation_, plurals=2)

    assert len(found) == (1 if complaint else 0)
    assert complaint is None or complaint in found[0]


def test_texts_are_found_in_templates_and_code_and_those_of_staff_are_not(tmp_path):
    template = tmp_path / "page.html"
    template.write_text(
        '{% load i18n %}\n  {% translate "It\'s (here)" %}{% translate "Order" context "sorting" %}\n'
        "{% blocktranslate count n=n %}{{ n }} (one){% plural %}{{ n }} many{% endblocktranslate %}"
    )
    (tmp_path / "models").mkdir()
    code = tmp_path / "models" / "thing.py"
    code.write_text(
        'KIND = _("Unlock")\nfield = Field(help_text=_("For staff."))\n'
        'E = EventKind(_("Staff read this."), _("Paid."))\nngettext("one", "more", n)\n'
        "class Thing:\n    class Meta:\n        verbose_name = _('thing')\n"
    )

    in_template = [text for text, _line in messages.texts_of(template)]
    in_code = [text for text, _line in messages.texts_of(code)]

    assert in_template == [
        ("", "It's (here)", None),
        ("sorting", "Order", None),
        ("", "%(n)s (one)", "%(n)s many"),
    ]
    assert in_code == [("", "Unlock", None), ("", "Paid.", None), ("", "one", "more")]


def test_the_address_alone_decides_the_language(client):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"

    english = client.get("/", headers={"Accept-Language": "es"})
    spanish = client.get("/es/", headers={"Accept-Language": "en"})

    assert '<html lang="en"' in english.text
    assert "Use your phone on any network" in english.text
    assert '<html lang="es"' in spanish.text
    assert "Use su teléfono en cualquier red" in spanish.text
    assert spanish["Content-Language"] == "es"
    assert "Accept-Language" not in english.get("Vary", "")


def test_arabic_runs_from_right_to_left(client):
    page = client.get("/ar/").text

    assert re.search(r'<html lang="ar"\s+dir="rtl"', page)
    assert "استخدموا هاتفكم على أي شبكة" in page


@pytest.mark.parametrize("path", ["/healthz", "/admin/login/"])
def test_machines_and_staff_have_one_address(client, path):
    assert client.get(path).status_code == 200
    assert client.get(f"/es{path}").status_code == 404


@pytest.mark.parametrize("path", ["/en/", "/en/services/", "/de/services/", "/es/nothing-here/"])
def test_an_address_in_no_language_of_ours_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_an_error_page_speaks_the_language_of_its_address(client):
    page = client.get("/es/nothing-here/").text

    assert "No hay nada en esta dirección" in page
    assert 'href="/es/services/"' in page
    assert 'href="/ar/"' in page


def test_the_menu_leads_to_the_same_page_with_its_query(client):
    page = client.get("/es/services/?q=iphone&sort=price").text

    links = re.findall(r'<a class="target"\s+href="([^"]*)"\s+lang="(\w+)"\s+hreflang="(\w+)"', page)

    assert links == [
        ("/services/?q=iphone&amp;sort=price", "en", "en"),
        ("/ar/services/?q=iphone&amp;sort=price", "ar", "ar"),
    ]
    assert '<span lang="es" aria-current="true">Español</span>' in page


def test_the_menu_repeats_no_device_that_was_asked_for(client):
    page = client.get("/order-status-tracker/?q=356938030000005").text

    assert 'href="/es/order-status-tracker/"' in page
    assert "356938030000005" not in page


def test_search_engines_find_public_pages_in_every_language(client):
    home = client.get("/es/").text
    tracker = client.get("/es/order-status-tracker/").text

    assert re.findall(r'<link rel="alternate" hreflang="([\w-]+)" href="([^"]*)">', home) == [
        ("en", "http://testserver/"),
        ("es", "http://testserver/es/"),
        ("ar", "http://testserver/ar/"),
        ("x-default", "http://testserver/"),
    ]
    assert 'hreflang="x-default"' not in tracker


def test_the_language_leaves_the_currency_alone(client):
    client.cookies["currency"] = "JPY"

    assert client.get("/es/").context["currency"] == client.get("/").context["currency"] == "JPY"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "23 Nov 2026, 12:00 UTC"),
        ("es", "23 nov 2026, 12:00 UTC"),
        ("ar", "23 نوفمبر 2026, 12:00 UTC"),
    ],
)
def test_times_are_written_as_the_language_writes_them(language, words):
    with translation.override(language):
        assert wording.time_words(MONDAY) == words


def test_mails_and_payment_page_keep_the_language_of_the_purchase(monday):
    purchase = factories.make_purchase(paid=True)
    Purchase.objects.filter(pk=purchase.pk).update(language="es")
    mail = OutgoingMail.objects.get(purchase=purchase, kind=MailKind.CONFIRMATION)
    order = purchase.orders.get()

    message = mailing.render(mail)

    assert message.subject == f"{order.number}: gracias, su pedido está pagado"
    assert f"{settings.BASE_URL}/es/orders/{order.secret}/" in message.html
    assert f"{settings.BASE_URL}/es/order-status-tracker/" in message.html
    assert "Qué pasa ahora" in message.text


def test_the_way_back_from_the_payment_page_is_the_same_in_every_process(bank):
    purchase = factories.make_purchase()
    Purchase.objects.filter(pk=purchase.pk).update(language="es")
    purchase.refresh_from_db()
    payment = Payment(purchase=purchase, currency="EUR", amount=purchase.total, key="k")
    orders = list(purchase.orders.all())

    with translation.override("ar"):
        asked_in_arabic = collecting._request(purchase, orders, payment)
    asked_in_english = collecting._request(purchase, orders, payment)

    assert asked_in_arabic == asked_in_english
    assert asked_in_english.success_url == f"{settings.BASE_URL}/es/purchases/{purchase.secret}/return/"


@pytest.mark.parametrize(
    "style", sorted((Path(settings.BASE_DIR) / "static" / "css").glob("*.css")), ids=lambda p: p.name
)
def test_styles_know_no_left_and_right(style):
    rules = re.sub(r"/\*.*?\*/", "", style.read_text(), flags=re.DOTALL)

    assert not re.findall(r"(?:margin|padding|border|inset)-(?:left|right)|(?<![\w-])(?:left|right)\s*:", rules)
    assert not re.findall(r"text-align:\s*(?:left|right)|float:\s*(?:left|right)", rules)
