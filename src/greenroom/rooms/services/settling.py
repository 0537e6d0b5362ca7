"""How a run over a room ends: what was seen is written down, the turn is given back, the next look is set."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from greenroom.core import clock
from greenroom.integrations.discord.errors import (
    CapacityReached,
    DiscordError,
    Forbidden,
    RateLimited,
    RetryableError,
    Unauthorized,
)
from greenroom.rooms import rules
from greenroom.rooms.errors import NotYetError, RoleOutOfReachError
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.services.people import sync_rows
from greenroom.rooms.services.turns import Situation, Turn, holding, set_state
from greenroom.rooms.types import STANDING, AccessState, ObjectKind, Presence, RoomState

# So many failures in a row that would pass by themselves are told to people and to the operator.
_PATIENCE = 3
_QUIET = {
    Presence.HIDDEN: RoomState.HIDDEN,
    Presence.CLOSED: RoomState.CLOSED,
    Presence.ARCHIVED: RoomState.ARCHIVED,
}
_UNCONFIGURED_RETRY = timedelta(minutes=5)
_DEAD_TOKEN_RETRY = timedelta(seconds=60)
_NOT_SET_UP = "Discord is not set up on this site."
_REFUSED = "The Discord server does not let us manage the room."
_MAX_DETAIL = 500
# A room made or opened in this run looks at its people a moment later: other rooms' openings go first.
_PEOPLE_DELAY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """When to run again; `at` (aware) is None when nothing is ever due for this room any more."""

    at: datetime | None
    reason: str = ""


def settle(turn: Turn, seen: Situation, *, are_people_due: bool = False) -> Verdict:
    """Write down that the room is as `seen.desired` says and when to look again. Raises: TurnLostError."""
    now = clock.now()
    call_count = _calls_of_a_round()
    with holding(turn, now=now) as room:
        sync_rows(room, seen)
        if seen.desired.presence is Presence.ABSENT:
            set_state(room, rules.resting_state(seen.session, room.policy, now), now=now)
        else:
            _note_standing(room, seen, now)
        _clear_failure(room)
        next_at = rules.next_check(seen.desired, room.policy, seen.session, now, call_count=call_count)
        if are_people_due and seen.desired.presence is not Presence.ABSENT:
            next_at = now + _PEOPLE_DELAY
        return _end(room, Verdict(next_at, f"The room is {room.state}."))


def _calls_of_a_round() -> int:
    """Count the calls it takes to look at every standing room once.

    Each object is read, and two people; of a role also how many have it.
    """
    objects = DiscordObject.objects.filter(room__state__in=STANDING, deleted_at__isnull=True)
    counts = objects.aggregate(all=Count("pk"), roles=Count("pk", filter=Q(kind=ObjectKind.ROLE)))
    room_count = Room.objects.filter(state__in=STANDING).count()
    return 2 * room_count + int(counts["all"]) + int(counts["roles"])


def _note_standing(room: Room, seen: Situation, now: datetime) -> None:
    quiet = _QUIET.get(seen.desired.presence)
    if quiet is not None:
        if quiet is not RoomState.HIDDEN:
            room.closed_at = room.closed_at or now
        set_state(room, quiet, now=now)
        return
    granted = set(room.accesses.filter(state=AccessState.GRANTED).values_list("discord_user_id", flat=True))
    is_full = all(person.discord_user_id in granted for person in seen.participants)
    room.opened_at, room.closed_at = room.opened_at or now, None
    set_state(room, RoomState.OPEN if is_full else RoomState.OPEN_PARTIAL, now=now)


def pause(turn: Turn, wait: NotYetError) -> Verdict:
    """Give the turn back until `wait.at`; nothing is wrong. Raises: TurnLostError."""
    with holding(turn, now=clock.now()) as room:
        return _end(room, Verdict(wait.at, wait.reason))


def note_unconfigured(turn: Turn, seen: Situation) -> Verdict:
    """Write down that there is no Discord to make this room in. Raises: TurnLostError."""
    now = clock.now()
    with holding(turn, now=now) as room:
        sync_rows(room, seen)
        set_state(room, RoomState.BLOCKED, now=now)
        room.last_error, room.last_error_detail = _NOT_SET_UP, "Set the DISCORD_ variables and restart."
        return _end(room, Verdict(_later(seen, room, now, _UNCONFIGURED_RETRY), _NOT_SET_UP))


def note_failure(turn: Turn, seen: Situation, error: DiscordError) -> Verdict:
    """Write down what went wrong, for the person and for the operator, and when to try again.

    Being asked to slow down for up to a minute is no failure. Raises: TurnLostError.
    """
    now = clock.now()
    with holding(turn, now=now) as room:
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if asked is not None and asked <= timedelta(minutes=1):
            return _end(room, Verdict(_later(seen, room, now, asked), str(error)))
        room.failure_count += 1
        is_plain = not isinstance(error, Forbidden) or isinstance(error, RoleOutOfReachError)
        room.last_error = error.message if is_plain else _REFUSED
        room.last_error_detail = str(error)[:_MAX_DETAIL]
        set_state(room, _state_after(room, seen, error), now=now)
        if isinstance(error, Unauthorized):
            asked = _DEAD_TOKEN_RETRY
        at = rules.retry_at(seen.session, room.policy, now, failure_count=room.failure_count, asked=asked)
        return _end(room, Verdict(at, str(error)))


def _state_after(room: Room, seen: Situation, error: DiscordError) -> RoomState:
    if isinstance(error, Unauthorized):
        return RoomState.BLOCKED
    if seen.desired.presence not in {Presence.HIDDEN, Presence.OPEN}:
        return RoomState.CLOSING
    is_passing = isinstance(error, RetryableError) and room.failure_count < _PATIENCE
    if not is_passing or isinstance(error, CapacityReached):
        return RoomState.DEGRADED
    stands = any(it.object_id is not None for it in seen.objects)
    return RoomState(room.state) if stands else RoomState.PROVISIONING


def _later(seen: Situation, room: Room, now: datetime, delay: timedelta) -> datetime:
    return rules.retry_at(seen.session, room.policy, now, failure_count=1, asked=delay)


def _clear_failure(room: Room) -> None:
    room.failure_count, room.last_error, room.last_error_detail = 0, "", ""


def _end(room: Room, verdict: Verdict) -> Verdict:
    room.turn_token, room.turn_until, room.next_check_at = "", None, verdict.at
    return verdict
