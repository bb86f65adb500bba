from django.apps import AppConfig


class ServicesConfig(AppConfig):
    name = "services"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from services import tasks  # noqa: F401, PLC0415 - registers the tasks that ``work.ring`` looks up by name
