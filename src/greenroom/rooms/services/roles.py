"""Whether a room gets a role of its own, and who has it.

Discord makes at most 250 roles in a server, and (observed, not documented) about 250 in 48 hours, whether they still
exist or not. A room never waits for a role: when there is none to be had, people are let in one by one.
"""

import logging
from contextlib import suppress
from datetime import timedelta

from greenroom.core import audit, clock
from greenroom.core.actors import SYSTEM
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import (
    Cap,
    CapacityReached,
    DiscordError,
    Forbidden,
    NotFound,
    PermanentError,
    RateLimited,
    Scope,
)
from greenroom.integrations.discord.types import DiscordUserId, GuildId, RoleId
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError, RoleOutOfReachError
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.policies import AccessMethod
from greenroom.rooms.services.turns import Situation, Turn, holding, reason_of
from greenroom.rooms.types import ObjectKind

logger = logging.getLogger(__name__)

# What `auto` leaves of Discord's 250 and 250 for people and for other bots.
MOST_ROLES = 240
MOST_CREATED = 200
CREATED_WINDOW = timedelta(hours=48)
# A longer wait for a role is as good as none: the room does without.
_LONGEST_WAIT = timedelta(minutes=1)
_OF_THIS_ROUTE = (Scope.USER, Scope.SHARED, Scope.PACING)


def may_ask_for_one(room: Room, guild_id: GuildId, connection: Connection) -> bool:
    """Tell whether there is plenty left for a room that takes a role only then; at most one call.

    Raises: DiscordError.
    """
    if room.access_method != AccessMethod.AUTO:
        return True
    made = DiscordObject.objects.filter(
        kind=ObjectKind.ROLE, guild_id=guild_id, seen_at__gt=clock.now() - CREATED_WINDOW
    )
    return made.count() < MOST_CREATED and len(connection.api.list_roles(guild_id)) < MOST_ROLES


def is_used_up(error: DiscordError) -> bool:
    """Tell whether Discord makes no more roles for now, by its cap or by its budget of two days."""
    if isinstance(error, RateLimited):
        return error.scope in _OF_THIS_ROUTE and error.retry_after > _LONGEST_WAIT
    return isinstance(error, CapacityReached) and error.cap is Cap.ROLES


def do_without(turn: Turn, why: str) -> None:
    """Let the people of this room in one by one from now on. A second call changes nothing. Raises: TurnLostError."""
    now = clock.now()
    with holding(turn, now=now) as room:
        if room.does_without_role:
            return
        room.does_without_role = True
        audit.record(actor=SYSTEM, action="room.do_without_role", target=room, now=now, after={"why": why})
    logger.warning("%s does without a role: %s", room, why)


def align(
    turn: Turn,
    situation: Situation,
    user_id: DiscordUserId,
    connection: Connection,
    *,
    has_role: bool,
    may_enter: bool,
) -> None:
    """Give or take the room's role, if it has one and the person lacks it or has it against the rules.

    A role that stands above the bot's own is given up: the next run lets people in one by one.
    Raises: RoleOutOfReachError, DiscordError, TurnLostError.
    """
    role_id = situation.role_id
    if role_id is None or has_role == may_enter:
        return
    guild_id, options = GuildId(situation.objects[0].guild_id), reason_of(situation.room, "access")
    try:
        if may_enter:
            connection.api.add_member_role(guild_id, user_id, role_id, options)
        else:
            connection.api.remove_member_role(guild_id, user_id, role_id, options)
        fault_point("rooms.after_grant")
    except NotFound as error:
        # Who is not there needs nothing taken away.
        if may_enter or error.discord_code != DiscordCode.UNKNOWN_MEMBER:
            raise
    except Forbidden as error:
        do_without(turn, "the role stands above the bot's own")
        raise out_of_reach(error) from error


def check_holders(turn: Turn, situation: Situation, expected: int, connection: Connection) -> None:
    """Give the role up when more people have it than should: who they are is not ours to ask, so nobody keeps it.

    Raises: NotYetError for the room to be changed at once, RetryableError, TurnLostError.
    """
    role_id = situation.role_id
    if role_id is None:
        return
    held = expected
    with suppress(PermanentError):
        held = connection.api.count_role_members(GuildId(situation.objects[0].guild_id)).get(RoleId(role_id), 0)
    if held > expected:
        do_without(turn, f"{held} people have the role, {expected} should")
        raise NotYetError(clock.now(), "Somebody was given the role of this room by hand.")


def out_of_reach(error: Forbidden) -> RoleOutOfReachError:
    """Say which of the permissions is missing: the rank of a role, which its code does not tell."""
    return RoleOutOfReachError(error.detail)
