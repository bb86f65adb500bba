from django.db import migrations, models

from unlockshop.kernel.frozen_columns import FrozenColumns
from unlockshop.kernel.money_columns import SameCurrency

RULE = SameCurrency("orders_order", parent="orders_purchase", column="purchase_id")


def drop_rule(_apps, editor):
    """SQLite does not rebuild the purchases' table while a trigger of the orders reads it."""
    RULE.database_backwards("orders", editor, None, None)


def make_rule(_apps, editor):
    """For migrating back."""
    RULE.database_forwards("orders", editor, None, None)


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0021_check_repeats'),
    ]

    operations = [
        migrations.RunPython(drop_rule, make_rule),
        migrations.AddField(
            model_name='purchase',
            name='time_zone',
            field=models.CharField(blank=True, db_default='', default='', help_text="The customer's, as the browser told it at the checkout. Empty: not known.", max_length=64),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('time_zone__regex', '^[A-Za-z0-9_+/-]*$')), name='orders_purchase_time_zone_shape'),
        ),
        RULE,
        # SQLite rebuilt the table.
        FrozenColumns("orders_purchase", ["terms_version", "refund_profile", "terms_accepted_at"]),
    ]
