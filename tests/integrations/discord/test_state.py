from datetime import timedelta

from greenroom.integrations.discord.state import STOP_AT, BotStatus, InMemoryBotState


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
