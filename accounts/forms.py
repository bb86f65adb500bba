"""Staff forms for users, who sign in by e-mail."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy
from unfold.forms import UserChangeForm as BaseUserChangeForm
from unfold.forms import UserCreationForm as BaseUserCreationForm

from accounts.models import User


def _lower(address: Any) -> str:
    return str(address or "").strip().lower()


class UserCreationForm(BaseUserCreationForm):
    """A new user: address, name, password."""

    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        """In lower case, so that one address is one user."""
        return _lower(self.cleaned_data.get("email"))


class UserChangeForm(BaseUserChangeForm):
    """A user's address, name and rights."""

    class Meta:
        model = User
        fields = "__all__"
        labels = {"is_superuser": gettext_lazy("May do everything")}

    def clean_email(self) -> str:
        """In lower case, so that one address is one user."""
        return _lower(self.cleaned_data.get("email"))
