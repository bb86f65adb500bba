"""Staff prepare a version of the refund rules, read what it changes and decides otherwise, and publish that."""

from __future__ import annotations

import re

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from refunds import calling_off, rehearsing, trying_out
from refunds.models import PolicyVersion, Rehearsal
from refunds.policy.measures import measured
from tests import factories
from tests.refunds.claims import SAM, claimed, paid_order
from unlockshop.kernel.staff_parts import change_url, list_url

FORM = "/admin/refunds/policyversion/prepare/"


def answers(**changes):
    numbers = {measure.path.replace(".", "-"): value for measure, value in measured(calling_off.in_force().numbers)}
    return {"version": "2026-12-a", "reason": "Customers need longer.", "base": "2026-11", **numbers, **changes}


def at(row: Rehearsal) -> str:
    return change_url(row).removesuffix("change/")


def prepared(admin, **changes) -> Rehearsal:
    sent = admin.post(FORM, answers(**changes))
    row = Rehearsal.objects.first()
    assert (sent.status_code, sent.url) == (302, change_url(row))
    return row


def publish(admin, row: Rehearsal, button: str = "publish", **values):
    address = f"{at(row)}do/{button}/"
    page = admin.get(address).content.decode()
    seen = re.search(r'name="version"[^>]* value="([^"]+)"', page)
    data = {"called": "2026-12-a", "reason": "Customers need longer.", "version": seen[1] if seen else "", **values}
    return admin.post(address, data, follow=True)


def test_compare_rehearse_then_publish(admin):
    claimed(paid_order())
    assert 'value="180"' in admin.get(FORM).content.decode()

    row = prepared(admin, **{"claims-request_days": 200})

    text = admin.get(change_url(row)).content.decode()
    assert "until the end of the 180th day" in text
    assert "until the end of the 200th day" in text
    assert "DSIM-HOURS-3" not in text
    assert "Waits for a worker" in text
    assert "See how far it is now" in text
    assert "/do/publish/" not in text
    trying_out.carry_on(row.pk)
    text = admin.get(change_url(row)).content.decode()
    assert "1 of 1 past decisions would differ." in text
    assert "Past claims" in text
    assert "See how far it is now" not in text
    assert not PolicyVersion.objects.exists()

    done = publish(admin, row).content.decode()

    version = PolicyVersion.objects.get()
    assert "New orders are made under default 2026-12-a" in done
    assert calling_off.in_force().numbers.claims.request_days == 200
    assert version.changes == {"claims.request_days": 200}
    assert "Customers need longer." in LogEntry.objects.get().change_message
    record = admin.get(change_url(version)).content.decode()
    assert "until the end of the 200th day" in record
    assert "/terms/refunds/default/2026-12-a/" in record
    assert change_url(row) in record
    assert "1 of 1 past decisions would differ." in record
    assert "/do/publish" not in admin.get(change_url(row)).content.decode()


def test_which_decisions_would_differ_and_their_table(admin):
    claim = claimed(paid_order())
    row = prepared(admin, **{"claims-request_days": 60})
    trying_out.carry_on(row.pk)

    page = admin.get(change_url(row)).content.decode()

    assert change_url(claim) in page
    assert "D_REQUEST_WINDOW_EXPIRED" in page
    assert "scenarios would differ" in page
    table = admin.get(f"{at(row)}csv/")
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in table["Content-Disposition"]
    assert claim.order.number in b"".join(table.streaming_content).decode()
    assert admin.get("/admin/refunds/rehearsal/999999/csv/").status_code == 404


def test_what_has_not_ended_is_published_only_with_a_reason(admin):
    row = prepared(admin, **{"claims-request_days": 200})

    assert "was not done" in publish(admin, row).content.decode()
    assert not PolicyVersion.objects.exists()
    assert publish(admin, row, "publish-without").status_code == 422
    assert not PolicyVersion.objects.exists()

    publish(admin, row, "publish-without", without="The court said so.")

    version = PolicyVersion.objects.get()
    assert "The court said so." in admin.get(change_url(version)).content.decode()


def test_a_page_of_before_the_end_publishes_nothing(admin):
    """Who read that it had not ended reads what it found first."""
    row = prepared(admin, **{"claims-request_days": 200})
    page = admin.get(f"{at(row)}do/publish-without/").content.decode()
    seen = re.search(r'name="version"[^>]* value="([^"]+)"', page)[1]
    trying_out.carry_on(row.pk)

    for button in ("publish-without", "publish"):
        data = {"called": "2026-12-a", "reason": "Kinder.", "without": "Now.", "version": seen}
        assert "was not done" in admin.post(f"{at(row)}do/{button}/", data, follow=True).content.decode()
    assert not PolicyVersion.objects.exists()


