import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.availability.engine import (
    Busy,
    Interval,
    LocalInterval,
    Override,
    Rules,
    Schedule,
    Stay,
    Window,
    explain,
)
from greenroom.availability.engine.json_fields import ScenarioError
from greenroom.availability.engine.scenario import parse_cases, parse_json, parse_scenario

MINUTE = timedelta(minutes=1)
DELETED = object()


def scenario(**changes: Any) -> dict[str, Any]:
    """Return a full scenario with some fields changed or deleted."""
    fields = {
        "tz": "America/New_York",
        "windows": [{"days": [0, 6], "start": "09:00", "end": "24:00"}],
        "overrides": [{"date": "2026-01-14", "windows": [{"start": "22:00", "end": "02:00"}]}],
        "blackouts": [
            {"date_from": "2026-01-15", "date_to": "2026-01-16"},
            {"start_local": "2026-01-17T13:00", "end_local": "2026-01-17T14:30:30"},
            {"start": "2026-01-18T13:00:00Z", "end": "2026-01-18T14:00:00Z"},
        ],
        "busy": [{"start": "2026-01-19T13:00:00.5Z", "end": "2026-01-19T15:00:00+01:00"}],
        "bookings": [{"start": "2026-01-20T13:00:00Z", "end": "2026-01-20T14:00:00Z"}],
        "daily_limit": 1,
        "weekly_limit": 2,
        "monthly_limit": None,
        "first_day": "2026-01-14",
        "last_day": "2026-02-14",
        "duration_min": 60,
        "increment_min": 30,
        "buffer_before_min": 5,
        "buffer_after_min": 10,
        "min_notice_min": 120,
        "max_advance_min": 1440,
        "now": "2026-01-01T00:00:00Z",
        "viewer_tz": "Asia/Tokyo",
        "range": {"from": "2026-01-14T05:00:00Z", "to": "2026-01-15T05:00:00Z"},
        "asked_local_days": {"tz": "Asia/Tokyo", "from": "2026-01-14", "to": "2026-01-15"},
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not DELETED}


def test_parse_scenario_reads_stays() -> None:
    stays = [{"first_day": "2026-01-14", "last_day": "2026-01-15", "tz": "Asia/Tokyo"}]

    query = parse_scenario(scenario(stays=stays))

    assert query.schedule.stays == (Stay(date(2026, 1, 14), date(2026, 1, 15), "Asia/Tokyo"),)
    assert parse_scenario(scenario()).schedule.stays == ()


def test_parse_scenario_reads_every_field() -> None:
    query = parse_scenario(scenario())

    booking = Busy(datetime(2026, 1, 20, 13, tzinfo=UTC), datetime(2026, 1, 20, 14, tzinfo=UTC), ref="bookings[0]")
    assert query.schedule == Schedule(
        "America/New_York",
        (Window(1, 540, 1440), Window(7, 540, 1440)),
        (Override(date(2026, 1, 14), ((1320, 120),)),),
    )
    assert query.rules == Rules(
        60 * MINUTE, 30 * MINUTE, 5 * MINUTE, 10 * MINUTE, 120 * MINUTE, 1440 * MINUTE, 1, 2, None,
        date(2026, 1, 14), date(2026, 2, 14),
    )  # fmt: skip
    assert query.taken.blackouts == (
        LocalInterval.whole_days(date(2026, 1, 15), date(2026, 1, 16)),
        LocalInterval(datetime(2026, 1, 17, 13), datetime(2026, 1, 17, 14, 30, 30)),  # noqa: DTZ001 -- wall clock
        Interval(datetime(2026, 1, 18, 13, tzinfo=UTC), datetime(2026, 1, 18, 14, tzinfo=UTC)),
    )
    assert query.taken.busy == (
        Interval(datetime(2026, 1, 19, 13, 0, 0, 500_000, tzinfo=UTC), datetime(2026, 1, 19, 14, tzinfo=UTC)),
        booking,
    )
    assert query.taken.booked_starts == (booking.start,)
    assert query.now == datetime(2026, 1, 1, tzinfo=UTC)
    assert query.range_from == datetime(2026, 1, 14, 5, tzinfo=UTC)
    assert query.range_to == datetime(2026, 1, 15, 5, tzinfo=UTC)


