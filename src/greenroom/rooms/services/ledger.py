"""What became of requests and channels, written down in short transactions of their own."""

from datetime import datetime

from django.conf import settings

from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.types import Channel, ChannelId, GuildId
from greenroom.rooms import rules
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.services.turns import Turn, holding, lock_room, set_state
from greenroom.rooms.types import STANDING, Intent, RoomState


def begin_create(turn: Turn, guild_id: GuildId, *, now: datetime) -> Room:
    """Write down that a channel is about to be made, under a new generation and marker. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        room.generation += 1
        room.marker = _free_marker(room)
        room.guild_id = guild_id
        room.intent, room.intent_at, room.is_unsure = Intent.CREATE_CHANNEL, now, True
        room.opened_at = room.closed_at = None
        set_state(room, RoomState.PROVISIONING, now=now)
    return room


def _free_marker(room: Room) -> str:
    """Return the marker of the room's generation; one that another live room happens to bear is passed over."""
    while True:
        found = rules.marker(str(settings.SECRET_KEY), room.ref, room.generation)
        if not Room.objects.filter(marker=found).exclude(pk=room.pk).exists():
            return found
        room.generation += 1


def note_created(turn: Turn, generation: int, channel: Channel, guild_id: GuildId, *, now: datetime) -> bool:
    """Write down the channel that a request made; False when nobody waits for it any more.

    Also without the turn: the answer is this run's alone. Not wanted is it when the intent was given up meanwhile.
    """
    with unit_of_work():
        room = lock_room(turn.room_id)
        note_object(room, guild_id, channel.id, now=now)
        if room.generation != generation or not room.is_unsure:
            return room.channel_id == channel.id
        _give_channel(room, channel.id)
        room.save()
    return True


def note_refused(turn: Turn, *, now: datetime) -> None:
    """Write down that a request was certainly not carried out. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        _drop_intent(room)


def note_found(turn: Turn, channels: list[Channel], guild_id: GuildId, *, now: datetime) -> None:
    """Take the oldest of the channels that a lost request made as the room's own. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        for channel in channels:
            note_object(room, guild_id, channel.id, now=now)
        _give_channel(room, channels[0].id)


def give_up_request(turn: Turn, *, now: datetime) -> None:
    """Stop waiting for a lost request. Should it still land, its marker belongs to no live room.

    Raises: TurnLostError.
    """
    with holding(turn, now=now) as room:
        _drop_intent(room)


def note_gone(turn: Turn, channel_id: ChannelId, guild_id: GuildId, *, now: datetime) -> None:
    """Write down that Discord does not know the room's channel any more. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        note_deleted(guild_id, channel_id, now=now)
        room.channel_id, room.marker, room.closed_at = None, "", now
        if room.state in STANDING:
            set_state(room, RoomState.PROVISIONING, now=now)


def note_object(room: Room | None, guild_id: int, object_id: int, *, now: datetime) -> None:
    """Keep for ever that our bot made this object; a second call changes nothing."""
    DiscordObject.objects.get_or_create(guild_id=guild_id, object_id=object_id, defaults={"room": room, "seen_at": now})


def note_deleted(guild_id: int, object_id: int, *, now: datetime) -> None:
    """Write down when one of our objects was seen to be gone, once."""
    seen = DiscordObject.objects.filter(guild_id=guild_id, object_id=object_id, deleted_at__isnull=True)
    seen.update(deleted_at=now)


def _give_channel(room: Room, channel_id: ChannelId) -> None:
    room.channel_id = channel_id
    room.intent, room.is_unsure = Intent.NONE, False


def _drop_intent(room: Room) -> None:
    room.intent, room.is_unsure, room.marker = Intent.NONE, False, ""
