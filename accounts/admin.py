"""Staff pages for users and groups."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm

from accounts.forms import UserChangeForm, UserCreationForm
from accounts.models import User

# Who may edit users may not thereby become more than they are.
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """Users; rights are given by those who have them all."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_active", "last_login", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    search_fields = ("email", "name")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()  # Two lists side by side are wider than the page.
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (gettext_lazy("Rights"), {"fields": ("is_active", *RIGHTS)}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Rights are read-only except for those who may do everything."""
        fields: tuple[str, ...] = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes (or sets a password for) somebody who may do more."""
        return super().has_change_permission(request, obj) and _is_not_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody removes themselves or somebody who may do more."""
        is_self = isinstance(obj, User) and obj.pk == request.user.pk
        return super().has_delete_permission(request, obj) and _is_not_above(request, obj) and not is_self

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No deletion of many users at once."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


def _is_not_above(request: HttpRequest, obj: Any) -> bool:
    if request.user.is_superuser or not isinstance(obj, User):
        return True
    return not obj.is_superuser and (not obj.is_staff or obj.pk == request.user.pk)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Bundles of rights, for example a support group that sees orders but does not act."""

    filter_horizontal = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only those who may do everything, for a group's rights are rights."""
        return request.user.is_superuser and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only those who may do everything."""
        return request.user.is_superuser and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only those who may do everything."""
        return request.user.is_superuser and super().has_delete_permission(request, obj)
