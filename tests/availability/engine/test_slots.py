from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from greenroom.availability.engine import (
    LOOKBACK_DAYS,
    Busy,
    Interval,
    LocalInterval,
    Override,
    Rules,
    Schedule,
    SlotQuery,
    Taken,
    Window,
    group_by_day,
    iso_instants,
    open_slots,
    open_starts,
)

MINUTE, HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
ALWAYS_OPEN = tuple(Window(day, 0, 1440) for day in range(1, 8))
HOURLY = Rules(HOUR, HOUR)


def daily(start_minute: int, end_minute: int) -> tuple[Window, ...]:
    return tuple(Window(day, start_minute, end_minute) for day in range(1, 8))


def day_query(tz: str, windows: tuple[Window, ...], day: date, rules: Rules = HOURLY) -> SlotQuery:
    """Ask for one local date of the coach."""
    midnight = datetime.combine(day, time(), ZoneInfo(tz)).astimezone(UTC)
    following = datetime.combine(day + ONE_DAY, time(), ZoneInfo(tz)).astimezone(UTC)
    return SlotQuery(Schedule(tz, windows), rules, LONG_AGO, midnight, following)


def local_times(query: SlotQuery) -> list[str]:
    zone = ZoneInfo(query.schedule.tz)
    return [f"{start.astimezone(zone):%H:%M%z}" for start in open_slots(query)]


def test_open_slots_spring_gap_loses_the_hour_that_is_skipped() -> None:
    query = day_query("America/New_York", daily(60, 300), date(2026, 3, 8))

    assert local_times(query) == ["01:00-0500", "03:00-0400", "04:00-0400"]


def test_open_slots_window_inside_the_spring_gap_keeps_its_length() -> None:
    query = day_query("America/New_York", daily(130, 170), date(2026, 3, 8), Rules(20 * MINUTE, 20 * MINUTE))

    assert local_times(query) == ["03:10-0400", "03:30-0400"]


def test_open_slots_window_that_a_clock_change_empties_gives_nothing() -> None:
    # 01:30 does not exist in London and means 02:30 summer time, after the window's end.
    query = day_query("Europe/London", daily(90, 120), date(2026, 3, 29), Rules(15 * MINUTE, 15 * MINUTE))

    assert local_times(query) == []


def test_open_slots_autumn_fold_offers_the_repeated_hour_twice() -> None:
    query = day_query("America/New_York", daily(60, 180), date(2026, 11, 1))

    assert local_times(query) == ["01:00-0400", "01:00-0500", "02:00-0500"]


def test_open_slots_window_that_begins_in_the_fold_takes_the_first_pass() -> None:
    query = day_query("Europe/London", daily(60, 120), date(2026, 10, 25), Rules(30 * MINUTE, 30 * MINUTE))

    assert local_times(query) == ["01:00+0100", "01:30+0100", "01:00+0000", "01:30+0000"]


def test_open_slots_half_hour_change_moves_the_wall_clock_but_not_the_grid() -> None:
    query = day_query("Australia/Lord_Howe", daily(0, 240), date(2026, 4, 5))

    assert local_times(query) == ["00:00+1100", "01:00+1100", "01:30+1030", "02:30+1030"]


def test_open_slots_date_that_the_date_line_skips_has_no_windows() -> None:
    query = SlotQuery(
        Schedule("Pacific/Apia", daily(9 * 60, 11 * 60), (Override(date(2011, 12, 30), ((720, 780),)),)),
        HOURLY,
        LONG_AGO,
        datetime(2011, 12, 29, 10, tzinfo=UTC),
        datetime(2011, 12, 31, 10, tzinfo=UTC),
    )

    assert iso_instants(open_starts(query)) == [
        "2011-12-29T19:00:00Z",
        "2011-12-29T20:00:00Z",
        "2011-12-30T19:00:00Z",
        "2011-12-30T20:00:00Z",
    ]


@pytest.mark.parametrize("times", [(0, 1440), (0, 0)])
def test_open_slots_whole_day_window_holds_24_hours(times: tuple[int, int]) -> None:
    query = day_query("UTC", (Window(3, *times),), date(2026, 1, 14))

    assert len(open_slots(query)) == 24


def test_open_slots_window_that_ends_when_it_starts_lasts_a_day() -> None:
    query = day_query("UTC", (Window(3, 600, 600),), date(2026, 1, 15))

    assert local_times(query) == [f"{hour:02}:00+0000" for hour in range(10)]


def test_open_slots_session_may_use_the_next_window_that_touches() -> None:
    query = day_query("UTC", (Window(3, 1380, 1440), Window(4, 0, 60)), date(2026, 1, 14), Rules(2 * HOUR, HOUR))

    assert local_times(query) == ["23:00+0000"]


