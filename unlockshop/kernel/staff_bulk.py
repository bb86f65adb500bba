"""Deciding about many rows of a staff list at once: tick them, see on a page what would be done, press the button.

The page carries each row's version, so that the domain function can refuse what has changed since it was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.staff_pages import staff_actor
from unlockshop.kernel.staff_parts import Table, Text

PROBLEMS_SHOWN = 20
Seen = Mapping[int, str]


@dataclass(slots=True)
class Report:
    """How many rows were done, and what is to be said of the others. ``notes`` go to the admin's log, by row."""

    done: int
    problems: list[str] = field(default_factory=list)
    notes: Sequence[tuple[Model, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One thing that staff may do with many rows. ``do`` calls the domain function with the rows as they were seen."""

    name: str
    label: Text
    explanation: Text
    do: Callable[[Seen, Mapping[str, Any], Actor], Report]
    form: type[forms.Form] = forms.Form
    is_danger: bool = False


class BulkActionAdmin(ModelAdmin):
    """A model admin whose list offers ``bulk_actions`` to whoever may change the rows."""

    bulk_actions: Sequence[BulkAction] = ()
    bulk_limit = 500

    def may_choose(self, request: HttpRequest) -> bool:
        """Whether this person may act on rows of the model."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def bulk_version(self, obj: Any) -> str:
        """Changes whenever a decision about the row may have become stale."""
        return str(obj.pk)

    def bulk_versions(self, rows: Sequence[Any]) -> dict[int, str]:
        """``bulk_version`` of each row."""
        return {row.pk: self.bulk_version(row) for row in rows}

    def bulk_table(self, action: BulkAction, rows: Sequence[Any]) -> Table:
        """What the page shows of the rows."""
        raise NotImplementedError

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The usual ones and the bulk actions."""
        actions: dict[str, Any] = super().get_actions(request)
        if self.may_choose(request):
            for action in self.bulk_actions:
                actions[action.name] = (partial(type(self).bulk_action_view, action=action), action.name, action.label)
        return actions

    def bulk_action_view(
        self, request: HttpRequest, queryset: QuerySet[Model], *, action: BulkAction
    ) -> HttpResponse | None:
        """Show what would be done; then do it."""
        if "confirmed" not in request.POST:
            return self._first_page(request, queryset, action)
        seen = _seen(request.POST.getlist("seen"))
        form = action.form(request.POST)
        if not form.is_valid():
            rows = queryset.model._default_manager.filter(pk__in=seen)  # noqa: SLF001 - the model's documented API
            return self._page(request, action, form, list(rows), seen)
        try:
            report = action.do(seen, form.cleaned_data, staff_actor(request))
        except ShopError as error:
            messages.error(request, _("Not done: %(reason)s") % {"reason": error})
        else:
            for row, text in report.notes:
                self.log_change(request, row, text)
            _tell(request, action, report)
        return HttpResponseRedirect(request.get_full_path())

    def _first_page(self, request: HttpRequest, queryset: QuerySet[Model], action: BulkAction) -> HttpResponse | None:
        rows = list(queryset[: self.bulk_limit + 1])
        if len(rows) > self.bulk_limit:
            text = _("At most %(count)d at a time: narrow the list with a filter or the search.")
            messages.error(request, text % {"count": self.bulk_limit})
            return None
        return self._page(request, action, action.form(), rows, self.bulk_versions(rows))

    def _page(
        self, request: HttpRequest, action: BulkAction, form: forms.Form, rows: Sequence[Any], seen: Seen
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": action.label,
            "action": action,
            "form": form,
            "count": len(rows),
            "table": self.bulk_table(action, rows),
            "seen": [f"{pk}:{version}" for pk, version in seen.items()],
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "back_url": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/bulk_action.html", context, status=422 if form.errors else 200)


def _seen(values: Sequence[str]) -> dict[int, str]:
    """Row ids with their versions, as the page sent them; what is no such pair is dropped."""
    pairs = (value.partition(":") for value in values)
    return {int(pk): version for pk, _colon, version in pairs if pk.isascii() and pk.isdigit() and len(pk) < 19}


def _tell(request: HttpRequest, action: BulkAction, report: Report) -> None:
    if report.done:
        text = ngettext("%(label)s: %(count)d row.", "%(label)s: %(count)d rows.", report.done)
        messages.success(request, text % {"label": action.label, "count": report.done})
    elif not report.problems:
        messages.warning(request, _("Nothing was done."))
    for problem in report.problems[:PROBLEMS_SHOWN]:
        messages.error(request, problem)
    if len(report.problems) > PROBLEMS_SHOWN:
        more = _("… and %(count)d more that were not done.")
        messages.error(request, more % {"count": len(report.problems) - PROBLEMS_SHOWN})
