"""Each person's way into a room: the account they linked, the server they must be in, what they are told."""

import logging
from dataclasses import dataclass

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    RetryableError,
    TokenRevoked,
)
from greenroom.integrations.discord.types import DiscordUserId, GuildId, RoleId
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError
from greenroom.rooms.models import Room, RoomAccess
from greenroom.rooms.rules.page import LINK_REVOKED, PENDING, UNKNOWN_ACCOUNT
from greenroom.rooms.services import roles, tokens
from greenroom.rooms.services.changing import eject
from greenroom.rooms.services.looking import guild_of
from greenroom.rooms.services.turns import Situation, Turn, holding
from greenroom.rooms.types import AFTERWARDS, AccessState, ObjectKind, Participant, Presence

logger = logging.getLogger(__name__)

_INSIDE = (AccessState.GRANTED, AccessState.WAITING, AccessState.JOINING)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one person."""

    state: AccessState
    error: str = ""


def sync_rows(room: Room, situation: Situation) -> None:
    """Make the access rows say what is known without asking Discord; in the caller's transaction, room locked.

    Everybody who belongs into the room has a row. A person known to be in the server is granted when the room
    opens; nobody has access to a room that is gone.
    """
    if situation.desired.presence not in {Presence.HIDDEN, Presence.OPEN}:
        room.accesses.filter(state__in=_INSIDE).update(state=AccessState.REVOKED)
        return
    ensure_rows(room, situation)
    if ObjectKind.ROLE in situation.desired.kinds:
        # Who has the role was told by Discord, person by person.
        return
    waiting = room.accesses.filter(state=AccessState.WAITING, discord_user_id__in=situation.desired.people)
    waiting.update(state=AccessState.GRANTED)


def ensure_rows(room: Room, situation: Situation) -> None:
    """Give everybody who belongs into the room a row for the account they have now; in the caller's transaction."""
    for person in situation.participants:
        _row_of(room, person).save()


def _row_of(room: Room, person: Participant) -> RoomAccess:
    """Return the row of a person with the account they have now; an unlinked row becomes the account's."""
    of_person = room.accesses.filter(booking=person.booking_id)
    user_id = person.discord_user_id
    row = of_person.filter(discord_user_id=user_id).first() if user_id is not None else None
    row = row or of_person.filter(discord_user_id__isnull=True).first()
    if row is None:
        row = RoomAccess(room=room, role=person.role, booking_id=person.booking_id)
    if user_id is None:
        return row
    # The same account may have come by another booking before: one row per account.
    taken = room.accesses.filter(discord_user_id=user_id).exclude(pk=row.pk).first()
    row = taken or row
    if row.discord_user_id is None or row.state == AccessState.REVOKED:
        row.state, row.last_error = AccessState.JOINING, ""
    row.role, row.booking_id, row.discord_user_id = person.role, person.booking_id, user_id
    return row


def check_people(turn: Turn, situation: Situation, connection: Connection) -> None:
    """Bring everybody into the server who may be, put out who no longer belongs, and write down how each stands.

    One person's trouble does not keep the others from being looked at.
    Raises: TurnLostError, and the first RetryableError or NotYetError once all were tried.
    """
    guild_id = guild_of(situation, connection)
    late: RetryableError | NotYetError | None = None
    with holding(turn, now=clock.now()) as room:
        ensure_rows(room, situation)
    _put_out_strangers(turn, situation, guild_id, connection)
    if situation.desired.presence in AFTERWARDS:
        return
    let_in = 0
    for person in situation.participants:
        if person.discord_user_id is None or person.identity_id is None:
            continue
        try:
            finding = _bring_about(turn, situation, person, guild_id, connection)
        except (RetryableError, NotYetError) as error:
            late = late or error
            continue
        _write_down(turn, person.discord_user_id, finding)
        let_in += finding.state is AccessState.GRANTED
    if late is not None:
        raise late
    roles.check_holders(turn, situation, let_in, connection)


