"""Stored scenarios: kept from a file or a claim, read, set aside, and taken out as a file again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from refunds import stored_scenarios
from refunds.models import StoredScenario
from refunds.policy_forms import KeepScenariosForm, ReasonForm, ScenarioFileForm
from refunds.stored_scenarios import Offer, Standing
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction, staff_actor
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

LOAD: Final = "refunds_storedscenario_load"
EXPORT: Final = "refunds_storedscenario_export"
MOST_SHOWN: Final = 200
KEPT = moment_column("kept_at", gettext_lazy("Kept"))
TONES: Final = {Standing.NEW: "success", Standing.CHANGED: "warning", Standing.UNCHANGED: "neutral"}


def _set(is_active: bool) -> Any:
    def do(row: StoredScenario, data: Mapping[str, Any], actor: Actor) -> str:
        stored_scenarios.set_active(row.pk, is_active, reason=data["reason"], actor=actor)
        return _("It counts again.") if is_active else _("It is set aside.")

    return do


@admin.register(StoredScenario)
class StoredScenarioAdmin(RecordAdmin):
    """Each change of the refund rules is rehearsed on these as well."""

    list_display = ("name", "profile", "title", "origin", "is_active", KEPT, "kept_by")
    list_filter = ("is_active", "profile", "origin")
    search_fields = ("name", "title")
    search_help_text = gettext_lazy("Name or title")
    actions_list = ("load_link", "export_link")
    staff_actions = (
        StaffAction(
            "set-aside",
            gettext_lazy("Set aside"),
            gettext_lazy("It stays on record and is decided no longer when rules are rehearsed."),
            ReasonForm,
            lambda row: row.is_active,
            _set(False),
        ),
        StaffAction(
            "take-up",
            gettext_lazy("Take up again"),
            gettext_lazy("It is decided again when rules are rehearsed."),
            ReasonForm,
            lambda row: not row.is_active,
            _set(True),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """The ordinary addresses, and those of loading and export."""
        return [
            path("load/", self.admin_site.admin_view(self.load), name=LOAD),
            path("export/", self.admin_site.admin_view(self.export), name=EXPORT),
            *super().get_urls(),
        ]

    @action(description=gettext_lazy("Load a file"), url_path="to-load", permissions=["load"])
    def load_link(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse(f"admin:{LOAD}"))

    @action(description=gettext_lazy("Export as a file"), url_path="to-export")
    def export_link(self, request: HttpRequest) -> HttpResponse:
        """To the file."""
        return HttpResponseRedirect(reverse(f"admin:{EXPORT}"))

    def has_load_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Whoever may add and change scenarios: a file may do both."""
        return request.user.has_perms(["refunds.add_storedscenario", "refunds.change_storedscenario"])

    def version_of(self, obj: StoredScenario) -> str:
        """Changes whenever it is kept anew or set aside."""
        return obj.kept_at.isoformat()

    def load(self, request: HttpRequest) -> HttpResponse:
        """Take a file, show what it would bring, and keep what was shown."""
        if not self.has_load_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, ScenarioFileForm())
        if "digest" in request.POST:
            return self._keep(request, KeepScenariosForm(request.POST))
        form = ScenarioFileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, form)
        file = form.cleaned_data["file"]
        try:
            content = file.read(stored_scenarios.MAX_BYTES + 1)
            offer = stored_scenarios.read(content)
        except Refused as refused:
            for line in str(refused).splitlines():
                form.add_error("file", line)
            return self._page(request, form)
        shown = {"content": content.decode(), "digest": offer.digest, "came_from": file.name[:200]}
        return self._page(request, KeepScenariosForm(initial=shown), offer)

    def _keep(self, request: HttpRequest, form: KeepScenariosForm) -> HttpResponse:
        offer = None
        try:
            offer = stored_scenarios.read(form.data.get("content", "").encode())
            if form.is_valid():
                data = form.cleaned_data
                kept = stored_scenarios.keep(
                    data["content"].encode(), digest=data["digest"], came_from=data["came_from"],
                    reason=data["reason"], actor=staff_actor(request),
                )  # fmt: skip
                words = {"new": kept.count(Standing.NEW), "changed": kept.count(Standing.CHANGED)}
                messages.success(request, _("Kept: %(new)s new, %(changed)s changed.") % words)
                return HttpResponseRedirect(list_url(StoredScenario))
        except (Refused, UnicodeEncodeError) as refused:
            form.add_error(None, str(refused))
            if offer is not None:
                form.data = {**request.POST.dict(), "digest": offer.digest}
        return self._page(request, form, offer)

    def export(self, request: HttpRequest) -> HttpResponse:
        """All that are kept, in the form in which they are read."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = stored_scenarios.written(StoredScenario.objects.iterator(chunk_size=500))
        answer = HttpResponse(text, content_type="application/yaml; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="scenarios.yaml"'
        answer["X-Content-Type-Options"] = "nosniff"
        return answer

    def facts(self, request: HttpRequest, obj: StoredScenario) -> Sequence[Facts]:
        """Where it came from, and whether the rules in force decide as it expects."""
        came = Cell(str(obj.claim), change_url(obj.claim)) if obj.claim else Cell(obj.came_from or "—")
        differing = stored_scenarios.disagreeing(obj)
        agrees = Cell("; ".join(map(str, differing)), tone="danger") if differing else Cell(_("yes"), tone="success")
        rows = [
            Fact(_("Scenario"), Cell(obj.name, is_code=True)),
            Fact(_("Profile"), Cell(obj.profile, is_code=True)),
            Fact(_("What it is about"), Cell(obj.title or "—")),
            Fact(_("Came from"), came),
            Fact(_("Kept"), Cell(f"{moment(obj.kept_at)}, {obj.kept_by}")),
            Fact(_("Why"), Cell(obj.reason or "—")),
            Fact(_("Counts"), Cell(_("yes") if obj.is_active else _("set aside"))),
            Fact(_("The rules in force decide as expected"), agrees),
        ]
        return [Facts(_("Scenario"), rows)]

    def sections(self, request: HttpRequest, obj: StoredScenario) -> Sequence[Section]:
        """The scenario as its file has it."""
        return [Section(_("Facts and decision"), "admin/parts/pre.html", stored_scenarios.written([obj]))]

    def _page(
        self, request: HttpRequest, form: ScenarioFileForm | KeepScenariosForm, offer: Offer | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Load scenarios"),
            "form": form,
            "offer": offer,
            "data": _table(offer) if offer else None,
            "left_out": max(0, len(offer.scenarios) - MOST_SHOWN) if offer else 0,
            "counts": {str(each): offer.count(each) for each in Standing} if offer else {},
            "back_url": list_url(StoredScenario),
        }
        return TemplateResponse(request, "admin/load_scenarios.html", context, status=422 if form.errors else 200)


def _table(offer: Offer) -> Table:
    """The first of them, those that would change something first."""
    ordered = sorted(offer.scenarios, key=lambda each: (each.standing == Standing.UNCHANGED, each.agrees))
    rows = [
        [
            Cell(each.name, is_code=True),
            Cell(each.profile),
            Cell(each.title or "—"),
            Cell(_standing(each.standing), tone=TONES[each.standing]),
            Cell(_("yes"), tone="success") if each.agrees else Cell(_("no"), tone="danger"),
        ]
        for each in ordered[:MOST_SHOWN]
    ]
    return Table(
        [_("Name"), _("Profile"), _("Title"), _("Here"), _("Decided as expected by the rules in force")], rows
    )


def _standing(standing: Standing) -> str:
    return {Standing.NEW: _("new"), Standing.CHANGED: _("changed"), Standing.UNCHANGED: _("unchanged")}[standing]
