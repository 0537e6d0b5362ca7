from datetime import timedelta

import pytest

from greenroom.integrations.discord.state import SPACING, STOP_AT, BotStatus, InMemoryBotState


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_state_at_first_holds_nothing_back() -> None:
    assert InMemoryBotState(Clock()).status() == BotStatus()


def test_state_dead_token_stays_dead() -> None:
    state = InMemoryBotState(Clock())

    state.mark_token_dead()
    state.mark_token_dead()

    assert state.status().is_token_dead


def test_state_stop_is_never_shortened_and_ends() -> None:
    clock = Clock()
    state = InMemoryBotState(clock)

    state.stop_all(timedelta(seconds=60))
    state.stop_all(timedelta(seconds=5))
    clock.seconds += 10
    assert state.status().stopped_for == timedelta(seconds=50)

    clock.seconds += 50
    assert state.status().stopped_for == timedelta()


def test_state_invalid_answers_are_forgotten_after_ten_minutes() -> None:
    clock = Clock()
    state = InMemoryBotState(clock)

    state.record_invalid()
    clock.seconds += 300
    state.record_invalid()
    clock.seconds += 300

    assert state.status().invalid_count == 1


def test_state_counts_no_further_than_the_stop() -> None:
    state = InMemoryBotState(Clock())

    for _ in range(STOP_AT + 5):
        state.record_invalid()

    assert state.status().invalid_count == STOP_AT


def test_state_places_never_let_more_than_fifty_leave_in_a_second() -> None:
    clock = Clock()
    state = InMemoryBotState(clock)

    left_at = []
    for number in range(450):
        clock.seconds += 0.4 if number == 200 else 0.001
        left_at.append(clock.seconds + state.take_place(timedelta(hours=1)).total_seconds())

    assert max(sum(start <= at < start + 1 for at in left_at) for start in left_at) <= 46
    assert left_at[-1] - left_at[0] <= 450 / 45 + 0.4


def test_state_slow_place_keeps_the_next_one_away_for_longer() -> None:
    state = InMemoryBotState(Clock())

    assert state.take_place(timedelta(), is_slow=True) == timedelta()
    assert state.take_place(timedelta(seconds=1)) == timedelta(seconds=0.2)


def test_state_place_that_is_too_far_away_is_not_taken() -> None:
    state = InMemoryBotState(Clock())
    state.take_place(timedelta())

    first = state.take_place(timedelta(seconds=0.01))

    assert first == state.take_place(timedelta(seconds=0.01)) == pytest.approx(SPACING, abs=timedelta(microseconds=2))
    assert state.take_place(timedelta(seconds=1)) == first
    assert state.take_place(timedelta(seconds=1)) > first
