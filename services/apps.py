from django.apps import AppConfig


class ServicesConfig(AppConfig):
    name = "services"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from services import tasks  # noqa: F401, PLC0415 - registers the tasks that ``work.ring`` looks up by name
        from services.content_versions import watch  # noqa: PLC0415 - needs the models

        watch(
            self,
            "catalogue",
            "services_category",
            "services_service",
            "services_servicefield",
            "services_serviceprice",
        )