def test_open_slots_session_of_days_looks_that_far_ahead() -> None:
    query = day_query("UTC", ALWAYS_OPEN, date(2026, 1, 14), Rules(timedelta(days=5), 12 * HOUR))
    closed = replace(query, schedule=Schedule("UTC", ALWAYS_OPEN, (Override(date(2026, 1, 19)),)))

    assert local_times(query) == ["00:00+0000", "12:00+0000"]
    assert local_times(closed) == ["00:00+0000"]


def test_open_slots_empty_range_gives_nothing() -> None:
    query = day_query("UTC", ALWAYS_OPEN, date(2026, 1, 14))

    assert open_slots(replace(query, range_to=query.range_from)) == []


def test_open_slots_no_windows_gives_nothing() -> None:
    assert open_slots(day_query("UTC", (), date(2026, 1, 14))) == []


def test_open_slots_range_and_now_with_fractions_of_a_second_are_exact() -> None:
    query = day_query("UTC", daily(540, 720), date(2026, 1, 14))
    nine, tick = query.range_from + 9 * HOUR, timedelta(microseconds=1)

    assert open_slots(replace(query, range_from=nine)) == [nine, nine + HOUR, nine + 2 * HOUR]
    assert open_slots(replace(query, range_from=nine + tick)) == [nine + HOUR, nine + 2 * HOUR]
    assert open_slots(replace(query, range_to=nine + HOUR)) == [nine]
    assert open_slots(replace(query, range_to=nine + HOUR + tick)) == [nine, nine + HOUR]
    assert open_slots(replace(query, now=nine)) == [nine, nine + HOUR, nine + 2 * HOUR]
    assert open_slots(replace(query, now=nine + tick)) == [nine + HOUR, nine + 2 * HOUR]


def test_open_slots_notice_and_horizon_include_their_instants() -> None:
    query = day_query("UTC", daily(540, 720), date(2026, 1, 14))
    nine, tick = query.range_from + 9 * HOUR, timedelta(microseconds=1)
    rules = replace(HOURLY, notice=2 * HOUR, horizon=3 * HOUR)

    assert open_slots(replace(query, rules=rules, now=nine - 2 * HOUR)) == [nine, nine + HOUR]
    assert open_slots(replace(query, rules=rules, now=nine - 2 * HOUR - tick)) == [nine]


def test_open_slots_taken_time_with_fractions_of_a_second_blocks_what_it_touches() -> None:
    query = day_query("UTC", daily(540, 720), date(2026, 1, 14))
    nine, tick = query.range_from + 9 * HOUR, timedelta(microseconds=1)

    touching = Taken(busy=(Interval(nine - HOUR, nine), Interval(nine + 3 * HOUR, nine + 4 * HOUR)))
    overlapping = Taken(busy=(Interval(nine - HOUR, nine + tick), Interval(nine + 3 * HOUR - tick, nine + 4 * HOUR)))

    assert open_slots(replace(query, taken=touching)) == [nine, nine + HOUR, nine + 2 * HOUR]
    assert open_slots(replace(query, taken=overlapping)) == [nine + HOUR]
    assert open_slots(replace(query, taken=Taken(touching.busy))) == [nine, nine + HOUR, nine + 2 * HOUR]
    assert open_slots(replace(query, taken=Taken(overlapping.busy))) == [nine + HOUR]


def test_open_slots_buffers_of_neighbours_add_up() -> None:
    query = day_query("UTC", daily(540, 840), date(2026, 1, 14), Rules(HOUR, 15 * MINUTE, buffer_before=15 * MINUTE))
    nine = query.range_from + 9 * HOUR
    session = Interval(nine, nine + HOUR)
    busy = Busy(nine - 10 * MINUTE, nine + HOUR + 15 * MINUTE, session)

    found = open_slots(replace(query, taken=Taken(busy=(busy,))))

    assert found[0] == nine + HOUR + 30 * MINUTE


def test_open_slots_blackout_keeps_out_the_session_but_not_its_buffers() -> None:
    query = day_query("UTC", daily(540, 780), date(2026, 1, 14), replace(HOURLY, buffer_after=30 * MINUTE))
    eleven = datetime(2026, 1, 14, 11)  # noqa: DTZ001 -- wall clock

    found = open_slots(replace(query, taken=Taken((LocalInterval(eleven, eleven + MINUTE),))))

    assert [start.hour for start in found] == [9, 10, 12]


