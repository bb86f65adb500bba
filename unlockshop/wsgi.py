"""WSGI entry point, served by granian."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unlockshop.settings")

# What is loaded now stays for as long as the process: the collector neither looks at it while it is loaded nor later.
gc.disable()
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 - loads the views, which the first visitor would wait for
gc.freeze()
gc.enable()
