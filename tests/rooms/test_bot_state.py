import threading
from datetime import timedelta
from time import monotonic

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from tests.factories.clock import SettableClock
from tests.factories.rooms import StillTime
from tests.factories.waiting import PATIENCE_SECONDS

from greenroom.integrations.discord.state import SLOW_SPACING, SPACING, BotState, BotStatus
from greenroom.rooms.bot_state import DatabaseBotState
from greenroom.rooms.models import BotRecord, BotRefusals

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

TOKEN = "token"

pytestmark = pytest.mark.django_db


@pytest.fixture
def time() -> StillTime:
    return StillTime()


@pytest.fixture
def state(frozen_clock: SettableClock, time: StillTime) -> DatabaseBotState:  # noqa: ARG001 -- durable times
    return DatabaseBotState(TOKEN, time.monotonic)


def other(time: StillTime, token: str = TOKEN) -> BotState:
    """Another process's view, which has just started."""
    return DatabaseBotState(token, time.monotonic)


def test_new_token_has_a_clean_record(state: DatabaseBotState) -> None:
    assert state.status() == BotStatus()
    assert BotRecord.objects.count() == 0


def test_dead_token_is_known_to_other_processes_and_after_a_restart(state: DatabaseBotState, time: StillTime) -> None:
    state.mark_token_dead()
    state.mark_token_dead()

    assert state.status().is_token_dead
    assert other(time).status().is_token_dead
    assert not other(time, "a new token").status().is_token_dead
    assert BotRecord.objects.get().fingerprint.startswith("3c469e9d6c5875d3")  # sha256 of "token"
    assert str(BotRecord.objects.get()) == "bot 3c469e9d"


def test_revived_token_is_used_again(state: DatabaseBotState) -> None:
    state.mark_token_dead()
    state.revive_token()

    assert state.status() == BotStatus()
    assert BotRecord.objects.get().died_at is None


def test_stop_for_all_is_never_shortened(state: DatabaseBotState, time: StillTime, frozen_clock: SettableClock) -> None:
    state.stop_all(60 * SECOND)
    state.stop_all(10 * SECOND)
    assert other(time).status().stopped_for == 60 * SECOND
    state.stop_all(90 * SECOND)
    assert state.status().stopped_for == 90 * SECOND

    frozen_clock.advance(91 * SECOND)
    assert other(time).status().stopped_for == timedelta()


def test_refusals_are_counted_over_ten_minutes(
    state: DatabaseBotState, time: StillTime, frozen_clock: SettableClock
) -> None:
    state.record_invalid()
    state.record_invalid()
    frozen_clock.advance(5 * MINUTE)
    other(time).record_invalid()
    time.sleep(1)
    assert state.status().invalid_count == 3

    frozen_clock.advance(5 * MINUTE)
    time.sleep(1)
    assert state.status().invalid_count == 1
    state.record_invalid()
    assert BotRefusals.objects.count() == 2


def test_status_is_read_once_a_second(
    state: DatabaseBotState, time: StillTime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    other(time).mark_token_dead()
    with django_assert_num_queries(2):
        for _ in range(5):
            state.status()
    time.sleep(1)
    with django_assert_num_queries(2):
        state.status()


def test_places_are_shared_by_all_processes(time: StillTime) -> None:
    second = DatabaseBotState(TOKEN, time.monotonic, time.database_now)
    first = DatabaseBotState(TOKEN, time.monotonic, time.database_now)
    strange = DatabaseBotState("another token", time.monotonic, time.database_now)

    waits = [one.take_place(SECOND) for one in (first, second, first, strange)]

    assert waits == [timedelta(), SPACING, 2 * SPACING, timedelta()]
    assert second.take_place(SPACING) == 3 * SPACING  # too far away for it, so it is still free
    assert first.take_place(SECOND, is_slow=True) == 3 * SPACING
    assert first.take_place(SECOND) == 3 * SPACING + SLOW_SPACING
    time.sleep(60)
    assert second.take_place(SECOND) == timedelta()


def test_places_go_by_the_databases_clock(state: DatabaseBotState, frozen_clock: SettableClock) -> None:
    state.take_place(SECOND)
    frozen_clock.set(frozen_clock() + timedelta(days=1))

    assert timedelta() < state.take_place(SECOND) <= SPACING


@pytest.mark.django_db(transaction=True)
def test_places_of_many_at_once_lie_apart() -> None:
    left_at: list[float] = []

    def take(state: DatabaseBotState) -> None:
        for _ in range(5):
            asked_at = monotonic()
            left_at.append(asked_at + state.take_place(timedelta(minutes=1)).total_seconds())
        connection.close()

    threads = [threading.Thread(target=take, args=(DatabaseBotState(TOKEN),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert len(left_at) == 20
    # Each had its own place: the last one lies as far behind the first as nineteen places need.
    assert max(left_at) - min(left_at) >= 18 * SPACING.total_seconds()