def test_open_slots_wall_clock_blackout_that_the_spring_gap_empties_bars_nothing() -> None:
    query = day_query("America/New_York", daily(0, 300), date(2026, 3, 8))
    start, end = datetime(2026, 3, 8, 2, 30), datetime(2026, 3, 8, 3)  # noqa: DTZ001 -- wall clock

    assert open_slots(replace(query, taken=Taken((LocalInterval(start, end),)))) == open_slots(query)


def test_open_slots_absurdly_long_busy_time_and_blackout_are_no_error() -> None:
    query = day_query("UTC", daily(540, 720), date(2026, 1, 14))
    ever = Interval(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    local = LocalInterval(datetime.min, datetime.max)  # noqa: DTZ901 -- wall clock

    assert open_slots(replace(query, taken=Taken(busy=(ever,)))) == []
    assert open_slots(replace(query, taken=Taken((local,)))) == []
    assert open_slots(replace(query, taken=Taken(booked_starts=(ever.start, ever.end)))) == open_slots(query)


def three_weeks(rules: Rules, *booked: datetime, tz: str = "UTC", day: date = date(2026, 1, 28)) -> list[date]:
    """Return the local dates with a start among 21 days."""
    query = day_query(tz, daily(720, 780), day, rules)
    query = replace(query, range_to=query.range_from + 21 * ONE_DAY, taken=Taken(booked_starts=booked))
    return [start.astimezone(ZoneInfo(tz)).date() for start in open_slots(query)]


def test_open_slots_daily_limit_closes_the_date() -> None:
    booked = datetime(2026, 2, 3, 4, tzinfo=UTC)

    days = three_weeks(replace(HOURLY, daily_limit=1), booked)

    assert sorted(set(three_weeks(HOURLY)) - set(days)) == [date(2026, 2, 3)]


def test_open_slots_daily_limit_goes_by_the_coachs_date() -> None:
    booked = datetime(2026, 2, 3, 4, tzinfo=UTC)

    days = three_weeks(replace(HOURLY, daily_limit=1), booked, tz="America/New_York")

    assert sorted(set(three_weeks(HOURLY, tz="America/New_York")) - set(days)) == [date(2026, 2, 2)]


def test_open_slots_weekly_limit_closes_monday_to_sunday() -> None:
    booked = datetime(2026, 2, 8, 23, tzinfo=UTC), datetime(2026, 2, 2, 0, tzinfo=UTC)

    days = three_weeks(replace(HOURLY, weekly_limit=2), *booked)

    assert sorted(set(three_weeks(HOURLY)) - set(days)) == [date(2026, 2, day) for day in range(2, 9)]


def test_open_slots_monthly_limit_closes_the_month() -> None:
    booked = datetime(2026, 1, 1, tzinfo=UTC)

    days = three_weeks(replace(HOURLY, monthly_limit=1), booked)

    assert days[0] == date(2026, 2, 1)


def test_open_slots_monthly_limit_sees_the_end_of_the_month() -> None:
    booked = datetime(2026, 3, 31, 23, tzinfo=UTC)

    assert three_weeks(replace(HOURLY, monthly_limit=1), booked, day=date(2026, 3, 1)) == []


def test_open_slots_limit_not_reached_closes_nothing() -> None:
    booked = datetime(2026, 2, 3, 4, tzinfo=UTC)

    assert three_weeks(replace(HOURLY, daily_limit=2, weekly_limit=2), booked) == three_weeks(HOURLY)


@pytest.mark.parametrize("limit", ["daily_limit", "weekly_limit", "monthly_limit"])
def test_open_slots_limit_of_zero_closes_everything(limit: str) -> None:
    assert three_weeks(replace(HOURLY, **{limit: 0})) == []


def fifty_minute_starts(since: datetime, until: datetime, *closed: date, tz: str = "UTC") -> list[datetime]:
    schedule = Schedule(tz, ALWAYS_OPEN, tuple(Override(day) for day in closed))
    return open_slots(SlotQuery(schedule, Rules(50 * MINUTE, 50 * MINUTE), LONG_AGO, since, until))


def test_open_slots_run_without_end_counts_from_each_monday() -> None:
    monday = datetime(2026, 1, 12, tzinfo=UTC)

    found = fifty_minute_starts(monday - HOUR, monday + ONE_DAY)

    assert found == [monday - 30 * MINUTE, *(monday + step * 50 * MINUTE for step in range(29))]


def test_open_slots_run_counts_from_its_start_for_four_weeks() -> None:
    # Closed on Friday 2 January: the run begins on the 3rd, the first Monday four weeks later is 2 February.
    began, monday = datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)

    found = fifty_minute_starts(began, monday + ONE_DAY, date(2026, 1, 2))

    expected = [began + step * 50 * MINUTE for step in range(864)]
    expected += [monday + step * 50 * MINUTE for step in range(29)]
    assert found == expected


