from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import calendars, clock


class DayOff(models.Model):
    """One more day on which a calendar does not count, besides weekends and public holidays. Staff enter it.

    It counts for orders that are paid from then on, which keep it (``Promised.days_off``): nobody's promise moves.
    """

    calendar = models.CharField(max_length=20, choices=[(name, name) for name in calendars.CALENDARS])
    day = models.DateField(help_text=_("By the calendar's own clock."))
    reason = models.CharField(max_length=120)
    entered_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-day", "calendar"]
        verbose_name = _("day off")
        verbose_name_plural = _("days off")
        constraints = [
            models.UniqueConstraint(fields=["calendar", "day"], name="orders_dayoff_once"),
            models.CheckConstraint(condition=~Q(calendar="") & ~Q(reason=""), name="orders_dayoff_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.calendar}: {self.day:%Y-%m-%d}, {self.reason}"
