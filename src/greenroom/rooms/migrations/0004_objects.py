from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0003_kept_policies'),
    ]

    operations = [
        migrations.AddField(
            model_name='discordobject',
            name='asked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='discordobject',
            name='generation',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='discordobject',
            name='marker',
            field=models.CharField(blank=True, max_length=8),
        ),
        migrations.AlterField(
            model_name='discordobject',
            name='kind',
            field=models.CharField(choices=[('role', 'role'), ('voice', 'voice'), ('text', 'text')], max_length=16),
        ),
        migrations.AlterField(
            model_name='discordobject',
            name='object_id',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='discordobject',
            name='seen_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
