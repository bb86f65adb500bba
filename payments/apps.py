from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        from payments import tasks  # noqa: F401, PLC0415 - registers the tasks that ``work.ring`` looks up by name
