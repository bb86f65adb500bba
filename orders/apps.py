from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        from orders import tasks  # noqa: F401, PLC0415 - registers the tasks that ``work.ring`` looks up by name
