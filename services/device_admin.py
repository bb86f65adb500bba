"""Staff page of device models: look a TAC up, and say what it is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from services.models import DeviceModel, ModelSource


class DeviceModelForm(forms.ModelForm):
    """One entry of ours for each TAC."""

    def clean(self) -> dict[str, Any] | None:
        """The source is ours and no field of the form, so the constraint is told here."""
        cleaned = super().clean()
        ours = DeviceModel.objects.filter(tac=self.cleaned_data.get("tac", ""), source=ModelSource.STAFF)
        if ours.exclude(pk=self.instance.pk).exists():
            self.add_error("tac", _("Staff have an entry for this TAC already. Change that one."))
        return cleaned


@admin.register(DeviceModel)
class DeviceModelAdmin(ModelAdmin):
    """Staff write entries of their own, which win; learned and imported ones can be read and removed."""

    form = DeviceModelForm
    list_display = ("tac", "brand", "model", "source", "origin", "seen_at")
    list_filter = ("source", "brand")
    search_fields = ("tac__startswith", "brand", "model")
    fields = ("tac", "brand", "model", "source", "origin", "seen_at")
    readonly_fields = ("source", "seen_at")
    list_per_page = 50
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Others' words are not rewritten: staff add an entry, which wins."""
        is_ours = obj is None or obj.source == ModelSource.STAFF
        return is_ours and bool(super().has_change_permission(request, obj))
