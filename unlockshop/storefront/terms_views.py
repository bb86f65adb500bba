"""The terms as published, today's and earlier ones, and the refund rules of each version clause by clause."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from refunds import calling_off, legal_notices, policy_versions
from refunds import terms as published
from refunds.policy.measures import measured
from refunds.policy.rulebook import chapters
from unlockshop.storefront.page_head import rules_head, terms_head
from unlockshop.storefront.terms_presenting import opening_hours


@require_safe
def terms(request: HttpRequest, version: str = "") -> HttpResponse:
    """One version of the terms; without ``version`` the one in force."""
    shown = published.by_version(version) if version else published.current()
    if shown is None:
        raise Http404
    rules = calling_off.in_force()
    found = {chapter.anchor: chapter for chapter in chapters(rules)}
    sections = [
        {
            "anchor": section.anchor,
            "title": section.title,
            "paragraphs": section.paragraphs,
            "links": [found[each] for each in section.chapters if each in found],
        }
        for section in shown.sections
    ]
    context = {
        "terms": shown,
        "sections": sections,
        "is_current": shown == published.current(),
        "versions": published.all_versions(),
        "rules": rules,
        "seo": terms_head(shown.version, is_current=shown == published.current()),
        "notices": legal_notices.in_force(),
    }
    return render(request, "storefront/terms.html", context)


@require_safe
def refund_rules(request: HttpRequest, name: str = "", version: str = "") -> HttpResponse:
    """One version of a refund profile, with every clause under its own anchor; without ``name`` the one in force."""
    current = calling_off.in_force()
    try:
        shown = policy_versions.profile(name, version) if name else current
        in_force = policy_versions.profile(shown.name)
    except KeyError:
        raise Http404 from None
    former = policy_versions.before(shown)
    is_current = (shown.name, shown.version) == (current.name, current.version)
    context = {
        "rules": shown,
        "is_current": is_current,
        "is_latest": shown.version == in_force.version,
        "chapters": chapters(shown),
        "glance": [(measure.label, measure.said(value)) for measure, value in measured(shown.numbers)],
        "hours": opening_hours(shown.numbers),
        "versions": policy_versions.history(shown.name),
        "changes": policy_versions.differences(former, shown) if former else [],
        "former": former,
        "seo": rules_head(shown.name, shown.version, is_current=is_current),
    }
    return render(request, "storefront/refund_rules.html", context)
