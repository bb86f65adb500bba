"""Versions of the refund rules: which were published, and the page that prepares, compares and publishes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from refunds import calling_off, policy_versions, rehearsing
from refunds.models import PolicyVersion
from refunds.policy.profile import Profile
from refunds.policy_forms import PolicyVersionForm
from refunds.policy_versions import ClauseChange
from refunds.rehearsing import Rehearsal, Source
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import RecordAdmin, staff_actor
from unlockshop.kernel.staff_parts import (
    Cell,
    Fact,
    Facts,
    Section,
    Table,
    change_url,
    list_url,
    moment,
    moment_column,
)

PREPARE: Final = "refunds_policyversion_prepare"
TABLE: Final = "admin/parts/table.html"
MOST_SHOWN: Final = 100
PUBLISHED = moment_column("published_at", gettext_lazy("Published"))


@admin.register(PolicyVersion)
class PolicyVersionAdmin(RecordAdmin):
    """What was published, by whom, and what each version changed. Nothing here is ever edited."""

    list_display = ("__str__", "base", PUBLISHED, "published_by", "reason")
    list_filter = ("name",)
    search_fields = ("name", "version", "reason")
    search_help_text = gettext_lazy("Profile, version or reason")
    actions_list = ("prepare_link",)

    def get_urls(self) -> list[URLPattern]:
        """The ordinary addresses, and that of the page that prepares a version."""
        route = path("prepare/", self.admin_site.admin_view(self.prepare), name=PREPARE)
        return [route, *super().get_urls()]

    @action(description=gettext_lazy("Prepare a new version"), url_path="to-prepare", permissions=["publish"])
    def prepare_link(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse(f"admin:{PREPARE}"))

    def has_publish_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Whoever may add versions."""
        return bool(request.user.has_perm("refunds.add_policyversion"))

    def prepare(self, request: HttpRequest) -> HttpResponse:
        """Ask for the numbers; show each clause old and new and which decisions differ; publish what was shown."""
        if not self.has_publish_permission(request):
            raise PermissionDenied
        agreed = calling_off.in_force()
        if request.method != "POST":
            return self._page(request, PolicyVersionForm(agreed))
        form = PolicyVersionForm(agreed, request.POST)
        if not form.is_valid():
            return self._page(request, form)
        data = form.cleaned_data
        try:
            new = policy_versions.draft(agreed, form.changes, version=data["version"])
            if data["base"] != agreed.version or data["shown"] != new.fingerprint():
                return self._page(request, form, new)
            row = policy_versions.publish_version(
                agreed.name, form.changes, version=data["version"], base=data["base"], reason=data["reason"],
                actor=staff_actor(request),
            )  # fmt: skip
        except Refused as refused:
            form.add_error("version" if refused.code == "version" else None, str(refused))
            return self._page(request, form)
        self.log_addition(request, row, row.reason)
        messages.success(request, _("Published. New orders are made under %(row)s.") % {"row": row})
        return HttpResponseRedirect(change_url(row))

    def facts(self, request: HttpRequest, obj: PolicyVersion) -> Sequence[Facts]:
        """Who published it, when and why."""
        address = reverse("refund-rules-version", args=[obj.name, obj.version])
        rows = [
            Fact(_("Rules"), Cell(str(obj), address, is_code=True)),
            Fact(_("In force before"), Cell(obj.base, is_code=True)),
            Fact(_("Published"), Cell(f"{moment(obj.published_at)}, {obj.published_by}")),
            Fact(_("Why"), Cell(obj.reason)),
            Fact(_("Fingerprint"), Cell(obj.fingerprint, is_code=True)),
        ]
        return [Facts(_("Version"), rows)]

    def sections(self, request: HttpRequest, obj: PolicyVersion) -> Sequence[Section]:
        """What it changed."""
        old = policy_versions.profile(obj.name, obj.base)
        new = policy_versions.profile(obj.name, obj.version)
        return [Section(_("What it changed"), TABLE, _table(policy_versions.differences(old, new)))]

    def _page(self, request: HttpRequest, form: PolicyVersionForm, new: Profile | None = None) -> HttpResponse:
        changes = policy_versions.differences(form.agreed, new) if new else []
        if new is not None:
            # What is sent next is what this page shows.
            form.data = {**form.data, "shown": new.fingerprint(), "base": form.agreed.version}
        rehearsal = rehearsing.rehearse(form.agreed, new) if new and changes else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Prepare a new version"),
            "form": form,
            "agreed": form.agreed,
            "data": _table(changes) if changes else None,
            "rehearsal": rehearsal,
            "looked_at": _looked_at(rehearsal) if rehearsal else None,
            "differing": _differing(rehearsal) if rehearsal else None,
            "left_out": max(0, len(rehearsal.differing) - MOST_SHOWN) if rehearsal else 0,
            "nothing_changes": new is not None and not changes,
            "back_url": list_url(PolicyVersion),
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/prepare_policy.html", context, status=status)


def _table(changes: Iterable[ClauseChange]) -> Table:
    rows = [[Cell(each.id), Cell(each.old or "—"), Cell(each.new or "—")] for each in changes]
    return Table([_("Number or clause"), _("Until now"), _("New")], rows)


def _looked_at(rehearsal: Rehearsal) -> Table:
    differ = Counter(each.source for each in rehearsal.differing)
    graver = Counter(each.source for each in rehearsal.differing if each.is_another)
    rows = [
        [
            Cell(source.label),
            Cell(rehearsal.there_are[source]),
            Cell(rehearsal.taken[source]),
            Cell(differ[source]),
            Cell(graver[source]),
        ]
        for source in Source
    ]
    headers = [
        _("What"), _("There are"), _("Decided twice, the newest"), _("Would differ"), _("In decision or money"),
    ]  # fmt: skip
    return Table(headers, rows)


def _differing(rehearsal: Rehearsal) -> Table:
    rows = [
        [
            Cell(each.source.label),
            Cell(each.name, change_url(each.row) if each.row else ""),
            Cell("; ".join(change.part for change in each.changes)),
            Cell("; ".join(change.old for change in each.changes)),
            Cell("; ".join(change.new for change in each.changes)),
        ]
        for each in rehearsal.differing[:MOST_SHOWN]
    ]
    return Table([_("What"), _("Which"), _("What differs"), _("Until now"), _("New")], rows, _("None differs."))
