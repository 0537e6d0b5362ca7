"""The tables, and the guard with them."""

import django.db.models.deletion
from django.db import migrations, models

import greenroom.core.constraints


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Room",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("blocked_from", models.DateTimeField()),
                ("blocked_until", models.DateTimeField()),
                ("status", models.CharField(max_length=20)),
                ("is_exclusive", models.BooleanField(default=True)),
                ("note", models.CharField(blank=True, max_length=20)),
                (
                    "room",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="overlap_app.room"),
                ),
            ],
            options={
                "constraints": [
                    greenroom.core.constraints.NoOverlap(
                        end="blocked_until",
                        flag="is_exclusive",
                        name="visits_no_overlap_per_room",
                        owner="room",
                        start="blocked_from",
                        status_field="status",
                        statuses=("confirmed", "held"),
                    )
                ],
            },
        ),
    ]
