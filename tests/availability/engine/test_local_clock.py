from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.availability.engine.instants import DAY, epoch_day, find_zone, floor_seconds
from greenroom.availability.engine.local_clock import LocalClock

ZONES = sorted(key for key in available_timezones() if find_zone(key))


def clock_of(tz: str, first: date, last: date) -> LocalClock:
    return LocalClock(tz, epoch_day(first), epoch_day(last))


def naive_seconds(local: datetime) -> int:
    return floor_seconds(local.replace(tzinfo=UTC))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ZONES), st.datetimes(datetime(1900, 2, 1), datetime(2199, 1, 1)))  # noqa: DTZ001 -- wall clock
def test_local_clock_any_zone_and_time_agrees_with_zoneinfo(tz: str, local: datetime) -> None:
    local = local.replace(microsecond=0, fold=0)
    clock = clock_of(tz, local.date() - timedelta(days=20), local.date() + timedelta(days=20))

    instant = local.replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)

    assert clock.to_instant(naive_seconds(local)) == floor_seconds(instant)
    assert clock.to_local(floor_seconds(instant)) == naive_seconds(instant.astimezone(ZoneInfo(tz)))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.integers(1900, 2198))
def test_local_clock_any_zone_and_year_agrees_at_every_hour_of_a_change(tz: str, year: int) -> None:
    clock = clock_of(tz, date(year, 1, 1), date(year + 1, 1, 1))

    for change in clock._changes:  # noqa: SLF001 -- the instants worth looking at
        for instant in range(change - 26 * 3600, change + 26 * 3600, 1800):
            local = datetime.fromtimestamp(instant, ZoneInfo(tz))
            assert clock.to_local(instant) == naive_seconds(local)
            wall = local.replace(fold=0)
            assert clock.to_instant(naive_seconds(wall)) == floor_seconds(wall.astimezone(UTC))


@pytest.mark.parametrize(
    ("tz", "around", "missing"),
    [
        ("Pacific/Apia", date(2011, 12, 20), [date(2011, 12, 30)]),
        ("Pacific/Kwajalein", date(1993, 8, 11), [date(1993, 8, 21)]),
        ("America/New_York", date(2026, 3, 1), []),
        ("America/Havana", date(2026, 3, 1), []),
    ],
)
def test_missing_days_are_those_the_date_line_skipped(tz: str, around: date, missing: list[date]) -> None:
    clock = clock_of(tz, around, around + timedelta(days=20))

    assert sorted(clock.missing_days) == [epoch_day(day) for day in missing]


def test_to_instant_in_the_spring_gap_reads_the_offset_before_it() -> None:
    clock = clock_of("America/New_York", date(2026, 3, 1), date(2026, 3, 20))

    instant = clock.to_instant(naive_seconds(datetime(2026, 3, 8, 2, 30)))  # noqa: DTZ001 -- wall clock

    assert instant == floor_seconds(datetime(2026, 3, 8, 7, 30, tzinfo=UTC))


def test_spans_of_days_ordinary_day_is_one_span() -> None:
    clock = clock_of("Asia/Kathmandu", date(2026, 3, 1), date(2026, 3, 20))
    day = epoch_day(date(2026, 3, 8))

    assert clock.spans_of_days(day, day + 1) == [(day * DAY - 20_700, (day + 1) * DAY - 20_700)]


def test_spans_of_days_clock_set_back_over_midnight_gives_two() -> None:
    # 00:01 on the 29th went back to 23:01 on the 28th.
    clock = clock_of("America/St_Johns", date(2006, 10, 20), date(2006, 11, 5))
    day = epoch_day(date(2006, 10, 28))
    change = floor_seconds(datetime(2006, 10, 29, 2, 31, tzinfo=UTC))

    spans = clock.spans_of_days(day, day + 1)

    assert spans == [(day * DAY + 9000, change - 60), (change, change + 59 * 60)]
