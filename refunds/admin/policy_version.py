"""Versions of the refund rules: which were published, and the page that prepares one and has it rehearsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from refunds import calling_off, policy_versions, rehearsing
from refunds.models import PolicyVersion, Rehearsal
from refunds.policy.profile import Profile
from refunds.policy_forms import PolicyVersionForm, initial_of
from refunds.policy_versions import ClauseChange
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
        """Ask for the numbers, and have the draft rehearsed; what it changes is read, and published, on that page."""
        if not self.has_publish_permission(request):
            raise PermissionDenied
        agreed = calling_off.in_force()
        if request.method != "POST":
            return self._page(request, PolicyVersionForm(agreed, initial=_earlier(request, agreed)))
        form = PolicyVersionForm(agreed, request.POST)
        if not form.is_valid():
            return self._page(request, form)
        data = form.cleaned_data
        if data["base"] != agreed.version:
            form.data = {**form.data, "base": agreed.version}
            form.add_error(None, _("Another version came into force meanwhile. Look at the numbers again."))
            return self._page(request, form)
        try:
            row = rehearsing.ask(
                agreed, form.changes, version=data["version"], reason=data["reason"], actor=staff_actor(request)
            )
        except Refused as refused:
            form.add_error(None, str(refused))
            return self._page(request, form)
        return HttpResponseRedirect(change_url(row))

    def facts(self, request: HttpRequest, obj: PolicyVersion) -> Sequence[Facts]:
        """Who published it, when and why."""
        address = reverse("refund-rules-version", args=[obj.name, obj.version])
        rows = [
            Fact(_("Rules"), Cell(str(obj), address, is_code=True)),
            Fact(_("In force before"), Cell(obj.base, is_code=True)),
            Fact(_("Published"), Cell(f"{moment(obj.published_at)}, {obj.published_by}")),
            Fact(_("Why"), Cell(obj.reason)),
            Fact(_("Rehearsed"), _rehearsed(obj)),
            Fact(_("Fingerprint"), Cell(obj.fingerprint, is_code=True)),
        ]
        return [Facts(_("Version"), rows)]

    def sections(self, request: HttpRequest, obj: PolicyVersion) -> Sequence[Section]:
        """What it changed."""
        old = policy_versions.profile(obj.name, obj.base)
        new = policy_versions.profile(obj.name, obj.version)
        return [Section(_("What it changed"), TABLE, changes_table(policy_versions.differences(old, new)))]

    def _page(self, request: HttpRequest, form: PolicyVersionForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Prepare a new version"),
            "form": form,
            "agreed": form.agreed,
            "back_url": list_url(PolicyVersion),
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/prepare_policy.html", context, status=status)


def _earlier(request: HttpRequest, agreed: Profile) -> dict[str, Any]:
    """What was typed for an earlier rehearsal, to be changed."""
    asked = request.GET.get("rehearsal", "")
    row = Rehearsal.objects.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 18 else None
    if row is None or row.name != agreed.name:
        return {}
    return {"version": row.version, "reason": row.reason, **initial_of(row.changes)}


def changes_table(changes: Iterable[ClauseChange]) -> Table:
    """Numbers and clauses, old and new."""
    rows = [[Cell(each.id), Cell(each.old or "—"), Cell(each.new or "—")] for each in changes]
    return Table([_("Number or clause"), _("Until now"), _("New")], rows)


def _rehearsed(obj: PolicyVersion) -> Cell:
    """What was known of past decisions when it was published."""
    row = Rehearsal.objects.filter(published=obj).first()
    if row is None:
        return Cell("—")
    if row.published_without:
        return Cell(_("not waited for: %(why)s") % {"why": row.published_without}, change_url(row), tone="warning")
    return Cell(rehearsing.sentence(row), change_url(row))
