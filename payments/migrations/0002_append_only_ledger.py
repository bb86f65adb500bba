from django.db import migrations

from unlockshop.kernel.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [AppendOnly("payments_ledgertransaction"), AppendOnly("payments_ledgerentry")]
