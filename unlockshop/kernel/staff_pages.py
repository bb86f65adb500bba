"""What the staff pages of every app share.

``RecordAdmin`` shows rows that nobody edits: groups of facts, then sections (tables, timelines). ``StaffAction`` is
the only way in which staff change such a row: a button for what is possible now, a form that asks for a reason, and
one domain function behind it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from unlockshop.kernel import actors
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, Text, change_url


class StaffActionForm(forms.Form):
    """Base of the small forms behind staff buttons. ``version`` is the row as the person saw it."""

    version = forms.CharField(widget=forms.HiddenInput, max_length=200, required=False)

    def __init__(self, subject: Any, *args: Any, **kwargs: Any) -> None:
        self.subject = subject
        super().__init__(*args, **kwargs)
        for first in self.visible_fields()[:1]:
            first.field.widget.attrs["autofocus"] = True


def reason_field(label: Text, help_text: Text = "") -> forms.CharField:
    """A required text of at least three characters that ends up in the log."""
    return ReasonField(
        label=label,  # type: ignore[arg-type]
        help_text=help_text,  # type: ignore[arg-type]
        min_length=3,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


class ReasonField(forms.CharField):
    """Text for the log: characters that cannot be seen are dropped."""

    def to_python(self, value: Any) -> str:
        """The visible part of what was typed."""
        return visible(str(super().to_python(value) or "")).strip()


def visible(text: str) -> str:
    """``text`` without control and direction characters; line breaks stay."""
    lines = re.split(r"\r\n|\r|\n", text)
    return "\n".join("".join(c for c in line if unicodedata.category(c)[0] != "C") for line in lines)


@dataclass(frozen=True, slots=True)
class StaffAction:
    """One thing that staff may do with a row.

    ``applies`` says whether it is possible now; ``do`` calls the domain function and returns the sentence that
    reports it, or raises a ``ShopError`` whose text is shown instead.
    """

    name: str
    label: Text
    explanation: Text
    form: type[StaffActionForm]
    applies: Callable[[Any], bool]
    do: Callable[[Any, Mapping[str, Any], Actor], Text]
    is_danger: bool = False
    # A further right that it takes, such as to pay money back; without it the button is not shown.
    permission: str = ""


class StaffActionAdmin(ModelAdmin):
    """A model admin with ``staff_actions``, each on a page of its own under ``<id>/do/<name>/``."""

    staff_actions: Sequence[StaffAction] = ()
    change_form_template = "admin/acting_change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """The ordinary addresses, and that of the action pages."""
        route = path(
            "<path:object_id>/do/<slug:name>/",
            self.admin_site.admin_view(self.staff_action_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_do",
        )
        return [route, *super().get_urls()]

    def may_act(self, request: HttpRequest) -> bool:
        """Whether this person may act on rows of the model: whoever may change them."""
        return bool(request.user.has_perm(self._right()))

    def _right(self) -> str:
        return f"{self.opts.app_label}.change_{self.opts.model_name}"

    def situation(self, obj: Any) -> Any:
        """What the actions' ``applies`` looks at; by default the row."""
        return obj

    def version_of(self, obj: Any) -> str:
        """Changes whenever a decision about the row may have become stale."""
        return str(obj.pk)

    def action_facts(self, obj: Any) -> Sequence[Fact]:
        """What one needs to see while filling in an action's form."""
        return ()

    def action_sections(self, request: HttpRequest, obj: Any, action: StaffAction) -> Sequence[Section]:
        """What one needs to look at closely while filling in an action's form."""
        return ()

    def note_action(self, request: HttpRequest, obj: Any, action: StaffAction, data: Mapping[str, Any]) -> None:
        """Remember in the admin's log who pressed the button and why."""
        why = data.get("reason") or data.get("evidence") or ""
        self.log_change(request, obj, f"{action.label}: {why}")

    def offered_actions(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The buttons for this person and this row now."""
        if not self.may_act(request):
            return []
        situation = self.situation(obj)
        return [
            {"action": action, "url": self._action_url(obj, action)}
            for action in self.staff_actions
            if request.user.has_perm(action.permission or self._right()) and action.applies(situation)
        ]

    def staff_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask for what the action needs, then do it. Says so when the row has moved on meanwhile."""
        action = next((action for action in self.staff_actions if action.name == name), None)
        if action is None:
            raise Http404
        if not self.may_act(request):
            raise PermissionDenied
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        back = HttpResponseRedirect(change_url(obj))
        if action.permission and not request.user.has_perm(action.permission):
            text = _("“%(action)s” was not done: it takes a further right. Ask somebody who has it.")
            messages.error(request, text % {"action": action.label})
            return back
        if not action.applies(self.situation(obj)):
            self._say_stale(request, obj, action)
            return back
        form = action.form(obj, request.POST if request.method == "POST" else None)
        form.fields["version"].initial = self.version_of(obj)
        if request.method != "POST" or not form.is_valid():
            return self._action_page(request, obj, action, form)
        if form.cleaned_data["version"] != self.version_of(obj):
            self._say_stale(request, obj, action)
            return back
        try:
            done = action.do(obj, form.cleaned_data, staff_actor(request))
        except ShopError as error:
            messages.error(request, _("Not done: %(reason)s") % {"reason": error})
        else:
            self.note_action(request, obj, action, form.cleaned_data)
            messages.success(request, str(done))
        return back

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The change page with the buttons."""
        obj = kwargs.get("obj")
        if obj is not None:
            context["offered_actions"] = self.offered_actions(request, obj)
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    def _action_url(self, obj: Model, action: StaffAction) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_do"
        return reverse(name, args=[quote(obj.pk), action.name])

    def _say_stale(self, request: HttpRequest, obj: Any, action: StaffAction) -> None:
        text = _("“%(action)s” was not done: %(row)s has changed meanwhile. This is how it is now.")
        messages.warning(request, text % {"action": action.label, "row": obj})

    def _action_page(self, request: HttpRequest, obj: Any, action: StaffAction, form: StaffActionForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": action.label,
            "action": action,
            "form": form,
            "facts": self.action_facts(obj),
            "sections": self.action_sections(request, obj, action),
            "back_url": change_url(obj),
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/staff_action.html", context, status=status)


class RecordAdmin(StaffActionAdmin):
    """Shows rows that are facts: nobody adds, edits or deletes them here."""

    change_form_template = "admin/record.html"
    fields = ()
    list_per_page = 50
    view_on_site = False

    def facts(self, request: HttpRequest, obj: Any) -> Sequence[Facts]:
        """Groups of facts at the top of the page."""
        return ()

    def sections(self, request: HttpRequest, obj: Any) -> Sequence[Section]:
        """What follows the facts."""
        return ()

    def headline(self, obj: Any) -> Cell | None:
        """The label beside the buttons, and in its hint what happens next."""
        return None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Facts and sections instead of a form."""
        obj = kwargs.get("obj")
        if obj is not None:
            context.update(
                headline=self.headline(obj), facts=self.facts(request, obj), sections=self.sections(request, obj)
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what the list's filters offer: a query must not feel its way through secret links."""
        offered = [name for item in self.list_filter for name in _parameters(item)]
        is_offered = any(lookup == name or lookup.startswith(f"{name}__") for name in offered if name)
        return is_offered and bool(super().lookup_allowed(lookup, value, request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: not even who may act edits a column."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


def _parameters(item: Any) -> Sequence[str]:
    """What one of a list's filters is called in the address."""
    if isinstance(item, str):
        return [item]
    return getattr(item, "parameter_names", None) or [getattr(item, "parameter_name", "")]


def staff_actor(request: HttpRequest) -> Actor:
    """The signed-in person, for the event log."""
    assert request.user.is_authenticated
    return actors.staff(request.user.pk, request.user.email, getattr(request, "client_ip", None))
