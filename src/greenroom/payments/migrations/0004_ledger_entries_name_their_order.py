"""Write the order's reference on the ledger entries that were booked before there was a place for it."""

from django.db import migrations


def name_orders(apps, schema_editor):
    entry, attempt, refund = (apps.get_model("payments", name) for name in ("LedgerEntry", "PaymentAttempt", "RefundRequest"))
    dispute = apps.get_model("payments", "Dispute")
    for kind, rows in (
        ("attempt", attempt.objects.values_list("pk", "order_ref")),
        ("refund", refund.objects.values_list("pk", "attempt__order_ref")),
        ("dispute", dispute.objects.values_list("pk", "attempt__order_ref")),
    ):
        mine = entry.objects.filter(source_kind=kind, order_ref="")
        for pk, order_ref in rows.iterator():
            if kind == "attempt":
                mine.filter(source_id=str(pk)).update(order_ref=order_ref)
            else:
                mine.filter(source_id__startswith=f"{pk}:").update(order_ref=order_ref)


class Migration(migrations.Migration):

    dependencies = [
        ("payments", "0003_order_pages"),
    ]

    operations = [
        migrations.RunPython(name_orders, migrations.RunPython.noop),
    ]
