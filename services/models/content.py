from __future__ import annotations

from django.db import models


class ContentVersion(models.Model):
    """The version of a part of what all visitors are shown alike, such as the catalogue.

    Triggers give it another random one in the transaction of every write to a table of the part
    (``services.content_versions``); nothing else writes here.
    """

    part = models.CharField(max_length=20, primary_key=True)
    version = models.CharField(max_length=32)

    def __str__(self) -> str:
        return f"{self.part} {self.version}"
