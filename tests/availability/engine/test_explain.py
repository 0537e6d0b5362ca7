from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from greenroom.availability.engine import (
    Busy,
    Interval,
    LocalInterval,
    Override,
    ReasonCode,
    Rules,
    Schedule,
    SlotQuery,
    Taken,
    Window,
    explain,
    open_slots,
)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TZ = "America/New_York"
WINDOWS = (Window(3, 9 * 60, 17 * 60), Window(2, 22 * 60, 60))
# Wednesday 14 January 2026, 09:00 in New York.
NINE = datetime(2026, 1, 14, 14, tzinfo=UTC)
QUERY = SlotQuery(
    Schedule(TZ, WINDOWS),
    Rules(HOUR, 30 * MINUTE, buffer_before=15 * MINUTE),
    NINE - timedelta(days=10),
    NINE - timedelta(days=3),
    NINE + timedelta(days=3),
)
EVER = Interval(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def reasons(query: SlotQuery, instant: datetime) -> list[tuple[ReasonCode, str]]:
    return [(reason.code, reason.sentence) for reason in explain(query, instant).reasons]


def with_rules(**rules: object) -> SlotQuery:
    return replace(QUERY, rules=replace(QUERY.rules, **rules))


def with_taken(**taken: object) -> SlotQuery:
    return replace(QUERY, taken=replace(Taken(), **taken))


def with_overrides(*overrides: Override) -> SlotQuery:
    return replace(QUERY, schedule=Schedule(TZ, WINDOWS, overrides))


def test_explain_open_slot_has_no_reasons() -> None:
    explanation = explain(QUERY, NINE)

    assert explanation.is_open
    assert explanation.reasons == ()
    assert NINE in open_slots(QUERY)


def test_explain_outside_the_range_says_which_was_asked() -> None:
    asked = "It is outside the asked range, 2026-01-11 09:00 America/New_York to 2026-01-17 09:00 America/New_York."
    week = timedelta(days=7)

    assert reasons(replace(QUERY, range_from=NINE - HOUR, range_to=NINE), NINE)[0][0] is ReasonCode.OUT_OF_RANGE
    assert reasons(replace(QUERY, range_from=NINE), NINE) == []
    assert reasons(QUERY, NINE + week) == [(ReasonCode.OUT_OF_RANGE, asked)]
    assert reasons(replace(QUERY, now=NINE - 2 * week), NINE - week) == [(ReasonCode.OUT_OF_RANGE, asked)]


def test_explain_names_hours_that_are_switched_off() -> None:
    off = replace(QUERY, schedule=Schedule(TZ, (replace(WINDOWS[0], is_active=False), WINDOWS[1])))
    sentence = "The weekly hours that would hold the session are switched off."

    assert open_slots(off) == [start for start in open_slots(QUERY) if start < NINE - 6 * HOUR]
    assert reasons(off, NINE) == [(ReasonCode.WINDOW_OFF, sentence)]
    assert explain(off, NINE).openings == ()
    assert reasons(off, NINE - 5 * HOUR)[0][0] is ReasonCode.OUTSIDE_WINDOWS


def test_explain_outside_the_windows_says_so() -> None:
    closed = [(ReasonCode.OUTSIDE_WINDOWS, "The coach has no open window then.")]

    assert reasons(QUERY, NINE - HOUR) == closed
    assert reasons(QUERY, NINE + 8 * HOUR) == closed
    assert reasons(replace(QUERY, schedule=Schedule(TZ)), NINE) == closed


def test_explain_session_that_outlasts_its_window_says_when_both_end() -> None:
    assert reasons(QUERY, NINE + 7 * HOUR + 30 * MINUTE) == [
        (
            ReasonCode.ENDS_AFTER_WINDOW,
            (
                "The session would end at 2026-01-14 17:30 America/New_York,"
                " after closing time, 2026-01-14 17:00 America/New_York."
            ),
        )
    ]


@pytest.mark.parametrize(
    ("windows", "sentence"),
    [
        ((), "An override closes 2026-01-14."),
        (((1200, 1440), (720, 780)), "An override opens 2026-01-14 at 12:00-13:00, 20:00-24:00 only."),
    ],
)
def test_explain_override_in_the_way_is_named(windows: tuple[tuple[int, int], ...], sentence: str) -> None:
    query = with_overrides(Override(NINE.date(), windows), Override(date(2026, 1, 13)), Override(date(2026, 3, 1)))

    assert reasons(query, NINE) == [(ReasonCode.CLOSED_BY_OVERRIDE, sentence)]


def test_explain_override_of_the_evening_before_is_named() -> None:
    query = with_overrides(Override(date(2026, 1, 13)))

    assert reasons(query, NINE - 9 * HOUR) == [(ReasonCode.CLOSED_BY_OVERRIDE, "An override closes 2026-01-13.")]


def test_explain_overrides_that_only_together_are_in_the_way_are_all_named() -> None:
    query = with_overrides(Override(date(2026, 1, 14), ((720, 780),)), Override(date(2026, 1, 13)))
    windows = (Window(2, 9 * 60, 9 * 60), Window(3, 9 * 60, 17 * 60))
    query = replace(query, schedule=replace(query.schedule, windows=windows))

    found = reasons(query, NINE - 30 * MINUTE)

    assert found == [
        (ReasonCode.CLOSED_BY_OVERRIDE, "An override closes 2026-01-13."),
        (ReasonCode.CLOSED_BY_OVERRIDE, "An override opens 2026-01-14 at 12:00-13:00 only."),
    ]


def test_explain_override_that_changes_nothing_is_not_blamed() -> None:
    query = with_overrides(Override(NINE.date()))

    assert [code for code, _ in reasons(query, NINE + 9 * HOUR)] == [ReasonCode.OUTSIDE_WINDOWS]


def test_explain_off_the_grid_names_both_neighbours() -> None:
    assert reasons(QUERY, NINE + 10 * MINUTE) == [
        (
            ReasonCode.OFF_GRID,
            (
                "It is not on the grid of a start every 30 minutes; nearest:"
                " 2026-01-14 09:00 America/New_York or 2026-01-14 09:30 America/New_York."
            ),
        )
    ]


def test_explain_off_the_grid_by_a_microsecond_is_off_the_grid() -> None:
    ((code, sentence),) = reasons(QUERY, NINE + timedelta(microseconds=1))

    assert code is ReasonCode.OFF_GRID
    assert sentence.endswith("nearest: 2026-01-14 09:00 America/New_York or 2026-01-14 09:30 America/New_York.")


def test_explain_off_the_grid_after_the_last_start_names_the_one_before() -> None:
    found = reasons(QUERY, NINE + 7 * HOUR + 10 * MINUTE)

    assert [code for code, _ in found] == [ReasonCode.ENDS_AFTER_WINDOW, ReasonCode.OFF_GRID]
    assert found[1][1].endswith("nearest: 2026-01-14 16:00 America/New_York.")


def test_explain_off_the_grid_of_a_window_too_short_names_none() -> None:
    found = reasons(with_rules(duration=9 * HOUR), NINE + 10 * MINUTE)

    assert found[1] == (ReasonCode.OFF_GRID, "It is not on the grid of a start every 30 minutes.")


def test_explain_off_the_grid_before_a_monday_names_the_restart() -> None:
    always = tuple(Window(day, 0, 1440) for day in range(1, 8))
    monday = datetime(2026, 1, 12, tzinfo=UTC)
    query = SlotQuery(Schedule("UTC", always), Rules(50 * MINUTE, 50 * MINUTE), monday, monday - HOUR, monday + HOUR)

    found = reasons(query, monday - 10 * MINUTE)

    assert found[1][1].endswith("nearest: 2026-01-11 23:30 UTC or 2026-01-12 00:00 UTC.")


def test_explain_blackout_names_its_time() -> None:
    instants = Interval(NINE, NINE + HOUR)
    local = LocalInterval(datetime(2026, 1, 14, 9, 30), datetime(2026, 1, 14, 9, 30, 30))  # noqa: DTZ001 -- wall clock
    other = Interval(NINE + HOUR, NINE + 2 * HOUR)

    explanation = explain(with_taken(blackouts=(instants, local, other)), NINE)

    assert [(reason.code, reason.sentence, reason.interval) for reason in explanation.reasons] == [
        (
            ReasonCode.BLACKOUT,
            (
                "The session would overlap a blackout,"
                " 2026-01-14 09:00 America/New_York to 2026-01-14 10:00 America/New_York."
            ),
            instants,
        ),
        (
            ReasonCode.BLACKOUT,
            (
                "The session would overlap a blackout,"
                " 2026-01-14 09:30 America/New_York to 2026-01-14 09:30:30 America/New_York."
            ),
            Interval(NINE + 30 * MINUTE, NINE + 30 * MINUTE + timedelta(seconds=30)),
        ),
    ]


def test_explain_busy_time_is_told_from_its_buffers() -> None:
    calendar = Interval(NINE + 30 * MINUTE, NINE + HOUR)
    session = Interval(NINE + HOUR, NINE + 2 * HOUR)
    booked = Busy(NINE + 50 * MINUTE, NINE + 2 * HOUR, session, "the session of Ada")
    nameless = Busy(NINE - 30 * MINUTE, NINE - 10 * MINUTE)

    explanation = explain(with_taken(busy=(calendar, booked, nameless)), NINE)

    assert [(reason.code, reason.sentence, reason.interval) for reason in explanation.reasons] == [
        (
            ReasonCode.BUSY,
            (
                "The session would overlap busy time,"
                " 2026-01-14 09:30 America/New_York to 2026-01-14 10:00 America/New_York."
            ),
            calendar,
        ),
        (
            ReasonCode.BUFFER,
            (
                "There would be no room for the buffers beside the session of Ada,"
                " 2026-01-14 10:00 America/New_York to 2026-01-14 11:00 America/New_York."
            ),
            booked,
        ),
        (
            ReasonCode.BUFFER,
            (
                "There would be no room for the buffers beside busy time,"
                " 2026-01-14 08:30 America/New_York to 2026-01-14 08:50 America/New_York."
            ),
            nameless,
        ),
    ]


def test_explain_busy_for_ever_prints_the_instants_as_given() -> None:
    assert reasons(with_taken(busy=(EVER,)), NINE) == [
        (
            ReasonCode.BUSY,
            "The session would overlap busy time, 0001-01-01T00:00:00+00:00 to 9999-12-31T23:59:59.999999+00:00.",
        )
    ]


@pytest.mark.parametrize(
    ("notice", "sentence"),
    [
        (timedelta(0), "It has passed: it is 2026-01-14 09:00:01 America/New_York now."),
        (timedelta(days=1, hours=2), "It is too soon: the coach asks for 1 day 2 hours of notice."),
        (timedelta(minutes=1, seconds=30), "It is too soon: the coach asks for 1 minute 30 seconds of notice."),
    ],
)
def test_explain_too_soon_says_what_is_asked(notice: timedelta, sentence: str) -> None:
    query = replace(with_rules(notice=notice), now=NINE + timedelta(seconds=1))

    assert reasons(query, NINE) == [(ReasonCode.TOO_SOON, sentence)]


@pytest.mark.parametrize(
    ("horizon", "sentence"),
    [
        (timedelta(days=2), "It is too far ahead: bookings open 2 days before the start."),
        (timedelta(0), "It is too far ahead: bookings open no time before the start."),
    ],
)
def test_explain_too_far_ahead_says_the_horizon(horizon: timedelta, sentence: str) -> None:
    assert reasons(with_rules(horizon=horizon), NINE) == [(ReasonCode.TOO_FAR_AHEAD, sentence)]


def test_explain_limits_name_their_periods() -> None:
    query = with_taken(booked_starts=(NINE, NINE + HOUR))
    query = replace(query, rules=replace(query.rules, daily_limit=2, weekly_limit=1, monthly_limit=2))

    assert reasons(query, NINE) == [
        (
            ReasonCode.DAILY_LIMIT,
            "The day 2026-01-14 (America/New_York) has as many bookings as the coach takes: 2.",
        ),
        (
            ReasonCode.WEEKLY_LIMIT,
            "The week that begins on 2026-01-12 (America/New_York) has as many bookings as the coach takes: 2.",
        ),
        (
            ReasonCode.MONTHLY_LIMIT,
            "The month that begins on 2026-01-01 (America/New_York) has as many bookings as the coach takes: 2.",
        ),
    ]
    assert [code for code, _ in reasons(query, NINE + timedelta(days=7))] == [
        ReasonCode.OUT_OF_RANGE,
        ReasonCode.MONTHLY_LIMIT,
    ]


def test_explain_limit_of_zero_says_that_no_booking_is_taken() -> None:
    sentence = "The day 2026-01-14 (America/New_York) has as many bookings as the coach takes: 0."

    assert reasons(with_rules(daily_limit=0), NINE) == [(ReasonCode.DAILY_LIMIT, sentence)]


def test_explain_names_every_reason_that_applies() -> None:
    query = replace(
        with_taken(busy=(Interval(NINE, NINE + HOUR),), blackouts=(Interval(NINE, NINE + HOUR),)), now=NINE + HOUR
    )

    assert [code for code, _ in reasons(query, NINE + 5 * MINUTE)] == [
        ReasonCode.TOO_SOON,
        ReasonCode.OFF_GRID,
        ReasonCode.BLACKOUT,
        ReasonCode.BUSY,
    ]


@pytest.mark.parametrize(
    ("instant", "message"),
    [
        (NINE.replace(tzinfo=None), "instant: 2026-01-14 14:00:00 has no time zone"),
        (NINE.replace(year=2300), "instant: 2300-01-14 14:00:00+00:00 is outside the years 1900 to 2199"),
    ],
)
def test_explain_instant_out_of_bounds_is_refused(instant: datetime, message: str) -> None:
    with pytest.raises(ValueError, match=r"^instant: ") as refusal:
        explain(QUERY, instant)

    assert str(refusal.value).startswith(message)


def test_explain_outside_the_dates_names_them() -> None:
    day = date(2026, 1, 14)

    assert reasons(with_rules(first_day=day, last_day=day), NINE) == []
    for rules, words in (
        ({"first_day": date(2026, 1, 15)}, "from 2026-01-15"),
        ({"last_day": date(2026, 1, 13)}, "until 2026-01-13"),
        ({"first_day": date(2026, 1, 15), "last_day": date(2026, 1, 20)}, "from 2026-01-15 until 2026-01-20"),
    ):
        sentence = f"It is outside the dates on which this can be booked: {words} (America/New_York)."
        assert reasons(with_rules(**rules), NINE) == [(ReasonCode.OUTSIDE_DATES, sentence)]
