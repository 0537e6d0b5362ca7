"""Making the changes of a plan at Discord, one at a time, each written down before or after as safety asks."""

import logging
from dataclasses import replace

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import BadRequest, DiscordError, Forbidden, NotFound, OutcomeUnknown
from greenroom.integrations.discord.protocol import CallOptions
from greenroom.integrations.discord.types import ChannelId, DiscordUserId, GuildId, NewChannel, OverwriteTarget, RoleId
from greenroom.rooms import rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError, TurnLostError
from greenroom.rooms.models import DiscordObject, Room, RoomAccess
from greenroom.rooms.services import ledger, roles
from greenroom.rooms.services.looking import CHANNEL_TYPES, found_channel
from greenroom.rooms.services.turns import Situation, Turn, holding, reason_of, set_state
from greenroom.rooms.types import (
    AFTERWARDS,
    AccessState,
    Change,
    CreateObject,
    DeleteObject,
    Found,
    ObjectKind,
    Place,
    Presence,
    RoomState,
    SetOverwrites,
)

logger = logging.getLogger(__name__)


def make_change(turn: Turn, situation: Situation, change: Change, place: Place, connection: Connection) -> Found | None:
    """Make one change; returns the object as Discord's own answer shows it, or None when that has to be looked up.

    Raises: TurnLostError, NotYetError, DiscordError.
    """
    if isinstance(change, DeleteObject):
        _delete(turn, situation, change.target, place, connection)
        return None
    if isinstance(change, CreateObject):
        return _create(turn, situation, change, place, connection)
    try:
        return _set_overwrites(situation, change, place, connection)
    except DiscordError:
        if situation.desired.presence in AFTERWARDS:
            lock_down(situation.room, change.target, place, connection)
        raise


def _create(
    turn: Turn, situation: Situation, change: CreateObject, place: Place, connection: Connection
) -> Found | None:
    is_role = change.kind is ObjectKind.ROLE
    if is_role and not roles.may_ask_for_one(situation.room, place.guild_id, connection):
        roles.do_without(turn, "the server has few roles left")
        return None
    request = ledger.begin_create(turn, change.kind, place.guild_id, now=clock.now())
    fault_point("rooms.after_intent")
    try:
        made = _ask_for(situation.room, request, change, connection)
    except OutcomeUnknown as error:
        raise NotYetError(clock.now() + rules.FIRST_LOOK, str(error)) from error
    except DiscordError as error:
        ledger.note_refused(turn, request, now=clock.now())
        if not is_role or not roles.is_used_up(error):
            raise
        roles.do_without(turn, str(error))
        return None
    fault_point("rooms.after_create")
    if not ledger.note_created(request, made.id, now=clock.now()):
        # Nobody waits for it any more: another run gave this request up. The sweep is the net beneath this.
        ask_to_delete(made, place.guild_id, reason_of(situation.room, "drop"), connection)
        ledger.note_deleted(place.guild_id, made.id, now=clock.now())
        raise TurnLostError
    fault_point("rooms.after_channel_saved")
    return made


def _ask_for(room: Room, request: DiscordObject, change: CreateObject, connection: Connection) -> Found:
    guild_id, options = GuildId(request.guild_id), reason_of(room, f"create gen={request.generation}")
    if change.kind is ObjectKind.ROLE:
        return Found(
            change.kind, connection.api.create_role(guild_id, room.policy.role_name(request.marker), options).id
        )
    name, kind = room.policy.channel_name(request.marker), CHANNEL_TYPES[change.kind]
    new = NewChannel(name, tuple(sorted(change.overwrites)), kind)
    return found_channel(connection.api.create_channel(guild_id, new, options), change.kind)


def _set_overwrites(situation: Situation, change: SetOverwrites, place: Place, connection: Connection) -> Found | None:
    """Replace who sees a channel, and put out of it whom the old overwrites named and the new ones do not."""
    target, is_closing = change.target, situation.desired.presence in AFTERWARDS
    options = replace(reason_of(situation.room, "access"), is_closing=is_closing)
    try:
        channel = connection.api.edit_overwrites(ChannelId(target.id), tuple(sorted(change.overwrites)), options)
    except NotFound as error:
        if error.discord_code != DiscordCode.UNKNOWN_CHANNEL:
            raise
        return None
    fault_point("rooms.after_grant")
    named = {it.target_id for it in change.overwrites}
    for gone in target.overwrites:
        if gone.target_type is OverwriteTarget.MEMBER and gone.target_id not in named:
            _put_out(situation.room, target, place.guild_id, DiscordUserId(gone.target_id), connection)
    return found_channel(channel, target.kind)


def _delete(turn: Turn, situation: Situation, target: Found, place: Place, connection: Connection) -> None:
    room = situation.room
    with holding(turn, now=clock.now()) as locked:
        if situation.desired.presence is Presence.ABSENT:
            set_state(locked, RoomState.CLOSING, now=clock.now())
    fault_point("rooms.before_delete")
    try:
        ask_to_delete(target, place.guild_id, reason_of(room, "close"), connection)
    except NotFound as error:
        logger.info("The %s of %s was deleted by somebody else: %s", target.kind, room, error)
    except DiscordError as error:
        if target.kind is not ObjectKind.ROLE:
            lock_down(room, target, place, connection)
        elif isinstance(error, Forbidden):
            raise roles.out_of_reach(error) from error
        raise
    fault_point("rooms.after_delete")


def ask_to_delete(target: Found, guild_id: GuildId, options: CallOptions, connection: Connection) -> None:
    """Ask Discord to delete a channel or a role. Raises: NotFound when it is gone already, DiscordError."""
    if target.kind is ObjectKind.ROLE:
        connection.api.delete_role(guild_id, RoleId(target.id), options)
        return
    connection.api.delete_channel(ChannelId(target.id), options)


def lock_down(room: Room, target: Found, place: Place, connection: Connection) -> None:
    """Take everybody's access to a channel that cannot be deleted, and put out who is in it; as far as it goes.

    Never raises for Discord: whatever fails here is tried again together with the deletion.
    """
    options = CallOptions(reason=reason_of(room, "lock").reason, is_closing=True)
    try:
        connection.api.edit_overwrites(ChannelId(target.id), tuple(sorted(rules.locked_down(place))), options)
    except DiscordError as error:
        logger.warning("The %s could not be locked: %s", room, error)
    fault_point("rooms.after_lock_down")
    linked = RoomAccess.objects.filter(room=room, discord_user_id__isnull=False).exclude(state=AccessState.UNLINKED)
    for user_id in linked.values_list("discord_user_id", flat=True):
        _put_out(room, target, place.guild_id, DiscordUserId(user_id or 0), connection)


def _put_out(room: Room, target: Found, guild_id: GuildId, user_id: DiscordUserId, connection: Connection) -> None:
    """Put a person out of a channel, if people can be in it; never raises for Discord."""
    if target.kind is not ObjectKind.VOICE:
        return
    try:
        eject(guild_id, target.id, user_id, connection)
    except DiscordError as error:
        logger.warning("Somebody in the %s could not be put out: %s", room, error)


def eject(guild_id: GuildId, channel_id: int, user_id: DiscordUserId, connection: Connection) -> None:
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
