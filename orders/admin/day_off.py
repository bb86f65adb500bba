"""Staff page of the days on which a business calendar does not count."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from orders.models import DayOff
from unlockshop.kernel import calendars, clock


class DayOffForm(forms.ModelForm):
    """A day that is still to come: orders that were paid count it already."""

    def clean_day(self) -> date:
        """Raises ``ValidationError`` for a day that has begun in every zone of the shop's calendars."""
        day: date = self.cleaned_data["day"]
        if day < min(calendar.local(clock.now()).date() for calendar in calendars.CALENDARS.values()):
            raise ValidationError(_("This day is over. Orders that are paid keep the times that they were promised."))
        return day


@admin.register(DayOff)
class DayOffAdmin(ModelAdmin):
    """Entered and deleted here; orders that were paid meanwhile keep what counted then."""

    form = DayOffForm
    list_display = ("day", "calendar", "reason")
    list_filter = ("calendar",)
    search_fields = ("reason",)
    date_hierarchy = "day"
    fields = ("calendar", "day", "reason")
    list_per_page = 50

    def has_change_permission(self, request: HttpRequest, obj: DayOff | None = None) -> bool:
        """A wrong one is deleted and entered anew."""
        return False
