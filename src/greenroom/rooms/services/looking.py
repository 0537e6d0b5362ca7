"""Finding out what is at Discord, and solving the riddle of a request whose outcome is unknown."""

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import NotFound
from greenroom.integrations.discord.types import Channel, ChannelId, GuildId
from greenroom.rooms import rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.services import ledger
from greenroom.rooms.services.turns import Situation, Turn
from greenroom.rooms.types import Found, ObjectKind, Place


def guild_of(situation: Situation, connection: Connection) -> GuildId:
    """Return the guild a room stands in, or the one in which it will be made."""
    return GuildId(situation.objects[0].guild_id) if situation.objects else connection.guild_id


def place_of(situation: Situation, connection: Connection) -> Place:
    """Return where the room stands. May ask Discord once who the bot is."""
    return Place(guild_of(situation, connection), connection.bot_id())


def look_at(turn: Turn, known: DiscordObject, connection: Connection) -> Found | None:
    """Ask Discord for one object that stood there; at most one call. None when it is gone, and that is written down.

    Raises: TurnLostError, DiscordError.
    """
    try:
        return found_channel(connection.api.get_channel(ChannelId(known.object_id or 0)), ObjectKind(known.kind))
    except NotFound as error:
        if error.discord_code != DiscordCode.UNKNOWN_CHANNEL:
            raise
    ledger.note_gone(turn, known, now=clock.now())
    return None


def solve(turn: Turn, situation: Situation, request: DiscordObject, connection: Connection) -> None:
    """Find out what became of a lost request, with at most one call, and write it down.

    One request makes one object at most, so one that is found answers the riddle at once; only finding none
    says nothing until a late landing is out of the question.
    Raises: NotYetError while it may still land, TurnLostError, DiscordError.
    """
    asked_at = request.asked_at or situation.now
    listed = connection.api.list_channels(GuildId(request.guild_id))
    mine = sorted(it.id for it in listed if rules.is_answer_to(it, request.marker, asked_at))
    if mine:
        ledger.note_found(turn, request, [int(it) for it in mine], now=clock.now())
        fault_point("rooms.after_adopt")
        return
    # The list was asked for after `situation.now`: what had not landed then may still have been on its way.
    if situation.now < rules.settles_at(asked_at):
        raise NotYetError(rules.settles_at(asked_at), "Discord never said whether the room was made.")
    ledger.give_up_request(turn, request, now=clock.now())


def found_channel(channel: Channel, kind: ObjectKind) -> Found:
    """Read a channel as one of a room's objects."""
    return Found(kind, channel.id, frozenset(channel.overwrites))
