"""Staff prepare a version of the refund rules, read each clause old and new, and publish what they read."""

from __future__ import annotations

import re

from django.contrib.admin.models import LogEntry

from refunds import calling_off
from refunds.models import PolicyVersion
from refunds.policy.measures import measured
from unlockshop.kernel.staff_parts import change_url, list_url

FORM = "/admin/refunds/policyversion/prepare/"


def answers(**changes):
    numbers = {measure.path.replace(".", "-"): value for measure, value in measured(calling_off.in_force().numbers)}
    return {"version": "2026-12-a", "reason": "Customers need longer.", "base": "2026-11", **numbers, **changes}


def shown(page) -> str:
    return re.search(r'name="shown"[^>]* value="([0-9a-f]{64})"', page.content.decode())[1]


def test_compare_then_publish(admin):
    page = admin.get(FORM).content.decode()
    assert 'value="180"' in page
    sent = answers(**{"claims-request_days": 200})

    compared = admin.post(FORM, sent)
    text = compared.content.decode()
    assert "until the end of the 180th day" in text
    assert "until the end of the 200th day" in text
    assert "180 days" in text
    assert "DSIM-HOURS-3" not in text
    assert not PolicyVersion.objects.exists()

    done = admin.post(FORM, {**sent, "shown": shown(compared)})
    row = PolicyVersion.objects.get()
    assert (done.status_code, done.url) == (302, change_url(row))
    assert calling_off.in_force().numbers.claims.request_days == 200
    assert row.changes == {"claims.request_days": 200}
    assert LogEntry.objects.get().change_message == "Customers need longer."
    record = admin.get(done.url).content.decode()
    assert "until the end of the 200th day" in record
    assert "/terms/refunds/default/2026-12-a/" in record


def test_the_comparison_says_which_decisions_would_differ(admin):
    compared = admin.post(FORM, answers(**{"claims-request_days": 60})).content.decode()

    told = re.search(r"(\d+) of (\d+) decisions would differ", compared)
    assert 0 < int(told[1]) < int(told[2])
    assert "D_REQUEST_WINDOW_EXPIRED" in compared
    assert "Past claims" in compared
    assert "decisions would differ" not in admin.get(FORM).content.decode()


def test_only_what_was_read_is_published(admin):
    compared = admin.post(FORM, answers(**{"claims-request_days": 200}))

    again = admin.post(FORM, {**answers(**{"claims-request_days": 365}), "shown": shown(compared)})

    assert again.status_code == 200
    assert "until the end of the 365th day" in again.content.decode()
    assert not PolicyVersion.objects.exists()


def test_another_version_meanwhile_is_compared_anew(admin):
    first, second = answers(**{"claims-request_days": 200}), answers(**{"claims-request_days": 190})
    pages = [admin.post(FORM, each) for each in (first, second)]
    admin.post(FORM, {**first, "shown": shown(pages[0])})

    late = admin.post(FORM, {**second, "version": "2026-12-b", "shown": shown(pages[1])})

    assert late.status_code == 200
    assert "200th day" in late.content.decode()
    assert PolicyVersion.objects.count() == 1


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
    compared = admin.post(FORM, answers(**{"claims-request_days": 200, "version": "My version"}))
    refused = admin.post(
        FORM, {**answers(**{"claims-request_days": 200, "version": "My version"}), "shown": shown(compared)}
    )
    assert refused.status_code == 422
    assert "Name the version by its month" in refused.content.decode()
    assert "Nothing would change." in admin.post(FORM, answers()).content.decode()
    assert not PolicyVersion.objects.exists()


def test_who_may_not_publish_does_not(support):
    assert support.get(FORM).status_code == 403
    assert support.post(FORM, answers()).status_code == 403
    assert support.get(list_url(PolicyVersion)).status_code == 403
