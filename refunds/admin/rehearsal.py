"""Rehearsals of refund rules: what would change, how far it has come, which decisions would differ, and publishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from refunds import policy_versions, publishing, rehearsing
from refunds.admin.policy_version import PREPARE, TABLE, changes_table
from refunds.models import Rehearsal, RehearsalDifference, Source
from refunds.policy_forms import PublishForm, PublishWithoutForm, ReasonForm
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Table, change_url, moment, moment_column
from unlockshop.kernel.work import WorkState

PUBLISH: Final = "refunds.add_policyversion"
SEE: Final = ("refunds.view_policyversion", PUBLISH)
CSV: Final = "refunds_rehearsal_csv"
MOST_SHOWN: Final = 100
ASKED = moment_column("asked_at", gettext_lazy("Asked for"))
Data = Mapping[str, Any]


def _publish(row: Rehearsal, data: Data, actor: Actor) -> str:
    version = publishing.publish(
        row.pk, version=data["called"], reason=data["reason"], without=data.get("without", ""), actor=actor
    )
    return _("Published. New orders are made under %(row)s.") % {"row": version}


def _go_on(row: Rehearsal, _data: Data, _actor: Actor) -> str:
    rehearsing.go_on(row.pk)
    return _("It goes on where it stopped.")


def _is_open_to(row: Rehearsal) -> bool:
    return row.published_id is None and publishing.is_current(row)


ACTIONS: Final = (
    StaffAction(
        "publish",
        gettext_lazy("Publish"),
        gettext_lazy("Puts exactly what this page shows in force, for new orders."),
        PublishForm,
        lambda row: row.work_state == WorkState.DONE and _is_open_to(row),
        _publish,
    ),
    StaffAction(
        "publish-without",
        gettext_lazy("Publish without waiting"),
        gettext_lazy("The rehearsal has not ended: say why it cannot be waited for."),
        PublishWithoutForm,
        lambda row: row.work_state != WorkState.DONE and _is_open_to(row),
        _publish,
        is_danger=True,
    ),
    StaffAction(
        "go-on",
        gettext_lazy("Go on"),
        gettext_lazy("It came to a stop; it goes on where it was."),
        ReasonForm,
        lambda row: row.work_state == WorkState.NEEDS_STAFF,
        _go_on,
    ),
)


@admin.register(Rehearsal)
class RehearsalAdmin(RecordAdmin):
    """What was tried before it was published, or instead. Whoever may read the versions may read these."""

    list_display = ("__str__", "state_shown", "found_shown", ASKED, "asked_by", "published")
    list_filter = ("name",)
    list_select_related = ("published",)
    staff_actions = ACTIONS

    def get_urls(self) -> list[URLPattern]:
        """The ordinary addresses, and that of the table."""
        route = path("<path:object_id>/csv/", self.admin_site.admin_view(self.csv_view), name=CSV)
        return [route, *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may read or publish versions."""
        return any(request.user.has_perm(right) for right in SEE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The same."""
        return self.has_view_permission(request)

    def may_act(self, request: HttpRequest) -> bool:
        """Whoever may publish versions."""
        return bool(request.user.has_perm(PUBLISH))

    def _right(self) -> str:
        return PUBLISH

    def version_of(self, obj: Rehearsal) -> str:
        """Changes as it ends or is published; while it runs, the numbers stay what was read."""
        return f"{obj.work_state == WorkState.DONE} {obj.fingerprint} {obj.published_id}"

    def csv_view(self, request: HttpRequest, object_id: str) -> StreamingHttpResponse:
        """The differing decisions as a table."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        answer = StreamingHttpResponse(rehearsing.table(row), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="rehearsal-{row.pk}.csv"'
        answer["X-Content-Type-Options"] = "nosniff"
        return answer

    @display(description=gettext_lazy("State"))
    def state_shown(self, row: Rehearsal) -> str:
        """How far it is."""
        return _state(row)[0]

    @display(description=gettext_lazy("Found"))
    def found_shown(self, row: Rehearsal) -> str:
        """The sentence, once it has ended."""
        return rehearsing.sentence(row) if row.work_state == WorkState.DONE else "—"

    def headline(self, obj: Rehearsal) -> Cell:
        """State and sentence."""
        text, tone = _state(obj)
        if obj.work_state != WorkState.DONE:
            return Cell(text, tone=tone, hint=_("Nothing is published or decided by it."))
        return Cell(text, tone=tone, hint=f"{rehearsing.sentence(obj)} {rehearsing.scenario_sentence(obj)}")

    def action_facts(self, obj: Rehearsal) -> Sequence[Fact]:
        """What one publishes, and what it would mean."""
        found = rehearsing.sentence(obj) if obj.work_state == WorkState.DONE else _progress(obj)
        return [Fact(_("Follows"), Cell(f"{obj.name} {obj.base}", is_code=True)), Fact(_("Rehearsal"), Cell(found))]

    def facts(self, request: HttpRequest, obj: Rehearsal) -> Sequence[Facts]:
        """The draft and the work."""
        change = f"{reverse(f'admin:{PREPARE}')}?rehearsal={obj.pk}"
        published = Cell(str(obj.published), change_url(obj.published)) if obj.published else Cell("—")
        draft = [
            Fact(_("Follows"), Cell(f"{obj.name} {obj.base}", is_code=True)),
            Fact(_("Asked for"), Cell(f"{moment(obj.asked_at)}, {obj.asked_by}")),
            Fact(_("Why"), Cell(obj.reason or "—")),
            Fact(_("Published as"), published),
            *([Fact(_("Not waited for"), Cell(obj.published_without))] if obj.published_without else []),
        ]
        if self.may_act(request) and not obj.published_id:
            draft.append(Fact(_("Other numbers"), Cell(_("Change them and compare again"), change)))
        done = [
            Fact(_("Decided"), Cell(_progress(obj))),
            Fact(_("Began"), Cell(moment(obj.begun_at) or "—")),
            Fact(_("Ended"), Cell(moment(obj.ended_at) or "—")),
            Fact(_("Trouble"), Cell(obj.last_error or "—", tone="danger" if obj.last_error else "")),
        ]
        if obj.is_open:
            done.append(Fact(_("This page"), Cell(_("See how far it is now"), change_url(obj))))
        done.append(
            Fact(_("Table"), Cell(_("All differing decisions as CSV"), reverse(f"admin:{CSV}", args=[obj.pk])))
        )
        return [Facts(_("Draft"), draft), Facts(_("Rehearsal"), done)]

    def sections(self, request: HttpRequest, obj: Rehearsal) -> Sequence[Section]:
        """What would change, how many would differ, and which."""
        try:
            changes = policy_versions.differences(*rehearsing.versions_of(obj))
        except Refused as refused:
            note, changes = str(refused), []
        else:
            note = "" if publishing.is_current(obj) else _("Another version has come into force since.")
        found = rehearsing.differences(obj, MOST_SHOWN)
        more = obj.figure("differ", *Source) - len(found)
        words = _("%(count)s more are not shown; the table has up to 5,000.") % {"count": more} if more > 0 else ""
        return [
            Section(_("What would change"), TABLE, changes_table(changes), note=note),
            Section(_("How many decisions would differ"), TABLE, _figures(obj)),
            Section(_("Which decisions would differ"), TABLE, _differing(found), note=words),
        ]


def _state(row: Rehearsal) -> tuple[str, str]:
    if row.work_state == WorkState.DONE:
        return _("Ended"), "success"
    if row.work_state == WorkState.NEEDS_STAFF:
        return _("Came to a stop"), "danger"
    return (_("Under way"), "info") if row.begun_at else (_("Waits for a worker"), "neutral")


def _progress(row: Rehearsal) -> str:
    if row.begun_at is None:
        return _("not begun")
    return _("%(taken)s of %(planned)s decisions") % {"taken": row.taken, "planned": row.planned}


def _figures(row: Rehearsal) -> Table:
    names = ("there_are", "to_take", "taken", "differ", "graver", "stopped")
    rows = [[Cell(source.label), *(Cell(row.figure(name, source)) for name in names)] for source in Source]
    headers = [
        _("What"), _("There are"), _("To be decided twice, the newest"), _("Decided"), _("Would differ"),
        _("In decision or money"), _("Would no longer be as expected"),
    ]  # fmt: skip
    return Table(headers, rows)


def _differing(found: Sequence[RehearsalDifference]) -> Table:
    rows = [
        [
            Cell(each.get_source_display()),
            Cell(each.name, _address(each)),
            *(Cell("; ".join(part[place] for part in each.parts)) for place in range(3)),
        ]
        for each in found
    ]
    return Table([_("What"), _("Which"), _("What differs"), _("Until now"), _("New")], rows, _("None differs."))


def _address(each: RehearsalDifference) -> str:
    row = each.claim or each.order
    return change_url(row) if row else ""