def test_parse_scenario_needs_six_fields_only() -> None:
    whole = scenario()
    needed = ("tz", "windows", "duration_min", "increment_min", "now", "range")

    query = parse_scenario({name: whole[name] for name in needed})

    assert query.rules == Rules(60 * MINUTE, 30 * MINUTE)
    assert query.taken.busy == ()


INTERVAL = {"start": "2026-01-19T13:00:00Z", "end": "2026-01-19T14:00:00Z"}
AN_INSTANT = "expected an instant with Z or an offset such as 2026-01-31T09:30:00Z, found "
A_ZONE = "an IANA time zone such as Europe/Paris"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tz": DELETED}, f"tz: missing; give {A_ZONE}"),
        ({"tz": 5}, f"tz: expected {A_ZONE}, found 5"),
        ({"tz": "Mars/Olympus"}, f"tz: expected {A_ZONE}, found 'Mars/Olympus'"),
        ({"tz": "../../etc/passwd"}, f"tz: expected {A_ZONE}, found '../../etc/passwd'"),
        ({"viewer_tz": ""}, f"viewer_tz: expected {A_ZONE}, found ''"),
        ({"daily_limt": 3}, "daily_limt: unknown field; known are asked_local_days, blackouts, "),
        ({"windows": DELETED}, "windows: missing; give a list of weekly windows, empty for none"),
        ({"windows": {}}, "windows: expected a list, found {}"),
        ({"windows": [7]}, "windows[0]: expected an object, found 7"),
        ({"windows": [{"start": "09:00", "end": "10:00"}]}, "windows[0].days: missing; give a list of weekdays, 0 for"),
        ({"windows": [{"days": 1, "start": "09:00", "end": "10:00"}]}, "windows[0].days: expected a list, found 1"),
        (
            {"windows": [{"days": [0, 7], "start": "09:00", "end": "10:00"}]},
            "windows[0].days[1]: expected a whole number from 0 to 6, found 7",
        ),
        (
            {"windows": [{"days": [True], "start": "09:00", "end": "10:00"}]},
            "windows[0].days[0]: expected a whole number from 0 to 6, found True",
        ),
        (
            {"windows": [{"days": [0], "start": "24:00", "end": "10:00"}]},
            "windows[0].start: expected a time from 00:00 to 23:59, found '24:00'",
        ),
        (
            {"windows": [{"days": [0], "start": "09:00", "end": "24:01"}]},
            "windows[0].end: expected a time from 00:00 to 24:00, found '24:01'",
        ),
        (
            {"windows": [{"days": [0], "start": "9:00", "end": "24:00"}]},
            "windows[0].start: expected a time from 00:00 to 23:59, found '9:00'",
        ),
        (
            {"windows": [{"days": [0], "start": "09:00", "end": 1020}]},
            "windows[0].end: expected a time from 00:00 to 24:00, found 1020",
        ),
        ({"windows": [{"day": 0}]}, "windows[0].day: unknown field; known are active, days, end, start"),
        (
            {"windows": [{"days": [0], "start": "09:00", "end": "10:00", "active": "no"}]},
            "windows[0].active: expected true or false, found 'no'",
        ),
        ({"overrides": [{"date": "2026-01-14"}]}, "overrides[0].windows: missing; give a list of windows, empty to"),
        (
            {"overrides": [{"date": "2027-02-29", "windows": []}]},
            "overrides[0].date: expected a date such as 2026-01-31, found '2027-02-29'",
        ),
        (
            {"overrides": [{"date": "20270228", "windows": []}]},
            "overrides[0].date: expected a date such as 2026-01-31, found '20270228'",
        ),
        (
            {"overrides": [{"date": "2026-01-14", "windows": []}] * 2},
            "overrides: 2026-01-14 is given twice; put all its windows into one override",
        ),
        ({"stays": [{"first_day": "2026-01-14", "tz": "UTC"}]}, "stays[0].last_day: missing"),
        (
            {"stays": [{"first_day": "2026-01-14", "last_day": "2026-01-13", "tz": "UTC"}]},
            "stays[0].last_day: 2026-01-13 is before first_day 2026-01-14",
        ),
        ({"stays": [{"first_day": "2026-01-14", "last_day": "2026-01-14", "tz": "Mars"}]}, "stays[0].tz: "),
        (
            {"stays": [{"first_day": "2026-01-14", "last_day": "2026-01-14", "tz": "UTC"}] * 2},
            "stays: 2026-01-14 is in two of them",
        ),
        ({"overrides": None}, "overrides: expected a list, found None"),
        ({"blackouts": [{"date_from": "2026-01-15"}]}, "blackouts[0]: give date_from and date_to, or start_local and"),
        (
            {"blackouts": [{"date_from": "2026-01-15", "date_to": "2026-01-14"}]},
            "blackouts[0].date_to: 2026-01-14 is before the first date 2026-01-15",
        ),
        (
            {"blackouts": [{"start_local": "2026-01-15T09:00", "end_local": "2026-01-15T08:00"}]},
            "blackouts[0].end_local: 2026-01-15 08:00:00 is not after the start 2026-01-15 09:00:00",
        ),
        (
            {"blackouts": [{"start_local": "2026-01-15T09:00Z", "end_local": "2026-01-15T10:00"}]},
            "blackouts[0].start_local: expected a local time such as 2026-01-31T09:30, found '2026-01-15T09:00Z'",
        ),
        ({"blackouts": [{"start": 0, "end": 1}]}, f"blackouts[0].start: {AN_INSTANT}0"),
        ({"busy": [INTERVAL, {"start": "2026-01-19T13:00:00Z"}]}, "busy[1].end: missing; give an instant"),
        (
            {"busy": [{"start": INTERVAL["end"], "end": INTERVAL["start"]}]},
            "busy[0].end: 2026-01-19 13:00:00+00:00 is not after the start 2026-01-19 14:00:00+00:00",
        ),
        ({"bookings": [{**INTERVAL, "start": "soon"}]}, f"bookings[0].start: {AN_INSTANT}'soon'"),
        ({"now": "2026-01-01T00:00:00"}, f"now: {AN_INSTANT}'2026-01-01T00:00:00'"),
        ({"now": "2026-01-01T25:00:00Z"}, f"now: {AN_INSTANT}'2026-01-01T25:00:00Z'"),
        ({"now": "\u0662\u0660\u0662\u0666-01-01T00:00:00Z"}, f"now: {AN_INSTANT}"),
        ({"now": None}, f"now: {AN_INSTANT}None"),
        ({"daily_limit": -1}, "daily_limit: expected a whole number from 0 to 100000, found -1"),
        ({"weekly_limit": 1.0}, "weekly_limit: expected a whole number from 0 to 100000, found 1.0"),
        ({"first_day": "2026-02-15"}, "last_day: 2026-02-14 is before first_day 2026-02-15"),
        ({"last_day": "soon"}, "last_day: expected a date"),
        ({"monthly_limit": 10**30}, "monthly_limit: expected a whole number from 0 to 100000, found 10000"),
        ({"duration_min": DELETED}, "duration_min: missing; give a whole number from 1 to 44640"),
        ({"duration_min": 0}, "duration_min: expected a whole number from 1 to 44640, found 0"),
        ({"duration_min": "60"}, "duration_min: expected a whole number from 1 to 44640, found '60'"),
        ({"duration_min": True}, "duration_min: expected a whole number from 1 to 44640, found True"),
        ({"increment_min": 44641}, "increment_min: expected a whole number from 1 to 44640, found 44641"),
        ({"buffer_before_min": -5}, "buffer_before_min: expected a whole number from 0 to 44640, found -5"),
        ({"buffer_after_min": 10**30}, "buffer_after_min: expected a whole number from 0 to 44640, found 10000"),
        ({"min_notice_min": -1}, "min_notice_min: expected a whole number from 0 to 5270400, found -1"),
        ({"max_advance_min": -1}, "max_advance_min: expected a whole number from 0 to 5270400, found -1"),
        ({"range": DELETED}, "range: missing; give an object with from and to"),
        ({"range": 5}, "range: expected an object, found 5"),
        ({"range": {"from": "2026-01-14T05:00:00Z"}}, "range.to: missing; give an instant"),
        (
            {"range": {"from": "2026-01-14T05:00:00Z", "to": "2026-01-14T04:00:00Z"}},
            "range.to: 2026-01-14 04:00:00+00:00 is before range.from 2026-01-14 05:00:00+00:00",
        ),
        (
            {"range": {"from": "2026-01-14T05:00:00Z", "to": "2029-01-14T04:00:00Z"}},
            "range.to: the range is longer than 732 days; ask in parts",
        ),
        (
            {"range": {"from": "0001-01-01T00:00:00+14:00", "to": "2026-01-14T04:00:00Z"}},
            "range.from: 0001-01-01 00:00:00+14:00 is outside the years 1900 to 2199",
        ),
        ({"asked_local_days": []}, "asked_local_days: expected an object, found []"),
        (
            {"asked_local_days": {"tz": "UTC", "from": "2026-01-14", "to": "2026-13-01"}},
            "asked_local_days.to: expected a date such as 2026-01-31, found '2026-13-01'",
        ),
    ],
)
def test_parse_scenario_bad_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        parse_scenario(scenario(**changes))

    assert str(refusal.value).startswith(message)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(("2026-01-14T05:00:00Z", "2026-01-14", "9999-12-31", "24:00", "UTC", 10**30)),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.sampled_from(("start", "end", "date", "days", "windows", "from", "to", "tz")), values)
        | st.fixed_dictionaries({"date_from": values, "date_to": values})
        | st.fixed_dictionaries({"start_local": values, "end_local": values})
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(scenario())), JSON)
def test_parse_scenario_any_value_in_any_field_is_read_or_refused_by_name(name: str, value: object) -> None:
    try:
        query = parse_scenario(scenario(**{name: value}))
    except ScenarioError as refusal:
        assert str(refusal).startswith(name)  # noqa: PT017 -- many values are good
    else:
        assert isinstance(explain(query, query.range_from).is_open, bool)


