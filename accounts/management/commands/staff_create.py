"""``manage.py staff_create``: a member of staff who can sign in."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.models import User

PASSWORD_VARIABLE = "STAFF_PASSWORD"  # noqa: S105 - the name of a variable


class Command(BaseCommand):
    help = (
        f"Makes a member of staff, or gives an existing one the password in {PASSWORD_VARIABLE}. "
        "The same again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password", help=f"better left out: {PASSWORD_VARIABLE} keeps it out of process lists")
        parser.add_argument("--name", default="")
        parser.add_argument("--superuser", action="store_true", help="may do everything")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        password = options["password"] or os.environ.get(PASSWORD_VARIABLE, "")
        if not password:
            raise CommandError(f"set {PASSWORD_VARIABLE} or give --password")
        user = User.objects.filter(email=email).first() or User(email=email)
        try:
            validate_email(email)
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        before = (user.pk, user.name, user.is_staff, user.is_superuser, user.is_active)
        user.name = options["name"] or user.name
        user.is_staff = user.is_active = True
        user.is_superuser = user.is_superuser or options["superuser"]
        changed = before != (user.pk, user.name, user.is_staff, user.is_superuser, user.is_active)
        if user.pk is None or not user.check_password(password):
            user.set_password(password)
            changed = True
        is_new = user.pk is None
        if changed or is_new:
            user.save()
        done = "created" if is_new else "changed" if changed else "nothing to change"
        self.stdout.write(f"staff {email}: {done}")
