import django.db.models.deletion
import unlockshop.kernel.clock
from django.db import migrations, models

from unlockshop.kernel.append_only import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0003_money'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='ledgertransaction',
            options={'ordering': ['-pk'], 'permissions': [('export_ledgertransaction', 'Can export the ledger')]},
        ),
        migrations.CreateModel(
            name='FraudWarning',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_ref', models.CharField(max_length=255)),
                ('reason', models.CharField(blank=True, max_length=100)),
                ('seen_at', models.DateTimeField(default=unlockshop.kernel.clock.now)),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='warnings', to='payments.payment')),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(fields=('payment', 'provider_ref'), name='payments_fraudwarning_seen_once')],
            },
        ),
        # SQLite forgot the triggers of the lines when 0003 rebuilt their table.
        AppendOnly('payments_ledgertransaction'),
        AppendOnly('payments_ledgerentry'),
    ]
