"""Making the changes of a plan at Discord, one at a time, each written down before or after as safety asks."""

import logging

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import BadRequest, DiscordError, NotFound, OutcomeUnknown
from greenroom.integrations.discord.protocol import CallOptions
from greenroom.integrations.discord.types import Channel, ChannelId, DiscordUserId, GuildId, NewChannel
from greenroom.rooms import rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError, TurnLostError
from greenroom.rooms.models import Room, RoomAccess
from greenroom.rooms.services import ledger
from greenroom.rooms.services.turns import Situation, Turn, holding, set_state
from greenroom.rooms.types import (
    AccessState,
    Actual,
    Change,
    CreateChannel,
    DeleteChannel,
    Place,
    RoomState,
    SetOverwrites,
)

logger = logging.getLogger(__name__)


def reason_of(room: Room, operation: str) -> CallOptions:
    """Return call options that name room, generation and operation in the server's audit log."""
    return CallOptions(reason=f"coaching room={room.ref} gen={room.generation} op={operation}")


def make_change(
    turn: Turn, situation: Situation, change: Change, actual: Actual, connection: Connection
) -> Actual | None:
    """Make one change; returns what is now, as Discord's own answer says, or None when that has to be looked up.

    Raises: TurnLostError, NotYetError, DiscordError.
    """
    if isinstance(change, DeleteChannel):
        return _delete(turn, situation, change.channel_id, actual, connection)
    try:
        if isinstance(change, CreateChannel):
            return Actual(actual.place, (_create(turn, change, actual.place.guild_id, connection),))
        return _set_overwrites(situation, change, actual, connection)
    except NotFound as error:
        if error.discord_code != DiscordCode.UNKNOWN_CHANNEL:
            raise
        return None


def _create(turn: Turn, change: CreateChannel, guild_id: GuildId, connection: Connection) -> Channel:
    room = ledger.begin_create(turn, guild_id, now=clock.now())
    fault_point("rooms.after_intent")
    new = NewChannel(rules.channel_name(room.marker), tuple(sorted(change.overwrites)))
    try:
        channel = connection.api.create_channel(guild_id, new, reason_of(room, "create"))
    except OutcomeUnknown as error:
        raise NotYetError(clock.now() + rules.FIRST_LOOK, str(error)) from error
    except DiscordError:
        ledger.note_refused(turn, now=clock.now())
        raise
    fault_point("rooms.after_create")
    if not ledger.note_created(turn, room.generation, channel, guild_id, now=clock.now()):
        # Nobody waits for it any more: another run gave this request up. The sweep is the net beneath this.
        connection.api.delete_channel(channel.id, reason_of(room, "drop"))
        ledger.note_deleted(guild_id, channel.id, now=clock.now())
        raise TurnLostError
    fault_point("rooms.after_channel_saved")
    return channel


def _set_overwrites(situation: Situation, change: SetOverwrites, actual: Actual, connection: Connection) -> Actual:
    options = reason_of(situation.room, "access")
    channel = connection.api.edit_overwrites(change.channel_id, tuple(sorted(change.overwrites)), options)
    fault_point("rooms.after_grant")
    return Actual(actual.place, (channel,))


def _delete(
    turn: Turn, situation: Situation, channel_id: ChannelId, actual: Actual, connection: Connection
) -> Actual | None:
    room = situation.room
    with holding(turn, now=clock.now()) as locked:
        # Asked of the row itself: the channel may have been found since the situation was read.
        is_spare = locked.channel_id != channel_id
        if not is_spare:
            set_state(locked, RoomState.CLOSING, now=clock.now())
    fault_point("rooms.before_delete")
    try:
        connection.api.delete_channel(channel_id, reason_of(room, "close"))
    except NotFound as error:
        logger.info("Room %s was deleted by somebody else: %s", room, error)
    except DiscordError:
        lock_down(room, channel_id, actual.place, connection)
        raise
    fault_point("rooms.after_delete")
    if not is_spare:
        return None
    ledger.note_deleted(actual.place.guild_id, channel_id, now=clock.now())
    return Actual(actual.place, tuple(it for it in actual.channels if it.id != channel_id))


def lock_down(room: Room, channel_id: ChannelId, place: Place, connection: Connection) -> None:
    """Take everybody's access to a channel that cannot be deleted, and put out who is in it; as far as it goes.

    Never raises for Discord: whatever fails here is tried again together with the deletion.
    """
    options = CallOptions(reason=reason_of(room, "lock").reason, is_closing=True)
    try:
        connection.api.edit_overwrites(channel_id, tuple(sorted(rules.locked_down(place))), options)
    except DiscordError as error:
        logger.warning("Room %s could not be locked: %s", room, error)
    fault_point("rooms.after_lock_down")
    linked = RoomAccess.objects.filter(room=room, discord_user_id__isnull=False).exclude(state=AccessState.UNLINKED)
    for user_id in linked.values_list("discord_user_id", flat=True):
        try:
            eject(place.guild_id, channel_id, DiscordUserId(user_id or 0), connection)
        except DiscordError as error:
            logger.warning("Somebody in room %s could not be put out: %s", room, error)


def eject(guild_id: GuildId, channel_id: ChannelId, user_id: DiscordUserId, connection: Connection) -> None:
    """Put a person out of this channel's voice, and out of no other: they may be in their next session already.

    Losing an overwrite does not disconnect anybody (Discord computes permissions when a person connects).
    Raises: DiscordError.
    """
    try:
        if connection.api.get_voice_state(guild_id, user_id).channel_id != channel_id:
            return
        connection.api.disconnect_member(guild_id, user_id)
    except NotFound as error:
        logger.debug("Nobody to put out: %s", error)
    except BadRequest as error:
        if error.discord_code != DiscordCode.NOT_IN_VOICE:
            raise
