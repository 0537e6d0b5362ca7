from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0005_requests'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='room',
            name='rooms_intent_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='room',
            name='rooms_unsure_say_of_what_and_since_when',
        ),
        migrations.RemoveConstraint(
            model_name='room',
            name='rooms_channel_is_in_a_guild',
        ),
        migrations.RemoveConstraint(
            model_name='room',
            name='rooms_standing_have_a_channel',
        ),
        migrations.RemoveConstraint(
            model_name='room',
            name='rooms_gone_have_no_channel',
        ),
        migrations.RemoveConstraint(
            model_name='room',
            name='rooms_marker_is_unique_among_live_rooms',
        ),
        migrations.RemoveConstraint(
            model_name='room',
            name='rooms_channel_belongs_to_one_room',
        ),
        migrations.RemoveField(
            model_name='room',
            name='channel_id',
        ),
        migrations.RemoveField(
            model_name='room',
            name='generation',
        ),
        migrations.RemoveField(
            model_name='room',
            name='guild_id',
        ),
        migrations.RemoveField(
            model_name='room',
            name='intent',
        ),
        migrations.RemoveField(
            model_name='room',
            name='intent_at',
        ),
        migrations.RemoveField(
            model_name='room',
            name='is_unsure',
        ),
        migrations.RemoveField(
            model_name='room',
            name='marker',
        ),
        migrations.AddConstraint(
            model_name='discordobject',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['role', 'voice', 'text'])), name='discord_objects_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='discordobject',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('object_id__isnull', False), ('seen_at__isnull', False)), models.Q(('asked_at__isnull', False), ('object_id__isnull', True), ('room__isnull', False), models.Q(('marker', ''), _negated=True)), _connector='OR'), name='discord_objects_were_asked_for_or_seen'),
        ),
        migrations.AddConstraint(
            model_name='discordobject',
            constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True), ('object_id__isnull', True)), fields=('room', 'kind'), name='discord_objects_are_asked_for_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='discordobject',
            constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True), models.Q(('marker', ''), _negated=True)), fields=('kind', 'marker'), name='discord_objects_marker_is_unique_among_live_ones'),
        ),
    ]
