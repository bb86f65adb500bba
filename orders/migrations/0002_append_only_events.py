from django.db import migrations

from unlockshop.kernel.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [AppendOnly("orders_orderevent")]
