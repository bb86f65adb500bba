from django.apps import AppConfig


class KernelConfig(AppConfig):
    """No tables of its own. Loads the Celery app, so that tasks bind to it in every process."""

    name = "unlockshop.kernel"
    label = "kernel"

    def ready(self) -> None:
        from unlockshop import celery  # noqa: F401, PLC0415 - binds the app once settings are ready
