
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('services', '0004_pace'),
    ]

    operations = [
        migrations.AddField(
            model_name='supplier',
            name='dialect',
            field=models.CharField(blank=True, help_text='Variant of the protocol, as supplier_probe found it. Empty: the usual one.', max_length=20),
        ),
    ]
