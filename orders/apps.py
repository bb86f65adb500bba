from django.apps import AppConfig
from django.core import checks


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        from orders import tasks  # noqa: F401, PLC0415 - registers the tasks that ``work.ring`` looks up by name
        from orders.checks import mail_event_keys_load  # noqa: PLC0415 - reads the settings
        from services.content_versions import watch  # noqa: PLC0415 - needs the models

        checks.register(mail_event_keys_load)
        watch(self, "averages", "orders_serviceturnaround")
