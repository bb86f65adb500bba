"""Users are made and changed by e-mail; nobody gives themselves more rights than they have."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from tests import factories
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NEW = {
    "email": "New@Example.com",
    "name": "New",
    "usable_password": "true",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture
def manager(sign_in):
    """May change users, but not everything."""
    user = factories.make_staff("manager@example.com", superuser=False)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    return sign_in(user)


def test_user_is_added_by_email_in_lower_case(admin):
    assert admin.get(list_url(User) + "add/").status_code == 200
    assert admin.post(list_url(User) + "add/", NEW).status_code == 302
    user = User.objects.get(email="new@example.com")
    assert user.check_password(PASSWORD)
    assert not user.is_staff


def test_same_address_in_another_case_is_a_form_error(admin):
    User.objects.create_user("new@example.com")
    answer = admin.post(list_url(User) + "add/", NEW)
    assert answer.status_code == 200
    assert "already exists" in answer.content.decode()


@pytest.mark.parametrize(
    "changes", [{"email": ""}, {"email": "x"}, {"password2": "other"}, {"password1": "short", "password2": "short"}]
)
def test_wrong_values_are_form_errors(admin, changes):
    assert admin.post(list_url(User) + "add/", {**NEW, **changes}).status_code == 200
    assert User.objects.count() == 1


def test_password_is_set_on_its_own_page(admin):
    user = User.objects.create_user("new@example.com", "old")
    url = change_url(user).replace("change/", "password/")
    assert admin.get(url).status_code == 200
    admin.post(url, {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_rights_are_read_only_for_who_has_not_all(manager):
    user = User.objects.create_user("new@example.com", "old")
    form = {"email": "new@example.com", "name": "Renamed", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert manager.post(change_url(user), form).status_code == 302
    user.refresh_from_db()
    assert user.name == "Renamed"
    assert not user.is_staff
    assert not user.is_superuser


def test_nobody_takes_over_who_may_do_more(manager):
    boss = factories.make_staff("boss@example.com")
    page = manager.get(change_url(boss))
    assert page.status_code == 200
    password = change_url(boss).replace("change/", "password/")
    for url in (change_url(boss), password, change_url(boss).replace("change/", "delete/")):
        assert (
            manager.post(
                url, {"email": "mine@example.com", "password1": PASSWORD, "password2": PASSWORD, "post": "yes"}
            ).status_code
            == 403
        )
    boss.refresh_from_db()
    assert boss.email == "boss@example.com"


def test_nobody_deletes_themselves(admin):
    me = User.objects.get()
    assert admin.post(change_url(me).replace("change/", "delete/"), {"post": "yes"}).status_code == 403
