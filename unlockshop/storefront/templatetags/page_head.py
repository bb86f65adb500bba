"""The data for machines in a page's head."""

from __future__ import annotations

from django import template

from unlockshop.storefront.structured_data import as_script

register = template.Library()
register.filter("as_script", as_script)
