"""When a room should exist, be seen, be looked at again."""

from datetime import datetime, timedelta

from greenroom.bookings.types import SessionStatus
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.types import Desired, Presence, RoomState, SessionFacts

# Cancelled and expired sessions have no room, whatever the time; the others go by the clock (X3).
COUNTING = frozenset(
    {SessionStatus.CONFIRMED, SessionStatus.IN_PROGRESS, SessionStatus.COMPLETED, SessionStatus.NO_SHOW}
)
RECHECK_OPEN = timedelta(seconds=60)
RECHECK_HIDDEN = timedelta(minutes=5)
RECHECK_ARCHIVED = timedelta(hours=1)
# All re-checks together stay below a third of the bot's 45 calls a second, so that opening and closing always find
# room.
_RECHECKS_CALLS_PER_SECOND = 15
# When a room that cannot be entered is no longer waited for.
_GIVE_UP_BEFORE = timedelta(minutes=2)
# A room that opens later than that is given so long to open.
_OPENS_WITHIN = timedelta(seconds=60)
_FIRST_RETRY = timedelta(seconds=2)
_LONGEST_RETRY = timedelta(seconds=60)


def provision_at(session: SessionFacts, policy: RoomPolicy) -> datetime:
    """Tell from when on the room exists."""
    return session.starts_at - policy.provision_before


def opens_at(session: SessionFacts, policy: RoomPolicy) -> datetime:
    """Tell from when on its people see the room."""
    return session.starts_at - policy.open_before


def closes_at(session: SessionFacts, policy: RoomPolicy) -> datetime:
    """Tell from when on its people cannot use the room any more."""
    return session.ends_at + policy.close_after


def torn_down_at(session: SessionFacts, policy: RoomPolicy) -> datetime:
    """Tell from when on the room is no more, or an archive."""
    return session.ends_at + policy.teardown_after


def gone_at(session: SessionFacts, policy: RoomPolicy) -> datetime:
    """Tell from when on nothing of the room is left."""
    return torn_down_at(session, policy) + policy.archive_for


def fallback_at(session: SessionFacts, policy: RoomPolicy) -> datetime:
    """Tell from when on people whose room is not ready are shown another place: two minutes before the start.

    A room that opens later than that, as its policy says, is waited for a minute.
    """
    return max(session.starts_at - _GIVE_UP_BEFORE, opens_at(session, policy) + _OPENS_WITHIN)


def is_fallback_time(session: SessionFacts, policy: RoomPolicy, now: datetime) -> bool:
    """Tell whether the people of a room that is not ready at `now` should meet somewhere else."""
    is_on = session.is_on_discord and session.status in COUNTING
    return is_on and fallback_at(session, policy) <= now < closes_at(session, policy)


def remind_at(session: SessionFacts, policy: RoomPolicy) -> datetime | None:
    """Tell from when on, until the start, people are reminded of the session; None: never."""
    is_on = session.is_on_discord and session.status in COUNTING
    return session.starts_at - policy.remind_before if is_on and policy.remind_before else None


def presence_at(session: SessionFacts, policy: RoomPolicy, now: datetime) -> Presence:
    """Tell whether the room should exist at `now`, and be seen."""
    is_wanted = session.is_on_discord and session.status in COUNTING
    if not is_wanted or not provision_at(session, policy) <= now < gone_at(session, policy):
        return Presence.ABSENT
    if now >= closes_at(session, policy):
        return Presence.ARCHIVED if now >= torn_down_at(session, policy) else Presence.CLOSED
    return Presence.OPEN if now >= opens_at(session, policy) else Presence.HIDDEN


def next_check(
    desired: Desired, policy: RoomPolicy, session: SessionFacts, now: datetime, *, call_count: int = 3
) -> datetime | None:
    """Tell when to look again at a room that is as desired; None when nothing is ever due any more.

    `call_count`: how many calls it takes to look at every standing room once; the more, the rarer each one's turn.
    """
    if desired.presence is Presence.ABSENT:
        return _next_beginning(policy, session, now)
    if desired.presence is Presence.HIDDEN:
        return min(opens_at(session, policy), now + max(RECHECK_HIDDEN, recheck_every(call_count)))
    if desired.presence is Presence.OPEN:
        return min(closes_at(session, policy), now + recheck_every(call_count))
    if desired.presence is Presence.CLOSED:
        return min(torn_down_at(session, policy), now + max(RECHECK_HIDDEN, recheck_every(call_count)))
    return min(gone_at(session, policy), now + RECHECK_ARCHIVED)


def _next_beginning(policy: RoomPolicy, session: SessionFacts, now: datetime) -> datetime | None:
    """Tell when a room that should not exist may have to; None when it never will."""
    if not session.is_on_discord or session.status is SessionStatus.CANCELLED:
        return None
    # Not confirmed: late money may still confirm it, which plans the next look. Else simply early.
    beginning = provision_at(session, policy) if session.status in COUNTING else closes_at(session, policy)
    return beginning if beginning > now else None


def recheck_every(call_count: int) -> timedelta:
    """Tell how often so many calls can be made without getting in the way of opening and closing."""
    return max(RECHECK_OPEN, timedelta(seconds=call_count / _RECHECKS_CALLS_PER_SECOND))


def next_turning_point(session: SessionFacts, policy: RoomPolicy, now: datetime) -> datetime | None:
    """Tell when the clock alone next changes what should be; None when it never does again."""
    points = (
        provision_at(session, policy),
        opens_at(session, policy),
        fallback_at(session, policy),
        closes_at(session, policy),
        torn_down_at(session, policy),
        gone_at(session, policy),
    )
    return min((point for point in points if point > now), default=None)


def retry_at(
    session: SessionFacts, policy: RoomPolicy, now: datetime, *, failure_count: int, asked: timedelta | None = None
) -> datetime:
    """Tell when to try again after the `failure_count`-th failure in a row (from 1), or after the time Discord asked.

    Never later than the next turning point: an hour's wait for a place must not delay the closing.
    """
    delay = min(_FIRST_RETRY * 2 ** min(failure_count - 1, 10), _LONGEST_RETRY) if asked is None else asked
    turning_point = next_turning_point(session, policy, now)
    return now + delay if turning_point is None else min(now + delay, turning_point)


def resting_state(session: SessionFacts, policy: RoomPolicy, now: datetime) -> RoomState:
    """Name the state of a room that should not exist and does not: still to come, or gone."""
    is_over = session.status in {SessionStatus.CANCELLED, SessionStatus.EXPIRED} or not session.is_on_discord
    return RoomState.GONE if is_over or now >= closes_at(session, policy) else RoomState.PLANNED
