from django.db import migrations


def forwards(apps, schema_editor):
    """Write what rooms knew of their channel into the list of objects. Rooms are few: one at a time."""
    Room = apps.get_model("rooms", "Room")
    DiscordObject = apps.get_model("rooms", "DiscordObject")
    DiscordObject.objects.filter(kind="channel").update(kind="voice")
    for room in Room.objects.exclude(generation=0).iterator():
        if room.channel_id is not None:
            known, _made = DiscordObject.objects.get_or_create(
                guild_id=room.guild_id,
                object_id=room.channel_id,
                defaults={"kind": "voice", "room": room, "seen_at": room.created_at},
            )
            known.marker = room.marker
        elif room.is_unsure:
            known = DiscordObject(
                guild_id=room.guild_id, kind="voice", room=room, marker=room.marker, asked_at=room.intent_at
            )
        else:
            known = DiscordObject.objects.filter(room=room).order_by("pk").last()
        if known is not None:
            known.generation = room.generation
            known.save()


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0004_objects'),
    ]

    # Going back leaves the old columns empty: rooms are made anew then, and the sweep takes the old channels away.
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
