"""Finding out what is at Discord, and solving the riddle of a request whose outcome is unknown."""

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import NotFound
from greenroom.integrations.discord.types import Channel, ChannelId, ChannelType, GuildId
from greenroom.rooms import rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError
from greenroom.rooms.models import Room
from greenroom.rooms.services import ledger
from greenroom.rooms.services.turns import Situation, Turn
from greenroom.rooms.types import Actual, Place, Presence


def guild_of(room: Room, connection: Connection) -> GuildId:
    """Return the guild a room stands in, or the one in which it will be made."""
    is_bound = room.guild_id is not None and (room.channel_id is not None or room.is_unsure)
    return GuildId(room.guild_id) if is_bound and room.guild_id is not None else connection.guild_id


def assume(situation: Situation, connection: Connection) -> Actual | None:
    """Return what can be acted on without looking, or None.

    A room that should be gone is deleted by its id at once: looking first would only delay the closing.
    """
    room = situation.room
    if room.channel_id is None or situation.desired.presence is not Presence.ABSENT:
        return None
    return Actual(place_of(room, connection), (Channel(ChannelId(room.channel_id), ChannelType.VOICE),))


def place_of(room: Room, connection: Connection) -> Place:
    """Return where the room stands. May ask Discord once who the bot is."""
    return Place(guild_of(room, connection), connection.bot_id())


def look(turn: Turn, situation: Situation, connection: Connection) -> Actual:
    """Ask Discord for the room's channel; at most one call.

    Writes down a channel that is gone, one that a lost request made, and that such a request will never land.
    Raises: NotYetError while it may still land, TurnLostError, DiscordError.
    """
    room, place = situation.room, place_of(situation.room, connection)
    if room.channel_id is not None:
        return Actual(place, _known_channel(turn, ChannelId(room.channel_id), place, connection))
    if room.is_unsure and room.intent_at is not None:
        return Actual(place, _lost_channels(turn, situation, connection))
    return Actual(place)


def _known_channel(turn: Turn, channel_id: ChannelId, place: Place, connection: Connection) -> tuple[Channel, ...]:
    try:
        return (connection.api.get_channel(channel_id),)
    except NotFound as error:
        if error.discord_code != DiscordCode.UNKNOWN_CHANNEL:
            raise
    ledger.note_gone(turn, channel_id, place.guild_id, now=clock.now())
    return ()


def _lost_channels(turn: Turn, situation: Situation, connection: Connection) -> tuple[Channel, ...]:
    """Find what a lost request made, oldest first.

    One request makes one channel at most, so one that is found answers the riddle at once; only finding none
    says nothing until a late landing is out of the question.
    """
    room = situation.room
    asked_at = room.intent_at or situation.now
    guild_id = guild_of(room, connection)
    listed = connection.api.list_channels(guild_id)
    mine = [channel for channel in listed if rules.is_answer_to(channel, room.marker, asked_at)]
    if mine:
        mine.sort(key=lambda channel: channel.id)
        ledger.note_found(turn, mine, guild_id, now=clock.now())
        fault_point("rooms.after_adopt")
        return tuple(mine)
    # The list was asked for after `situation.now`: what had not landed then may still have been on its way.
    if situation.now < rules.settles_at(asked_at):
        raise NotYetError(rules.settles_at(asked_at), "Discord never said whether the room was made.")
    ledger.give_up_request(turn, now=clock.now())
    return ()
