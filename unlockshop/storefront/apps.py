from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StorefrontConfig(AppConfig):
    """The pages that customers see. No tables of its own."""

    name = "unlockshop.storefront"
    label = "storefront"
    verbose_name = _("Storefront")
