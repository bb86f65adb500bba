from django.apps import AppConfig
from django.core import checks


class KernelConfig(AppConfig):
    """No tables of its own. Loads the Celery app, so that tasks bind to it in every process, and the checks."""

    name = "unlockshop.kernel"
    label = "kernel"

    def ready(self) -> None:
        from unlockshop import celery  # noqa: F401, PLC0415 - binds the app once settings are ready
        from unlockshop.kernel.checks import (  # noqa: PLC0415 - reads the settings
            adapters_load,
            currencies_known,
            languages_compiled,
        )

        checks.register(adapters_load)
        checks.register(currencies_known)
        checks.register(languages_compiled)