def _bring_about(
    turn: Turn, situation: Situation, person: Participant, guild_id: GuildId, connection: Connection
) -> Finding:
    """Find out how a person stands, bring them in if they may be, and give or take the room's role."""
    user_id = DiscordUserId(person.discord_user_id or 0)
    finding, role_ids = _find_out(situation, person, user_id, guild_id, connection)
    if finding.state in _INSIDE:
        has_role, may_enter = situation.role_id in role_ids, finding.state is AccessState.GRANTED
        roles.align(turn, situation, user_id, connection, has_role=has_role, may_enter=may_enter)
    return finding


def _find_out(
    situation: Situation, person: Participant, user_id: DiscordUserId, guild_id: GuildId, connection: Connection
) -> tuple[Finding, tuple[RoleId, ...]]:
    """Find out how a person stands and which roles they have."""
    try:
        member = connection.api.get_member(guild_id, user_id)
    except NotFound as error:
        if error.discord_code == DiscordCode.UNKNOWN_USER:
            return Finding(AccessState.FAILED, UNKNOWN_ACCOUNT), ()
        if error.discord_code != DiscordCode.UNKNOWN_MEMBER:
            raise
        return _bring_in(situation, person, user_id, guild_id, connection), ()
    finding = Finding(AccessState.JOINING, PENDING) if member.is_pending else _inside(situation, user_id)
    return finding, member.role_ids


def _inside(situation: Situation, user_id: DiscordUserId) -> Finding:
    return Finding(AccessState.GRANTED if user_id in situation.desired.people else AccessState.WAITING)


def _bring_in(
    situation: Situation, person: Participant, user_id: DiscordUserId, guild_id: GuildId, connection: Connection
) -> Finding:
    access_token: str | None = None
    try:
        access_token = tokens.fresh_access_token(person.identity_id or 0, connection)
        if access_token is None:
            return _not_in_guild(situation, user_id)
        connection.api.add_member(guild_id, user_id, access_token)
    except TokenRevoked:
        if access_token is not None:
            tokens.forget_grant(person.identity_id or 0, access_token)
        return Finding(AccessState.UNLINKED, LINK_REVOKED)
    except (Forbidden, BadRequest) as error:
        logger.warning("A person could not be brought into the server: %s", error)
        code = str(int(error.discord_code or 0))
        is_their_grant = error.discord_code == DiscordCode.MISSING_SCOPE
        return Finding(AccessState.NOT_IN_GUILD if is_their_grant else AccessState.FAILED, code)
    fault_point("rooms.after_join")
    return _inside(situation, user_id)


def _not_in_guild(situation: Situation, user_id: DiscordUserId) -> Finding:
    """Tell a link that broke from one that never allowed to bring the person in."""
    row = RoomAccess.objects.filter(room=situation.room, discord_user_id=user_id).first()
    if row is not None and row.last_error == LINK_REVOKED:
        return Finding(AccessState.UNLINKED, LINK_REVOKED)
    return Finding(AccessState.NOT_IN_GUILD)


def _write_down(turn: Turn, user_id: DiscordUserId, finding: Finding) -> None:
    now = clock.now()
    with holding(turn, now=now) as room:
        room.accesses.filter(discord_user_id=user_id).update(
            state=finding.state, last_error=finding.error, checked_at=now
        )


def _put_out_strangers(turn: Turn, situation: Situation, guild_id: GuildId, connection: Connection) -> None:
    """Disconnect people who had access and should have none now: linked anew, moved to another time, all is over."""
    room = situation.room
    is_over = situation.desired.presence in AFTERWARDS
    belonging = set() if is_over else {person.discord_user_id for person in situation.participants}
    for row in RoomAccess.objects.filter(room=room, state__in=_INSIDE, discord_user_id__isnull=False):
        user_id = DiscordUserId(row.discord_user_id or 0)
        has_too_much = row.state == AccessState.GRANTED and (is_over or user_id not in situation.desired.people)
        if has_too_much:
            roles.align(turn, situation, user_id, connection, has_role=True, may_enter=False)
            for voice_id in situation.ids_of(ObjectKind.VOICE):
                eject(guild_id, voice_id, user_id, connection)
        if has_too_much or user_id not in belonging:
            _write_down(turn, user_id, Finding(AccessState.WAITING if user_id in belonging else AccessState.REVOKED))
