from django.apps import AppConfig
from django.core import checks


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        from payments import tasks  # noqa: F401, PLC0415 - registers the tasks that ``work.ring`` looks up by name
        from payments.checks import currencies_can_be_paid  # noqa: PLC0415 - loads the providers

        checks.register(currencies_can_be_paid)
