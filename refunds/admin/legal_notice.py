"""Staff page of the legal notices by country."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from refunds.models import LegalNotice


class LegalNoticeForm(forms.ModelForm):
    """A notice in one of the shop's languages."""

    language = forms.ChoiceField(
        choices=settings.LANGUAGES,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Readers of a language that a country has no notice in get the English one."),
    )


@admin.register(LegalNotice)
class LegalNoticeAdmin(ModelAdmin):
    """Written and changed here; purchases keep what their customers confirmed."""

    form = LegalNoticeForm
    list_display = ("country", "language", "heading", "is_active")
    list_filter = ("is_active", "language")
    search_fields = ("country__iexact", "heading")
    fields = ("country", "language", "heading", "text", "is_active")
    list_per_page = 50