def test_open_slots_run_of_four_weeks_to_the_second_counts_afresh() -> None:
    # Closed on Sunday 4 January: the run begins on Monday the 5th, 28 days before Monday 2 February.
    monday = datetime(2026, 2, 2, tzinfo=UTC)

    found = fifty_minute_starts(monday - HOUR, monday + HOUR, date(2026, 1, 4))

    assert found == [monday - 20 * MINUTE, monday, monday + 50 * MINUTE]


def test_open_slots_run_that_ends_on_a_monday_counts_afresh_on_that_day() -> None:
    monday = datetime(2026, 2, 9, tzinfo=UTC)

    found = fifty_minute_starts(monday, monday + 3 * HOUR, date(2026, 2, 10))

    assert found == [monday + step * 50 * MINUTE for step in range(4)]


def test_open_slots_run_across_the_date_line_keeps_its_grid() -> None:
    # Thursday's window ends in the Friday that never was, which is noon on Saturday, and touches the next ones.
    windows = (Window(4, 18 * 60, 12 * 60), Window(6, 11 * 60, 11 * 60), Window(7, 11 * 60, 11 * 60))
    began, monday = datetime(2011, 12, 30, 4, tzinfo=UTC), datetime(2012, 1, 1, 10, tzinfo=UTC)
    rules = Rules(50 * MINUTE, 50 * MINUTE)
    query = SlotQuery(Schedule("Pacific/Apia", windows), rules, LONG_AGO, began, monday + 2 * HOUR)

    part = open_slots(replace(query, range_from=monday))

    assert part == [start for start in open_slots(query) if start >= monday]
    assert [(start - began) % (50 * MINUTE) for start in part] == [0 * MINUTE] * 3


@pytest.mark.parametrize("days", [1, 5, 20, 31, 40, 100])
def test_open_slots_run_asked_from_later_keeps_its_grid(days: int) -> None:
    began = datetime(2026, 1, 3, tzinfo=UTC)
    since, until = began + days * ONE_DAY, began + 120 * ONE_DAY

    part = fifty_minute_starts(since, until, date(2026, 1, 2))

    assert part == [start for start in fifty_minute_starts(began, until, date(2026, 1, 2)) if start >= since]


def test_open_slots_overrides_before_the_lookback_change_nothing() -> None:
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 20, tzinfo=UTC)
    closed = since.date() - (LOOKBACK_DAYS + 1) * ONE_DAY

    assert fifty_minute_starts(since, until, closed) == fifty_minute_starts(since, until)


def test_open_slots_week_that_is_nearly_round_the_clock_counts_from_its_own_start() -> None:
    windows = (*(Window(day, 0, 1440) for day in range(1, 7)), Window(7, 0, 1430))
    monday = datetime(2026, 1, 12, tzinfo=UTC)
    query = SlotQuery(Schedule("UTC", windows), Rules(50 * MINUTE, 50 * MINUTE), LONG_AGO, monday, monday + 7 * ONE_DAY)

    assert open_slots(query) == [monday + step * 50 * MINUTE for step in range(201)]


def test_open_slots_round_the_clock_over_a_half_hour_change_heal_on_monday() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    query = SlotQuery(
        Schedule("Australia/Lord_Howe", ALWAYS_OPEN),
        HOURLY,
        LONG_AGO,
        datetime(2026, 4, 5, 12, tzinfo=zone),
        datetime(2026, 4, 6, 2, tzinfo=zone),
    )

    assert local_times(query)[-4:] == ["22:30+1030", "23:30+1030", "00:00+1030", "01:00+1030"]


def test_group_by_day_goes_by_the_viewers_dates() -> None:
    starts = [datetime(2026, 1, 14, hour, tzinfo=UTC) for hour in (14, 15, 16)]

    assert group_by_day(starts, "Asia/Tokyo") == {date(2026, 1, 14): starts[:1], date(2026, 1, 15): starts[1:]}
    assert group_by_day([], "Asia/Tokyo") == {}


def test_group_by_day_clock_set_back_over_midnight_returns_to_the_date() -> None:
    before, after = datetime(2006, 10, 29, 2, 30, 30, tzinfo=UTC), datetime(2006, 10, 29, 2, 31, tzinfo=UTC)

    groups = group_by_day([before, after], "America/St_Johns")

    assert groups == {date(2006, 10, 29): [before], date(2006, 10, 28): [after]}
