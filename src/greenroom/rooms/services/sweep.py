"""Finding channels that look like ours and belong to no live room: leftovers of lost requests and old databases."""

import logging
from datetime import datetime

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import DiscordError, NotFound
from greenroom.integrations.discord.protocol import CallOptions
from greenroom.integrations.discord.types import AuditAction, Channel
from greenroom.rooms import discord, rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.services import ledger
from greenroom.rooms.types import ObjectKind, Place

logger = logging.getLogger(__name__)

_OPTIONS = CallOptions(reason="coaching op=sweep", is_closing=True)
_AUDIT_LINES = 100


def sweep_guild() -> int:
    """Take away what belongs to no live room; returns how many channels were deleted.

    Only channels that bear a marker are ever touched: access to a stray one is taken at once, it is deleted when
    our ledger or the server's audit log proves that our bot made it. One channel's trouble does not keep the others.
    Raises: DiscordError when the channels cannot be listed.
    """
    connection = discord.current()
    if connection is None:
        return 0
    strays = _strays(connection)
    return sum(_remove(channel, connection) for channel in strays)


def _strays(connection: Connection) -> list[Channel]:
    """Return the marked channels without a live room, oldest first.

    Our rows are read after Discord was asked: each is written before the request is sent, so that no channel of the
    list can be newer than what is known of it.
    """
    marked = {
        channel: marker
        for channel in connection.api.list_channels(connection.guild_id)
        if (marker := rules.marker_in(channel)) is not None
    }
    live = ledger.live_objects().filter(kind=ObjectKind.VOICE, room__isnull=False)
    awaited = set(live.filter(object_id__isnull=True).values_list("marker", flat=True))
    held = set(live.filter(object_id__in=[channel.id for channel in marked]).values_list("object_id", flat=True))
    strays = [channel for channel, marker in marked.items() if channel.id not in held and marker not in awaited]
    return sorted(strays, key=lambda channel: channel.id)


def _remove(channel: Channel, connection: Connection) -> bool:
    try:
        is_ours = DiscordObject.objects.filter(guild_id=connection.guild_id, object_id=channel.id).exists()
        if not is_ours:
            _take_access(channel, connection)
            fault_point("rooms.sweep_after_lock")
            is_ours = _is_proven(channel, connection)
        if is_ours:
            _delete(channel, connection, now=clock.now())
    except DiscordError as error:
        logger.warning("The stray channel %s could not be taken away: %s", channel.id, error)
        return False
    return is_ours


def _take_access(channel: Channel, connection: Connection) -> None:
    wanted = rules.locked_down(Place(connection.guild_id, connection.bot_id()))
    if frozenset(channel.overwrites) != wanted:
        connection.api.edit_overwrites(channel.id, tuple(sorted(wanted)), _OPTIONS)


def _is_proven(channel: Channel, connection: Connection) -> bool:
    """Ask the audit log whether our bot made this channel; it reaches back 45 days (Discord's documentation)."""
    entries = connection.api.list_audit_log(
        connection.guild_id,
        action=AuditAction.CHANNEL_CREATE,
        user_id=connection.bot_id(),
        limit=_AUDIT_LINES,
        options=_OPTIONS,
    )
    return any(entry.target_id == channel.id for entry in entries)


def _delete(channel: Channel, connection: Connection, *, now: datetime) -> None:
    ledger.note_object(None, connection.guild_id, ObjectKind.VOICE, channel.id, now=now)
    try:
        connection.api.delete_channel(channel.id, _OPTIONS)
    except NotFound as error:
        if error.discord_code != DiscordCode.UNKNOWN_CHANNEL:
            raise
    ledger.note_deleted(connection.guild_id, channel.id, now=now)
    logger.warning("The stray channel %s was taken away.", channel.id)