def test_another_version_meanwhile_is_prepared_anew(admin):
    rows = [prepared(admin, **{"claims-request_days": days}) for days in (200, 190)]
    for row in rows:
        trying_out.carry_on(row.pk)
    publish(admin, rows[0])

    late = publish(admin, rows[1], called="2026-12-b").content.decode()

    assert "was not done" in late
    assert "Another version has come into force since." in late
    assert PolicyVersion.objects.count() == 1
    stale = admin.post(FORM, answers(**{"claims-request_days": 190}))
    assert stale.status_code == 422
    assert "came into force meanwhile" in stale.content.decode()


def test_other_numbers_begin_with_those_that_were_tried(admin):
    row = prepared(admin, **{"claims-request_days": 200})

    page = admin.get(f"{FORM}?rehearsal={row.pk}").content.decode()

    assert 'value="200"' in page
    assert "Customers need longer." in page
    for wrong in ("999999", "x", "9" * 30):
        assert admin.get(f"{FORM}?rehearsal={wrong}").status_code == 200


def test_one_that_came_to_a_stop_goes_on(admin):
    row = prepared(admin, **{"claims-request_days": 200})
    Rehearsal.objects.update(work_state="needs_staff", next_action_at=None, last_error="its worker died")
    address = f"{at(row)}do/go-on/"
    seen = re.search(r'name="version"[^>]* value="([^"]+)"', admin.get(address).content.decode())[1]

    admin.post(address, {"reason": "Once more.", "version": seen})

    trying_out.carry_on(row.pk)
    row.refresh_from_db()
    assert row.work_state == "done"


def test_what_is_refused_says_why(admin):
    for changes, words in (
        ({"claims-request_days": 0}, "greater than or equal to 1"),
        ({"claims-request_days": "x"}, "Enter a whole number"),
        ({"claims-evidence_days": 12}, "reminders go out until then"),
        ({"reason": ""}, "This field is required"),
    ):
        answer = admin.post(FORM, answers(**changes))
        assert answer.status_code == 422, changes
        assert words in answer.content.decode()
    row = prepared(admin, **{"claims-request_days": 200})
    trying_out.carry_on(row.pk)
    refused = publish(admin, row, called="My version").content.decode()
    assert "Name the version by its month" in refused
    assert "Nothing would change." in admin.post(FORM, answers()).content.decode()
    assert not PolicyVersion.objects.exists()


def test_who_may_not_publish_does_not(support):
    row = rehearsing.ask(calling_off.in_force(), {"claims.request_days": 60}, version="", reason="", actor=SAM)
    assert support.get(FORM).status_code == 403
    assert support.post(FORM, answers()).status_code == 403
    assert support.get(list_url(PolicyVersion)).status_code == 403
    assert support.get(list_url(Rehearsal)).status_code == 403
    assert support.get(change_url(row)).status_code == 403
    assert support.get(f"{at(row)}csv/").status_code == 403


def test_who_may_read_reads_and_publishes_nothing(sign_in):
    user = factories.make_staff("reader@example.com", superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename="view_policyversion"))
    reader = sign_in(user)
    row = rehearsing.ask(calling_off.in_force(), {"claims.request_days": 60}, version="", reason="", actor=SAM)
    trying_out.carry_on(row.pk)

    page = reader.get(change_url(row)).content.decode()

    assert "past decisions would differ" in page
    assert "/do/" not in page
    assert "Change them and compare again" not in page
    assert reader.get(f"{at(row)}csv/").status_code == 200
    assert reader.get(f"{at(row)}do/publish/").status_code == 403
    data = {"called": "2026-12-a", "reason": "Mine.", "version": "x"}
    assert reader.post(f"{at(row)}do/publish/", data).status_code == 403
    assert reader.post(FORM, answers(**{"claims-request_days": 60})).status_code == 403
    assert not PolicyVersion.objects.exists()


def test_who_may_only_publish_reads_what_was_found(sign_in):
    user = factories.make_staff("publisher@example.com", superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename="add_policyversion"))
    publisher = sign_in(user)

    row = prepared(publisher, **{"claims-request_days": 200})
    trying_out.carry_on(row.pk)
    publish(publisher, row)

    assert PolicyVersion.objects.get().published_by == "publisher@example.com"
