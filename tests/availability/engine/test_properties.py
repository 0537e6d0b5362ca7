from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.availability.engine.oracle import slots_by_the_minute
from tests.availability.engine.strategies import MINUTE, intervals, queries

from greenroom.availability.engine import Schedule, SlotQuery, Taken, explain, open_slots

thorough = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

T = TypeVar("T")


def shuffled(items: tuple[T, ...], random: Random) -> tuple[T, ...]:
    return tuple(random.sample(items, len(items)))


@thorough
@given(queries())
def test_open_slots_any_question_agree_with_the_minute_by_minute_answer(query: SlotQuery) -> None:
    assert open_slots(query) == slots_by_the_minute(query)


@thorough
@given(queries(), st.data())
def test_explain_any_instant_agrees_with_open_slots(query: SlotQuery, data: st.DataObject) -> None:
    listed = open_slots(query)
    somewhere = st.integers(-60, 6000).map(lambda minutes: query.range_from + minutes * MINUTE)
    instant = data.draw(st.sampled_from(listed) | somewhere if listed else somewhere)
    instant += data.draw(
        st.sampled_from((0 * MINUTE, 0 * MINUTE, MINUTE, timedelta(seconds=1), timedelta(microseconds=1)))
    )

    explanation = explain(query, instant)

    assert explanation.is_open == (instant in listed)


@thorough
@given(queries())
def test_open_slots_sessions_with_free_seats_add_their_own_starts_alone(query: SlotQuery) -> None:
    taken = query.taken
    full = replace(query, taken=replace(taken, busy=taken.sessions, joinable=()))

    assert set(open_slots(query)) - set(open_slots(full)) <= set(taken.joinable_starts)
    assert set(open_slots(full)) <= set(open_slots(query))


@thorough
@given(queries(longest_minutes=60 * 1440, spread=60), st.data())
def test_open_slots_part_of_a_range_gives_that_part_of_the_answer(query: SlotQuery, data: st.DataObject) -> None:
    length = (query.range_to - query.range_from) // MINUTE
    since = query.range_from + data.draw(st.integers(0, length)) * MINUTE
    until = since + data.draw(st.integers(0, (query.range_to - since) // MINUTE)) * MINUTE

    part = open_slots(replace(query, range_from=since, range_to=until))

    assert part == [start for start in open_slots(query) if since <= start < until]


@thorough
@given(queries(longest_minutes=20 * 1440))
def test_open_slots_any_question_are_sorted_and_unique(query: SlotQuery) -> None:
    found = open_slots(query)

    assert found == sorted(set(found))


@thorough
@given(queries(), st.data())
def test_open_slots_more_busy_time_only_takes_away(query: SlotQuery, data: st.DataObject) -> None:
    more = data.draw(intervals(query.range_from))
    busier = replace(query, taken=replace(query.taken, busy=(*query.taken.busy, more)))

    assert set(open_slots(busier)) <= set(open_slots(query))


@thorough
@given(queries())
def test_open_slots_with_everything_taken_stay_on_the_grid_of_the_empty_calendar(query: SlotQuery) -> None:
    freed = replace(
        query,
        taken=Taken(),
        now=query.range_from,
        rules=replace(
            query.rules,
            notice=timedelta(0),
            horizon=None,
            daily_limit=None,
            weekly_limit=None,
            monthly_limit=None,
        ),
    )

    assert set(open_slots(query)) - set(query.taken.joinable_starts) <= set(open_slots(freed))


@thorough
@given(queries(), st.randoms(use_true_random=False))
def test_open_slots_order_of_inputs_changes_nothing(query: SlotQuery, random: Random) -> None:
    schedule, taken = query.schedule, query.taken
    reordered = replace(
        query,
        schedule=Schedule(
            schedule.tz,
            shuffled(schedule.windows, random),
            shuffled(schedule.overrides, random),
            shuffled(schedule.stays, random),
        ),
        taken=Taken(
            shuffled(taken.blackouts, random),
            shuffled(taken.busy, random),
            shuffled(taken.booked_starts, random),
            shuffled(taken.joinable, random),
        ),
    )

    assert open_slots(reordered) == open_slots(query)