@pytest.mark.parametrize("document", [None, [], "text", 5, True])
def test_parse_scenario_no_object_is_refused(document: object) -> None:
    with pytest.raises(ScenarioError, match=r"^scenario: expected an object, found "):
        parse_scenario(document)


def test_parse_cases_reads_id_and_input_of_each() -> None:
    cases = parse_cases({"version": 1, "cases": [{"id": "a", "input": scenario(), "expected": []}]})

    assert [(case.id, case.query) for case in cases] == [("a", parse_scenario(scenario(), "cases[0].input"))]


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ({}, "cases: expected a list, found {}"),
        ([{"input": {}}], "cases[0].id: missing; give a text"),
        ([{"id": "a"}], "cases[0].input: missing; give a scenario"),
        ([{"id": "a", "input": {}}], "cases[0].input.tz: missing; give an IANA time zone"),
        ([{"id": "a", "input": scenario(now=1)}], f"cases[0].input.now: {AN_INSTANT}1"),
    ],
)
def test_parse_cases_bad_field_is_named_by_its_path(cases: object, message: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        parse_cases({"cases": cases})

    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: "{", "not valid JSON: Expecting property name"),
        (lambda: "", "not valid JSON: Expecting value"),
        (lambda: '{"a": 1' + "0" * 5000 + "}", "not valid JSON: Exceeds the limit (4300 digits)"),
        (lambda: "[" * 200_000, "not valid JSON: nested too deeply"),
        (lambda: '{"tz": "UTC", "now": 1, "tz": "UTC"}', "tz: given twice in one object; keep one"),
    ],
)
def test_parse_json_bad_text_is_refused(make: Callable[[], str], message: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        parse_json(make())

    assert str(refusal.value).startswith(message)


def test_parse_json_good_text_is_read() -> None:
    assert parse_json(json.dumps(scenario())) == scenario()
