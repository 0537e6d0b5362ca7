from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from greenroom.bookings.types import SessionStatus
from greenroom.rooms import rules
from greenroom.rooms.policies import TWO_STEP, WINDOW, RoomPolicy
from greenroom.rooms.types import Desired, Presence, RoomState, SessionFacts

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
END = START + timedelta(hours=1)
TICK = timedelta(microseconds=1)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ABSENT, HIDDEN, OPEN = Presence.ABSENT, Presence.HIDDEN, Presence.OPEN


def facts(status: SessionStatus = SessionStatus.CONFIRMED, *, is_on_discord: bool = True) -> SessionFacts:
    return SessionFacts(status, START, END, is_on_discord=is_on_discord)


@pytest.mark.parametrize(
    ("policy", "at", "presence"),
    [
        (WINDOW, START - 2 * HOUR - TICK, ABSENT),
        (WINDOW, START - 2 * HOUR, OPEN),
        (WINDOW, START, OPEN),
        (WINDOW, END + HOUR - TICK, OPEN),
        (WINDOW, END + HOUR, ABSENT),
        (TWO_STEP, START - 15 * MINUTE - TICK, ABSENT),
        (TWO_STEP, START - 15 * MINUTE, HIDDEN),
        (TWO_STEP, START - 5 * MINUTE - TICK, HIDDEN),
        (TWO_STEP, START - 5 * MINUTE, OPEN),
        (TWO_STEP, END + HOUR - TICK, OPEN),
        (TWO_STEP, END + HOUR, ABSENT),
        (RoomPolicy(timedelta(), timedelta(), timedelta(), timedelta()), START, OPEN),
        (RoomPolicy(timedelta(), timedelta(), timedelta(), timedelta()), END, ABSENT),
    ],
)
def test_presence_at_each_boundary_is_half_open(policy: RoomPolicy, at: datetime, presence: Presence) -> None:
    assert rules.presence_at(facts(), policy, at) is presence


@pytest.mark.parametrize("status", list(SessionStatus))
def test_presence_depends_on_the_clock_alone_while_a_session_counts(status: SessionStatus) -> None:
    is_counting = status in {"confirmed", "in_progress", "completed", "no_show"}

    assert rules.presence_at(facts(status), WINDOW, START) is (OPEN if is_counting else ABSENT)


def test_presence_of_a_session_elsewhere_is_absent() -> None:
    assert rules.presence_at(facts(is_on_discord=False), WINDOW, START) is ABSENT


@pytest.mark.parametrize(
    ("status", "presence", "at", "expected"),
    [
        (SessionStatus.CONFIRMED, ABSENT, START - 24 * HOUR, START - 15 * MINUTE),
        (SessionStatus.CONFIRMED, HIDDEN, START - 15 * MINUTE, START - 10 * MINUTE),
        (SessionStatus.CONFIRMED, HIDDEN, START - 6 * MINUTE, START - 5 * MINUTE),
        (SessionStatus.CONFIRMED, OPEN, START, START + MINUTE),
        (SessionStatus.COMPLETED, OPEN, END + HOUR - 59 * SECOND, END + HOUR),
        # Seen open, and its time passed while it was looked at: at once.
        (SessionStatus.CONFIRMED, OPEN, END + HOUR + SECOND, END + HOUR),
        (SessionStatus.CONFIRMED, ABSENT, END + HOUR, None),
        (SessionStatus.CANCELLED, ABSENT, START, None),
        # Late money may still confirm these, and their due row must be there to be moved.
        (SessionStatus.HELD, ABSENT, START, END + HOUR),
        (SessionStatus.EXPIRED, ABSENT, START, END + HOUR),
        (SessionStatus.EXPIRED, ABSENT, END + HOUR, None),
    ],
)
def test_next_check_is_the_next_thing_that_can_happen(
    status: SessionStatus, presence: Presence, at: datetime, expected: datetime | None
) -> None:
    assert rules.next_check(Desired(presence), TWO_STEP, facts(status), at) == expected


KEPT = replace(TWO_STEP, teardown_after=5 * HOUR, archive_for=24 * HOUR)


@pytest.mark.parametrize(
    ("at", "presence", "checked_at"),
    [
        (END + HOUR - TICK, Presence.OPEN, END + HOUR),
        (END + HOUR, Presence.CLOSED, END + HOUR + 5 * MINUTE),
        (END + 5 * HOUR - TICK, Presence.CLOSED, END + 5 * HOUR),
        (END + 5 * HOUR, Presence.ARCHIVED, END + 6 * HOUR),
        (END + 29 * HOUR - TICK, Presence.ARCHIVED, END + 29 * HOUR),
        (END + 29 * HOUR, ABSENT, None),
    ],
)
def test_room_is_closed_then_an_archive_then_gone(
    at: datetime, presence: Presence, checked_at: datetime | None
) -> None:
    assert rules.presence_at(facts(), KEPT, at) is presence
    assert rules.next_check(Desired(presence), KEPT, facts(), at) == checked_at


def test_next_check_of_a_session_elsewhere_is_never() -> None:
    assert rules.next_check(Desired(ABSENT), WINDOW, facts(is_on_discord=False), START) is None


@pytest.mark.parametrize(("count", "seconds"), [(0, 60), (3, 60), (900, 60), (903, 60.2), (3000, 200)])
def test_rechecks_of_many_rooms_stay_below_fifteen_calls_a_second(count: int, seconds: float) -> None:
    assert rules.recheck_every(count) == timedelta(seconds=seconds)


def test_next_check_of_many_rooms_is_later() -> None:
    assert rules.next_check(Desired(OPEN), WINDOW, facts(), START, call_count=3000) == START + 200 * SECOND


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (START - HOUR, START - 15 * MINUTE),
        (START - 15 * MINUTE, START - 5 * MINUTE),
        (START - 5 * MINUTE, START - 2 * MINUTE),
        (START - 2 * MINUTE, END + HOUR),
        (END + HOUR, None),
    ],
)
def test_next_turning_point_is_after_now(at: datetime, expected: datetime | None) -> None:
    assert rules.next_turning_point(facts(), TWO_STEP, at) == expected


@pytest.mark.parametrize(("failures", "seconds"), [(1, 2), (2, 4), (5, 32), (6, 60), (4000, 60)])
def test_retry_delay_grows_to_a_minute(failures: int, seconds: int) -> None:
    assert rules.retry_at(facts(), WINDOW, END + HOUR, failure_count=failures) == END + HOUR + seconds * SECOND


def test_retry_after_an_hour_asked_by_discord_still_comes_in_time_to_close() -> None:
    at = END + 30 * MINUTE

    assert rules.retry_at(facts(), WINDOW, at, failure_count=1, asked=HOUR) == END + HOUR


@pytest.mark.parametrize(
    ("status", "at", "state"),
    [
        (SessionStatus.CONFIRMED, START - 24 * HOUR, RoomState.PLANNED),
        (SessionStatus.HELD, START, RoomState.PLANNED),
        (SessionStatus.COMPLETED, END + HOUR, RoomState.GONE),
        (SessionStatus.CANCELLED, START - 24 * HOUR, RoomState.GONE),
        (SessionStatus.EXPIRED, START - 24 * HOUR, RoomState.GONE),
    ],
)
def test_resting_state_tells_what_comes_from_what_is_over(
    status: SessionStatus, at: datetime, state: RoomState
) -> None:
    assert rules.resting_state(facts(status), WINDOW, at) is state
