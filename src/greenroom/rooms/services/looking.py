"""Finding out what is at Discord, and solving the riddle of a request whose outcome is unknown."""

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import NotFound
from greenroom.integrations.discord.types import Channel, ChannelId, ChannelType, GuildId, RoleId
from greenroom.rooms import rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.services import ledger
from greenroom.rooms.services.turns import Situation, Turn
from greenroom.rooms.types import Found, ObjectKind, Place

CHANNEL_TYPES = {ObjectKind.VOICE: ChannelType.VOICE, ObjectKind.TEXT: ChannelType.TEXT}


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
    found = find(known, connection)
    if found is None:
        ledger.note_gone(turn, known, now=clock.now())
    return found


def find(known: DiscordObject, connection: Connection) -> Found | None:
    """Ask Discord for one object that stood there; one call, and nothing is written. Raises: DiscordError."""
    kind, object_id = ObjectKind(known.kind), known.object_id or 0
    try:
        if kind is ObjectKind.ROLE:
            return Found(kind, connection.api.get_role(GuildId(known.guild_id), RoleId(object_id)).id)
        return found_channel(connection.api.get_channel(ChannelId(object_id)), kind)
    except NotFound as error:
        if not is_of_unknown(error, kind):
            raise
    return None


def is_of_unknown(error: NotFound, kind: ObjectKind) -> bool:
    """Tell whether Discord says that an object of this kind does not exist, rather than its server or a person."""
    is_role = kind is ObjectKind.ROLE
    return error.discord_code == (DiscordCode.UNKNOWN_ROLE if is_role else DiscordCode.UNKNOWN_CHANNEL)


def solve(turn: Turn, situation: Situation, request: DiscordObject, connection: Connection) -> None:
    """Find out what became of a lost request, with at most one call, and write it down.

    One request makes one object at most, so one that is found answers the riddle at once; only finding none
    says nothing until a late landing is out of the question.
    Raises: NotYetError while it may still land, TurnLostError, DiscordError.
    """
    asked_at = request.asked_at or situation.now
    listed = _names_of_kind(request, connection)
    mine = sorted(it for it, name in listed.items() if rules.is_answer_to(it, name, request.marker, asked_at))
    if mine:
        ledger.note_found(turn, request, mine, now=clock.now())
        fault_point("rooms.after_adopt")
        return
    # The list was asked for after `situation.now`: what had not landed then may still have been on its way.
    if situation.now < rules.settles_at(asked_at):
        raise NotYetError(rules.settles_at(asked_at), "Discord never said whether the room was made.")
    ledger.give_up_request(turn, request, now=clock.now())


def _names_of_kind(request: DiscordObject, connection: Connection) -> dict[int, str]:
    guild_id = GuildId(request.guild_id)
    if request.kind == ObjectKind.ROLE:
        return {role.id: role.name for role in connection.api.list_roles(guild_id)}
    wanted = CHANNEL_TYPES[ObjectKind(request.kind)]
    return {it.id: it.name for it in connection.api.list_channels(guild_id) if it.type == wanted}


def found_channel(channel: Channel, kind: ObjectKind) -> Found:
    """Read a channel as one of a room's objects."""
    return Found(kind, channel.id, frozenset(channel.overwrites))
