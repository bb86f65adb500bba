from django.db import migrations

from unlockshop.kernel.frozen_columns import FrozenColumns


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0018_promises_kept'),
    ]

    operations = [
        FrozenColumns("orders_purchase", ["terms_version", "refund_profile", "terms_accepted_at"]),
    ]
