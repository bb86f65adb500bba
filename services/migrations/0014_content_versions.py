from django.db import migrations, models

from services.content_versions import remove_triggers


class Migration(migrations.Migration):
    dependencies = [
        ("services", "0013_recheck_prices"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContentVersion",
            fields=[
                ("part", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("version", models.CharField(max_length=32)),
            ],
        ),
        # The triggers themselves are made with each migrate.
        migrations.RunPython(migrations.RunPython.noop, remove_triggers),
    ]
