"""Finding what looks like ours and belongs to no live room: leftovers of lost requests and old databases."""

import logging
from datetime import datetime

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.errors import DiscordError, NotFound
from greenroom.integrations.discord.protocol import CallOptions
from greenroom.integrations.discord.types import AuditAction, ChannelId
from greenroom.rooms import discord, queries, rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.services import ledger
from greenroom.rooms.services.changing import ask_to_delete
from greenroom.rooms.services.looking import CHANNEL_TYPES, found_channel, is_of_unknown
from greenroom.rooms.types import Found, ObjectKind, Place

logger = logging.getLogger(__name__)

_OPTIONS = CallOptions(reason="coaching op=sweep", is_closing=True)
_AUDIT_LINES = 100
_KINDS: dict[int, ObjectKind] = {int(of): kind for kind, of in CHANNEL_TYPES.items()}
_MADE_BY = {
    ObjectKind.ROLE: AuditAction.ROLE_CREATE,
    ObjectKind.VOICE: AuditAction.CHANNEL_CREATE,
    ObjectKind.TEXT: AuditAction.CHANNEL_CREATE,
}


def sweep_guild() -> int:
    """Take away what belongs to no live room; returns how many objects were deleted.

    Only what bears a marker, or what our ledger knows, is ever touched: access to a stray channel is taken at once, and
    a stray is deleted when our ledger or the server's audit log proves that our bot made it. One's trouble does not
    keep the others.
    Raises: DiscordError when the channels or the roles cannot be listed.
    """
    connection = discord.current()
    if connection is None:
        return 0
    strays = _strays(connection)
    strays += _forgotten(connection, {stray.id for stray in strays})
    return sum(_remove(stray, connection) for stray in strays)


def _strays(connection: Connection) -> list[Found]:
    """Return what is marked and has no live room: channels before roles, oldest first.

    Our rows are read after Discord was asked: each is written before the request is sent, so that nothing in the
    lists can be newer than what is known of it.
    """
    names = queries.name_templates()
    marked: list[tuple[Found, str]] = []
    for channel in connection.api.list_channels(connection.guild_id):
        found_marker = rules.marker_in(channel.name, names.of_channels)
        if found_marker is not None and channel.type in _KINDS:
            marked.append((found_channel(channel, _KINDS[channel.type]), found_marker))
    for role in connection.api.list_roles(connection.guild_id):
        found_marker = rules.marker_in(role.name, names.of_roles)
        if found_marker is not None:
            marked.append((Found(ObjectKind.ROLE, role.id), found_marker))
    live = ledger.live_objects().filter(room__isnull=False)
    awaited = set(live.filter(object_id__isnull=True).values_list("kind", "marker"))
    held = set(live.filter(object_id__in=[found.id for found, _ in marked]).values_list("object_id", flat=True))
    strays = [found for found, marker in marked if found.id not in held and (found.kind, marker) not in awaited]
    return sorted(strays, key=lambda found: (found.kind is ObjectKind.ROLE, found.id))


def _forgotten(connection: Connection, known: set[int]) -> list[Found]:
    """Return what an earlier sweep was about to delete, and nobody saw go: the answer was lost, or the run died.

    Whatever it is called by now: the ledger knows it as ours, and as no room's.
    """
    live = ledger.live_objects().filter(guild_id=connection.guild_id, room__isnull=True, object_id__isnull=False)
    return [Found(ObjectKind(row.kind), row.object_id or 0) for row in live.exclude(object_id__in=known).order_by("pk")]


def _remove(stray: Found, connection: Connection) -> bool:
    try:
        is_ours = DiscordObject.objects.filter(guild_id=connection.guild_id, object_id=stray.id).exists()
        if not is_ours:
            _take_access(stray, connection)
            fault_point("rooms.sweep_after_lock")
            is_ours = _is_proven(stray, connection)
        if is_ours:
            _delete(stray, connection, now=clock.now())
    except DiscordError as error:
        logger.warning("The stray %s %s could not be taken away: %s", stray.kind, stray.id, error)
        return False
    return is_ours


def _take_access(stray: Found, connection: Connection) -> None:
    """Let nobody into a stray channel. A role needs nothing: ours give no permission outside of their rooms."""
    wanted = rules.locked_down(Place(connection.guild_id, connection.bot_id()))
    if stray.kind is not ObjectKind.ROLE and stray.overwrites != wanted:
        connection.api.edit_overwrites(ChannelId(stray.id), tuple(sorted(wanted)), _OPTIONS)


def _is_proven(stray: Found, connection: Connection) -> bool:
    """Ask the audit log whether our bot made this; it reaches back 45 days (Discord's documentation)."""
    entries = connection.api.list_audit_log(
        connection.guild_id,
        action=_MADE_BY[stray.kind],
        user_id=connection.bot_id(),
        limit=_AUDIT_LINES,
        options=_OPTIONS,
    )
    return any(entry.target_id == stray.id for entry in entries)


def _delete(stray: Found, connection: Connection, *, now: datetime) -> None:
    ledger.note_object(None, connection.guild_id, stray.kind, stray.id, now=now)
    try:
        ask_to_delete(stray, connection.guild_id, _OPTIONS, connection)
    except NotFound as error:
        if not is_of_unknown(error, stray.kind):
            raise
    ledger.note_deleted(connection.guild_id, stray.id, now=now)
    logger.warning("The stray %s %s was taken away.", stray.kind, stray.id)
