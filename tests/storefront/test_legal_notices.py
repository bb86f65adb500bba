"""Customers in a country with a legal notice read and confirm it; what they confirmed stays with the purchase."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from orders.models import Draft, Purchase
from refunds.models import LegalNotice
from tests import factories
from tests.helpers.checkout import draft_at_check, send_check, send_details, send_device, shown_on

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]


@pytest.fixture
def notice():
    """Brazil's, in English."""
    return LegalNotice.objects.create(
        country="BR", language="en", heading="Unlocking in Brazil", text="Only <your> own phone.\n\nKeep the invoice."
    )


@pytest.fixture
def draft(client):
    """At step 2."""
    send_device(client, factories.make_service())
    return Draft.objects.get()


def details_page(client, draft, prefix=""):
    return client.get(f"{prefix}/checkout/{draft.token}/details/").text


def test_no_country_is_asked_for_where_no_notice_is_in_force(client, draft, notice):
    LegalNotice.objects.update(is_active=False)

    page = details_page(client, draft)

    assert "Country where you live" not in page


def test_only_countries_with_a_notice_are_offered(client, draft, notice):
    page = details_page(client, draft)

    assert '<option value="BR">Brazil</option>' in page
    assert "Another country" in page
    assert 'value="FR"' not in page
    assert "Unlocking in Brazil" not in page


def test_the_notice_is_shown_and_asked_for_when_its_country_is_chosen(client, draft, notice):
    page = send_details(client, draft, country="BR")

    assert page.status_code == 422
    assert "Unlocking in Brazil" in page.text
    assert "Only &lt;your&gt; own phone." in page.text
    assert "Read the notice for your country, and tick the box to go on." in page.text
    draft.refresh_from_db()
    assert not draft.contact.get("email")


def test_customers_elsewhere_order_as_before(client, draft, notice):
    assert send_details(client, draft, country="").status_code == 303
    assert send_details(client, draft, country="FR").status_code == 422


def test_what_was_confirmed_is_shown_once_more_and_frozen(client, draft, notice, bank):
    assert send_details(client, draft, country="BR", notice="on").status_code == 303
    check = client.get(f"/checkout/{draft.token}/check/").text
    send_check(client, draft)
    notice.text = "Something else."
    notice.save()

    confirmed = Purchase.objects.get().checklist

    assert "Unlocking in Brazil<br>Only &lt;your&gt; own phone." in check
    assert "Unlocking in Brazil\nOnly <your> own phone.\n\nKeep the invoice." in confirmed


@pytest.mark.parametrize("change", [{"text": "New."}, {"is_active": False}])
def test_a_notice_that_changes_before_paying_is_confirmed_anew(client, draft, notice, change):
    send_details(client, draft, country="BR", notice="on")
    LegalNotice.objects.update(**change)

    answer = client.get(f"/checkout/{draft.token}/check/")

    assert answer.status_code == 303
    assert answer["Location"] == f"/checkout/{draft.token}/details/"


def test_a_notice_for_another_country_than_the_one_that_was_named_stops_nobody(client, draft, notice):
    send_details(client, draft, country="BR", notice="on")
    LegalNotice.objects.create(country="AR", language="en", heading="Unlocking in Argentina", text="Read.")

    assert client.get(f"/checkout/{draft.token}/check/").status_code == 200


def test_who_could_not_name_the_country_of_a_new_notice_is_asked_again(client):
    draft = draft_at_check(client, factories.make_service())
    page = client.get(f"/checkout/{draft.token}/check/")
    LegalNotice.objects.create(country="BR", language="en", heading="Unlocking in Brazil", text="Read.")

    answer = client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page)})

    assert (answer.status_code, answer["Location"]) == (303, f"/checkout/{draft.token}/details/")
    assert not Purchase.objects.exists()
    assert send_details(client, draft, country="").status_code == 303
    assert client.get(f"/checkout/{draft.token}/check/").status_code == 200


def test_readers_get_the_notice_in_their_language_or_in_english(client, draft, notice):
    in_english = send_details(client, draft, country="BR").text
    spanish_page = client.get("/es/terms/").text
    LegalNotice.objects.create(country="BR", language="es", heading="Desbloqueo en Brasil", text="Solo el suyo.")

    assert "Unlocking in Brazil" in in_english
    assert "Brasil: Unlocking in Brazil" in spanish_page
    assert "Brasil: Desbloqueo en Brasil" in client.get("/es/terms/").text
    assert "Brazil: Unlocking in Brazil" in client.get("/terms/").text


def test_the_terms_say_nothing_of_notices_where_there_are_none(client):
    assert "Notices for single countries" not in client.get("/terms/").text


@pytest.mark.parametrize(
    "values",
    [
        {"country": "br", "language": "en", "heading": "A", "text": "B"},
        {"country": "BR", "language": "en", "heading": "Again", "text": "B"},
        {"country": "US", "language": "en", "heading": "", "text": "B"},
        {"country": "US", "language": "en", "heading": "A", "text": ""},
    ],
)
def test_the_database_refuses_a_notice_that_says_nothing_or_stands_twice(notice, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalNotice.objects.create(**values)


def test_staff_edit_a_notice_and_the_page_shows_it(admin_client, notice):
    form = {"country": "BR", "language": "en", "heading": "New words", "text": "Read.", "is_active": "on"}

    answer = admin_client.post(f"/admin/refunds/legalnotice/{notice.pk}/change/", form)

    assert answer.status_code == 302
    assert "Brazil: New words" in admin_client.get("/terms/").text
