from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from greenroom.availability.engine import (
    Busy,
    Interval,
    LocalInterval,
    Override,
    Rules,
    Schedule,
    SlotQuery,
    Taken,
    Window,
)

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
NAIVE = datetime(2026, 1, 14, 12)  # noqa: DTZ001 -- what must be refused, or stands for the wall clock
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
RULES = Rules(HOUR, HOUR)


def query(range_from: datetime, range_to: datetime, now: datetime = NOON) -> SlotQuery:
    return SlotQuery(Schedule("UTC"), RULES, now, range_from, range_to)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Window(0, 0, 60), "weekday: 0 is not a day; use 1 for Monday to 7 for Sunday"),
        (lambda: Window(8, 0, 60), "weekday: 8 is not a day; use 1 for Monday to 7 for Sunday"),
        (lambda: Window(1, -1, 60), "start_minute: -1 is not a minute of the day; use 0 to 1439"),
        (lambda: Window(1, 1440, 60), "start_minute: 1440 is not a minute of the day; use 0 to 1439"),
        (lambda: Window(1, 0, -1), "end_minute: -1 is not a minute of the day; use 0 to 1440"),
        (lambda: Window(1, 0, 1441), "end_minute: 1441 is not a minute of the day; use 0 to 1440"),
        (
            lambda: Override(NOON.date(), ((0, 1441),)),
            "end_minute: 1441 is not a minute of the day; use 0 to 1440",
        ),
        (
            lambda: Schedule("Mars/Olympus"),
            "tz: 'Mars/Olympus' is not a time zone; use an IANA name such as Europe/Paris",
        ),
        (
            lambda: Schedule("UTC", (), (Override(NOON.date()), Override(NOON.date(), ((0, 60),)))),
            "overrides: 2026-01-14 is given twice; put all its windows into one override",
        ),
        (
            lambda: Interval(NAIVE, NOON),
            "start: 2026-01-14 12:00:00 has no time zone; give an aware instant, best in UTC",
        ),
        (
            lambda: Interval(NOON, NAIVE),
            "end: 2026-01-14 12:00:00 has no time zone; give an aware instant, best in UTC",
        ),
        (
            lambda: Interval(NOON, NOON),
            "end: 2026-01-14 12:00:00+00:00 is not after the start 2026-01-14 12:00:00+00:00; leave empty",
        ),
        (
            lambda: Busy(NOON, NOON + HOUR, Interval(NOON, NOON + 2 * HOUR)),
            "session: it is not inside its blocked time; widen start and end around it",
        ),
        (
            lambda: Busy(NOON, NOON + HOUR, Interval(NOON - HOUR, NOON + HOUR)),
            "session: it is not inside its blocked time; widen start and end around it",
        ),
        (lambda: Busy(NOON + HOUR, NOON), "end: 2026-01-14 12:00:00+00:00 is not after the start"),
        (
            lambda: LocalInterval(NAIVE, NOON),
            "end: 2026-01-14 12:00:00+00:00 carries a zone; give wall-clock time without one",
        ),
        (
            lambda: LocalInterval(NOON, NAIVE),
            "start: 2026-01-14 12:00:00+00:00 carries a zone; give wall-clock time without one",
        ),
        (lambda: LocalInterval(NAIVE, NAIVE), "end: 2026-01-14 12:00:00 is not after the start 2026-01-14 12:00:00"),
        (
            lambda: LocalInterval.whole_days(date(2026, 1, 2), date(2026, 1, 1)),
            "date_to: 2026-01-01 is before the first date 2026-01-02",
        ),
        (
            lambda: LocalInterval.whole_days(date(2026, 1, 2), date.max),
            "date_to: 9999-12-31 has no next day; use an earlier date",
        ),
        (lambda: Rules(timedelta(0), HOUR), "duration: 0:00:00 will not do; use whole minutes, 0:01:00 to 31 days"),
        (lambda: Rules(HOUR, -HOUR), "increment: -1 day, 23:00:00 will not do; use whole minutes, 0:01:00 to 31 days"),
        (lambda: Rules(HOUR, MINUTE * 1.5), "increment: 0:01:30 will not do; use whole minutes, 0:01:00 to 31 days"),
        (
            lambda: Rules(timedelta(days=32), HOUR),
            "duration: 32 days, 0:00:00 will not do; use whole minutes, 0:01:00 to 31 days",
        ),
        (
            lambda: Rules(HOUR, HOUR, buffer_before=-MINUTE),
            "buffer_before: -1 day, 23:59:00 will not do; use whole minutes, 0:00:00 to 31 days",
        ),
        (
            lambda: Rules(HOUR, HOUR, buffer_after=-MINUTE),
            "buffer_after: -1 day, 23:59:00 will not do; use whole minutes, 0:00:00 to 31 days",
        ),
        (
            lambda: Rules(HOUR, HOUR, notice=-MINUTE),
            "notice: -1 day, 23:59:00 will not do; use 0:00:00 to 3660 days, 0:00:00",
        ),
        (
            lambda: Rules(HOUR, HOUR, horizon=timedelta(days=3661)),
            "horizon: 3661 days, 0:00:00 will not do; use 0:00:00 to 3660 days, 0:00:00",
        ),
        (
            lambda: Rules(HOUR, HOUR, weekly_limit=-1),
            "weekly_limit: -1 is negative; use 0 or more, or None for no limit",
        ),
        (lambda: Taken(booked_starts=(NAIVE,)), "booked_starts: 2026-01-14 12:00:00 has no time zone"),
        (lambda: query(NOON, NOON, now=NAIVE), "now: 2026-01-14 12:00:00 has no time zone"),
        (lambda: query(NAIVE, NOON), "range_from: 2026-01-14 12:00:00 has no time zone"),
        (
            lambda: query(NOON, NOON.replace(year=2200)),
            "range_to: 2200-01-14 12:00:00+00:00 is outside the years 1900 to 2199",
        ),
        (
            lambda: query(NOON.replace(year=1899), NOON),
            "range_from: 1899-01-14 12:00:00+00:00 is outside the years 1900 to 2199",
        ),
        (
            lambda: query(NOON, NOON - HOUR),
            "range_to: 2026-01-14 11:00:00+00:00 is before range_from 2026-01-14 12:00:00+00:00",
        ),
        (
            lambda: query(NOON, NOON + timedelta(days=732, seconds=1)),
            "range_to: the range is longer than 732 days; ask in parts",
        ),
    ],
)
def test_input_out_of_bounds_is_refused_by_field(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- the text is compared below
        make()

    assert str(refusal.value).startswith(message)


def test_input_at_its_bounds_is_accepted() -> None:
    assert Window(7, 1439, 1440).weekday == 7
    assert Window(1, 0, 0).end_minute == 0
    assert Rules(MINUTE, timedelta(days=31), notice=timedelta(days=3660), daily_limit=0).duration == MINUTE
    assert query(NOON, NOON).range_to == NOON
    assert query(NOON, NOON + timedelta(days=732)).now == NOON
    assert Busy(NOON, NOON + HOUR, Interval(NOON, NOON + HOUR), "x").ref == "x"


def test_whole_days_holds_both_dates() -> None:
    days = LocalInterval.whole_days(date(2026, 1, 14), date(2026, 1, 15))

    assert days == LocalInterval(NAIVE - 12 * HOUR, NAIVE + 36 * HOUR)
