"""Staff forms of the payments app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from unlockshop.kernel.staff_pages import StaffActionForm, reason_field


class ProcessAgainForm(StaffActionForm):
    """Asks why."""

    reason = reason_field(
        gettext_lazy("Reason"), gettext_lazy("For example: “the provider was down, now it answers”.")
    )
