"""A coach who travels: the windows of some dates are read on another wall clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from greenroom.availability.engine import (
    Override,
    Rules,
    Schedule,
    SlotQuery,
    Stay,
    Taken,
    Window,
    explain,
    open_slots,
)

HOUR = timedelta(hours=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
# Berlin is at +2 in July, New York at -4.
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
JOURNEY = Stay(date(2026, 7, 7), date(2026, 7, 9), NEW_YORK)


def daily(start_minute: int, end_minute: int) -> tuple[Window, ...]:
    return tuple(Window(day, start_minute, end_minute) for day in range(1, 8))


def asked(schedule: Schedule, first: str, until: str, rules: Rules | None = None) -> SlotQuery:
    """Ask for a range of July 2026, written as "07 13:00" in UTC."""
    since, end = (datetime.strptime(f"2026-07-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC) for text in (first, until))
    return SlotQuery(schedule, rules or Rules(HOUR, HOUR), LONG_AGO, since, end)


def starts(query: SlotQuery) -> list[str]:
    return [f"{start:%d %H:%M}" for start in open_slots(query)]


def test_open_slots_dates_of_a_stay_are_read_on_its_clock() -> None:
    schedule = Schedule(BERLIN, daily(9 * 60, 10 * 60), stays=(JOURNEY,))

    found = starts(asked(schedule, "05 00:00", "12 00:00"))

    assert found == ["05 07:00", "06 07:00", "07 13:00", "08 13:00", "09 13:00", "10 07:00", "11 07:00"]


def test_open_slots_window_of_the_last_day_is_read_on_its_clock_to_its_end() -> None:
    schedule = Schedule(BERLIN, (Window(4, 23 * 60, 2 * 60),), stays=(JOURNEY,))

    assert starts(asked(schedule, "09 00:00", "11 00:00")) == ["10 03:00", "10 04:00", "10 05:00"]


def test_open_slots_window_of_the_day_before_keeps_its_own_clock_to_its_end() -> None:
    schedule = Schedule(BERLIN, (Window(1, 23 * 60, 2 * 60),), stays=(JOURNEY,))

    assert starts(asked(schedule, "06 00:00", "08 00:00")) == ["06 21:00", "06 22:00", "06 23:00"]


def test_open_slots_flying_west_leaves_the_hours_between_the_clocks_closed() -> None:
    schedule = Schedule(BERLIN, daily(0, 1440), stays=(JOURNEY,))

    found = starts(asked(schedule, "06 20:00", "07 06:00"))

    assert found == ["06 20:00", "06 21:00", "07 04:00", "07 05:00"]


def test_open_slots_flying_east_merges_what_overlaps_and_keeps_the_grid() -> None:
    schedule = Schedule(BERLIN, daily(0, 1440), stays=(JOURNEY,))
    every_90_minutes = Rules(HOUR, timedelta(minutes=90))

    found = starts(asked(schedule, "09 21:00", "10 06:00", every_90_minutes))

    # The run began on the 7th at 04:00, 64.5 hours before the first of these; Berlin's 10th begins at 22:00 inside it.
    assert found == ["09 22:00", "09 23:30", "10 01:00", "10 02:30", "10 04:00", "10 05:30"]


def test_open_slots_override_in_a_stay_is_read_on_its_clock() -> None:
    overrides = (Override(date(2026, 7, 8), ((600, 720),)), Override(date(2026, 7, 11), ((600, 660),)))
    schedule = Schedule(BERLIN, (), overrides, (JOURNEY,))

    assert starts(asked(schedule, "05 00:00", "12 00:00")) == ["08 14:00", "08 15:00", "11 08:00"]


def test_open_slots_limits_and_first_day_go_by_the_schedules_own_dates() -> None:
    # 20:00 in New York on the 7th is 02:00 in Berlin on the 8th.
    schedule = Schedule(BERLIN, daily(17 * 60, 21 * 60), stays=(JOURNEY,))
    booked = Taken(booked_starts=(datetime(2026, 7, 7, 22, tzinfo=UTC),))
    limited = asked(schedule, "07 00:00", "09 00:00", Rules(HOUR, HOUR, daily_limit=1))
    from_the_8th = asked(schedule, "07 00:00", "08 12:00", Rules(HOUR, HOUR, first_day=date(2026, 7, 8)))

    assert starts(replace(limited, taken=booked)) == ["07 21:00", "08 22:00", "08 23:00"]
    assert starts(from_the_8th) == ["07 22:00", "07 23:00", "08 00:00"]


def test_open_slots_stay_that_is_over_or_far_ahead_changes_nothing() -> None:
    schedule = Schedule(BERLIN, daily(540, 600))
    others = (
        Stay(date(2025, 1, 1), date(2025, 2, 1), "Asia/Tokyo"),
        Stay(date(2026, 9, 1), date(2026, 9, 2), NEW_YORK),
    )

    here = starts(asked(schedule, "05 00:00", "12 00:00"))

    assert starts(asked(replace(schedule, stays=others), "05 00:00", "12 00:00")) == here


@pytest.mark.parametrize(
    ("tz", "there"), [("Pacific/Kiritimati", "Pacific/Niue"), ("Pacific/Niue", "Pacific/Kiritimati")]
)
@pytest.mark.parametrize("windows", [daily(0, 60), daily(23 * 60, 1440), daily(22 * 60, 21 * 60)])
def test_explain_every_open_start_names_hours_also_between_the_farthest_clocks(
    tz: str, there: str, windows: tuple[Window, ...]
) -> None:
    schedule = Schedule(tz, windows, stays=(replace(JOURNEY, tz=there),))
    query = asked(schedule, "04 00:00", "13 00:00")

    openings = [explain(query, start).openings for start in open_slots(query)]

    assert len(openings) >= 8
    assert all(openings)


def test_explain_names_the_clock_on_which_the_hours_were_read() -> None:
    schedule = Schedule(BERLIN, daily(540, 600), stays=(JOURNEY,))
    query = asked(schedule, "05 00:00", "12 00:00")

    there, here = (explain(query, datetime(2026, 7, *at, tzinfo=UTC)) for at in ((7, 13), (10, 7)))

    assert there.openings == ("Weekly hours: Tuesday 09:00-10:00 (America/New_York).",)
    assert here.openings == ("Weekly hours: Friday 09:00-10:00 (Europe/Berlin).",)


def test_explain_names_the_override_that_closes_a_date_of_the_stay() -> None:
    schedule = Schedule(
        "Pacific/Kiritimati", daily(1380, 1440), (Override(date(2026, 7, 8)),), (replace(JOURNEY, tz="Pacific/Niue"),)
    )
    # 23:00 on the 8th at UTC-11, when it is midnight of the 10th at UTC+14.
    instant = datetime(2026, 7, 9, 10, tzinfo=UTC)

    explanation = explain(asked(schedule, "05 00:00", "12 00:00"), instant)

    assert [reason.sentence for reason in explanation.reasons] == ["An override closes 2026-07-08."]


@pytest.mark.parametrize(
    ("stays", "message"),
    [
        (((7, 9), (9, 12)), "stays: 2026-07-09 is in two of them"),
        (((10, 12), (7, 20)), "stays: 2026-07-10 is in two of them"),
        (((7, 6),), "last_day: 2026-07-06 is before first_day 2026-07-07"),
    ],
)
def test_schedule_stays_that_overlap_or_end_before_they_begin_are_refused(
    stays: tuple[tuple[int, int], ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule(
            BERLIN, stays=tuple(Stay(date(2026, 7, first), date(2026, 7, last), NEW_YORK) for first, last in stays)
        )


def test_stay_in_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="tz: 'Mars/Olympus' is not a time zone"):
        replace(JOURNEY, tz="Mars/Olympus")


def test_open_slots_run_that_began_on_a_far_clock_keeps_its_grid_when_asked_from_later() -> None:
    # The first window ends on the 10th at 23:58 in Niue, 25 hours on 00:58 of the 11th in Kiritimati.
    windows = (Window(3, 1439, 1438), Window(4, 1438, 1437))
    schedule = Schedule("Pacific/Kiritimati", windows, stays=(replace(JOURNEY, tz="Pacific/Niue"),))
    rules = Rules(timedelta(minutes=5), timedelta(minutes=25))

    whole = starts(asked(schedule, "08 00:00", "12 00:00", rules))
    part = starts(asked(schedule, "11 10:00", "12 00:00", rules))

    assert part == [start for start in whole if start >= "11 10:00"]
    assert len(part) > 1


@pytest.mark.parametrize(
    ("tz", "day", "window", "expected"),
    [
        # The clocks in London go forward in the night after the only day of the stay.
        ("Europe/London", date(2026, 3, 28), (22 * 60, 4 * 60), [22, 23, 24, 25, 26]),
        # There is no such date in Samoa.
        ("Pacific/Apia", date(2011, 12, 30), (0, 1440), []),
    ],
)
def test_open_slots_stay_of_one_day_sees_the_change_of_clocks_beside_it(
    tz: str, day: date, window: tuple[int, int], expected: list[int]
) -> None:
    schedule = Schedule("UTC", overrides=(Override(day, (window,)),), stays=(Stay(day, day, tz),))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    query = SlotQuery(schedule, Rules(HOUR, HOUR), midnight - 90 * HOUR, midnight - 40 * HOUR, midnight + 60 * HOUR)

    assert [(start - midnight) // HOUR for start in open_slots(query)] == expected
