from datetime import timedelta

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Count
from django.utils import timezone

from unlockshop.kernel.money_columns import SameCurrency

# The refund profiles whose terms guarantee no delivery time, as they were when this was written.
NOT_GUARANTEED = "imei"


def set_guaranteed(apps, _editor):
    """Orders keep what the terms of their checkout say; the pages worked it out from them so far."""
    orders = apps.get_model("orders", "Order").objects
    orders.filter(purchase__refund_profile__startswith=NOT_GUARANTEED).update(is_guaranteed=False)


def join_tasks(apps, editor):
    """One open task for a sender and purchase: later mails join the oldest. Those that failed for good become tasks."""
    mails = apps.get_model("orders", "InboundMail").objects
    mails.filter(work_state="needs_staff", verdict="").update(
        verdict="staff", reason="failed", owner="staff", due_at=timezone.now() + timedelta(hours=24),
    )
    tasks = mails.filter(verdict="staff", closed_at=None)
    several = tasks.order_by().values("purchase", "sender").annotate(count=Count("pk")).filter(count__gt=1)
    for group in list(several):
        same = tasks.filter(purchase=group["purchase"], sender=group["sender"]).order_by("pk")
        first, *others = same.values_list("pk", flat=True)
        mails.filter(pk__in=others).update(
            verdict="joined", task=first, reason="", owner="", due_at=None,
        )
        mails.filter(pk=first).update(further=len(others))
    editor.connection.check_constraints()


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0017_claim_mail'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='inboundmail',
            name='orders_inboundmail_verdict_known',
        ),
        migrations.AddField(
            model_name='inboundmail',
            name='further',
            field=models.PositiveIntegerField(default=0, help_text='How many more mails joined this task.'),
        ),
        migrations.AddField(
            model_name='inboundmail',
            name='is_truncated',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='inboundmail',
            name='task',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='joined', to='orders.inboundmail'),
        ),
        migrations.AddField(
            model_name='order',
            name='is_guaranteed',
            field=models.BooleanField(default=True, help_text='The terms of its checkout guarantee the time.'),
        ),
        migrations.AlterField(
            model_name='inboundmail',
            name='reason',
            field=models.CharField(blank=True, choices=[('', '—'), ('no_purchase', 'It names no purchase'), ('other_sender', "Sent from another address than the purchase's"), ('not_authentic', 'Its sender did not pass the check of origin (SPF, DKIM)'), ('unclear', 'Not clear what it asks for'), ('terms', 'The terms leave it to a person'), ('too_long', 'Too long: only its beginning was kept'), ('failed', 'The shop failed to carry it out, again and again')], default='', max_length=14),
        ),
        migrations.AlterField(
            model_name='inboundmail',
            name='verdict',
            field=models.CharField(blank=True, choices=[('', 'Not read yet'), ('cancelled', 'Cancelled what it asked for'), ('answered', 'Answered'), ('automatic', 'Written by a machine: ignored'), ('staff', 'For staff'), ('joined', 'Added to a task that is open')], default='', max_length=10),
        ),
        migrations.AlterField(
            model_name='outgoingmail',
            name='kind',
            field=models.CharField(choices=[('confirmation', 'Order confirmation'), ('completed', 'Result'), ('unavailable', 'Could not be delivered'), ('not_found', 'Not found'), ('cancelled', 'Cancelled'), ('delayed', 'Delayed'), ('late', 'Late'), ('payment_failed', 'Payment failed'), ('reply', 'Answer to a reply'), ('refunded', 'Refund'), ('refund_returned', 'Refund came back'), ('correction', "Correction of the order's data"), ('investigation', 'Why the device was not found'), ('claim', 'Answer to a claim')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='inboundmail',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['', 'cancelled', 'answered', 'automatic', 'staff', 'joined'])), name='orders_inboundmail_verdict_known'),
        ),
        # SQLite forgot the triggers of the orders when it rebuilt their table.
        SameCurrency("orders_order", parent="orders_purchase", column="purchase_id"),
        migrations.RunPython(set_guaranteed, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(join_tasks, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name='inboundmail',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('task__isnull', False), ('verdict', 'joined')), models.Q(models.Q(('verdict', 'joined'), _negated=True), ('task__isnull', True)), _connector='OR'), name='orders_inboundmail_joined_has_task'),
        ),
        migrations.AddConstraint(
            model_name='inboundmail',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True), ('purchase__isnull', False), ('verdict', 'staff')), fields=('purchase', 'sender'), name='orders_inboundmail_one_task_for_sender'),
        ),
        migrations.AddConstraint(
            model_name='inboundmail',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True), ('purchase__isnull', True), ('verdict', 'staff')), fields=('sender',), name='orders_inboundmail_one_task_for_stranger'),
        ),
    ]
