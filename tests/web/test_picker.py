from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.notifications.display import Viewer
from greenroom.web import picker
from greenroom.web.picker import Empty, Level, OpenTime, PickerQuery, Reach, TimeButton

BERLIN = Viewer("Europe/Berlin")
REACH = Reach(today=date(2026, 11, 20), last_day=date(2027, 2, 18))
NOTHING = PickerQuery()


def at(*moments: str) -> list[OpenTime]:
    return [OpenTime(datetime.fromisoformat(moment).replace(tzinfo=UTC)) for moment in moments]


def build(times: list[OpenTime], query: PickerQuery = NOTHING, **more: datetime | None) -> picker.Picker:
    return picker.build_picker(times, query=query, reach=REACH, viewer=BERLIN, **more)


def cells(shown: picker.Picker) -> dict[int, picker.DayCell]:
    return {cell.day.day: cell for week in shown.weeks for cell in week if cell}


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({}, NOTHING),
        ({"month": "2026-12"}, PickerQuery(month=date(2026, 12, 1))),
        ({"date": "2026-12-03"}, PickerQuery(month=date(2026, 12, 1), day=date(2026, 12, 3))),
        ({"month": "2027-01", "date": "2026-12-03"}, PickerQuery(month=date(2026, 12, 1), day=date(2026, 12, 3))),
        ({"month": "2027-01", "date": "rubbish"}, PickerQuery(month=date(2027, 1, 1))),
        ({"tz": "Asia/Calcutta", "h": "12"}, PickerQuery(tz="Asia/Kolkata", h24=False)),
        ({"h": "24"}, PickerQuery(h24=True)),
        ({"h": "13"}, NOTHING),
        ({"month": "2026-13"}, NOTHING),
        ({"month": "0000-01"}, NOTHING),
        ({"month": "0001-01"}, PickerQuery(month=date(1, 1, 1))),
        ({"date": "9999-12-31"}, PickerQuery(month=date(9999, 12, 1), day=date(9999, 12, 31))),
        ({"date": "2026-02-30"}, NOTHING),
        ({"date": "2026-2-3"}, NOTHING),
        ({"date": "٢٠٢٦-١٢-٠٣"}, NOTHING),
        ({"month": "2026-12\n"}, NOTHING),
        ({"month": ["2026-12"], "date": None, "tz": 7}, NOTHING),
    ],
)
def test_parse_query(params: dict[str, object], query: PickerQuery) -> None:
    assert picker.parse_query(params) == query


@given(
    st.dictionaries(
        st.sampled_from(["month", "date", "tz", "h"]),
        st.text(alphabet="0129-/+ T\x00\n٣é", max_size=12)
        | st.builds("{:04}-{:02}".format, st.integers(0, 9999), st.integers(0, 13))
        | st.builds("{:04}-{:02}-{:02}".format, st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32)),
    )
)
def test_parse_query_and_build_never_raise(params: dict[str, object]) -> None:
    query = picker.parse_query(params)

    shown = picker.build_picker([], query=query, reach=REACH, viewer=Viewer(query.tz or "UTC"))

    assert date(2026, 11, 1) <= shown.month <= date(2027, 2, 1)
    assert shown.month == picker.shown_month(query, REACH)


@pytest.mark.parametrize(
    ("query", "next_free", "month"),
    [
        (NOTHING, None, date(2026, 11, 1)),
        (NOTHING, date(2026, 12, 9), date(2026, 12, 1)),
        (PickerQuery(month=date(2027, 1, 1)), date(2026, 12, 9), date(2027, 1, 1)),
        (PickerQuery(month=date(1, 1, 1)), None, date(2026, 11, 1)),
        (PickerQuery(month=date(9999, 12, 1)), None, date(2027, 2, 1)),
    ],
)
def test_shown_month_stays_within_reach(query: PickerQuery, next_free: date | None, month: date) -> None:
    assert picker.shown_month(query, REACH, next_free) == month


def test_shown_month_when_nothing_can_be_reached_is_this_month() -> None:
    gone = Reach(today=date(2026, 11, 20), last_day=date(2026, 10, 1))

    assert picker.shown_month(PickerQuery(month=date(2027, 1, 1)), gone) == date(2026, 11, 1)


def test_month_bounds_follow_the_local_midnights() -> None:
    assert picker.month_bounds(date(2026, 10, 1), "Europe/Berlin") == (
        datetime(2026, 9, 30, 22, tzinfo=UTC),
        datetime(2026, 10, 31, 23, tzinfo=UTC),
    )
    assert picker.month_bounds(date(2026, 12, 1), "Asia/Kolkata")[1] == datetime(2026, 12, 31, 18, 30, tzinfo=UTC)


def test_weeks_start_on_monday_and_hold_each_day_once() -> None:
    shown = build([], PickerQuery(month=date(2026, 12, 1)))

    assert [cell.day.day if cell else None for cell in shown.weeks[0]] == [None, 1, 2, 3, 4, 5, 6]
    assert sorted(cells(shown)) == list(range(1, 32))
    assert shown.weekdays[0] == ("Mo", "Monday")
    assert shown.month_name == "December"


@pytest.mark.parametrize(
    ("count", "level"),
    [(0, Level.NONE), (1, Level.FEW), (3, Level.FEW), (4, Level.SOME), (7, Level.SOME), (8, Level.MANY)],
)
def test_day_level_tells_how_much_room_there_is(count: int, level: Level) -> None:
    first = datetime(2026, 12, 3, 8, tzinfo=UTC)
    times = [OpenTime(first + timedelta(minutes=30 * step)) for step in range(count)]

    cell = cells(build(times, PickerQuery(month=date(2026, 12, 1))))[3]

    assert (cell.count, cell.level) == (count, level)


def test_day_label_says_today_and_selected() -> None:
    query = PickerQuery(month=date(2026, 11, 1), day=date(2026, 11, 20))

    shown = cells(build(at("2026-11-20T12:00"), query))

    assert shown[20].label == "Friday 20 November, 1 time, today, selected"
    assert shown[21].label == "Saturday 21 November, no times"
    assert shown[20].key == "day-20261120"
    assert [day for day, cell in shown.items() if cell.is_today] == [20]


def test_times_stand_under_the_viewers_local_day() -> None:
    late = at("2026-12-03T23:30")
    query = PickerQuery(month=date(2026, 12, 1), day=date(2026, 12, 4))

    shown = build(late, query)

    assert [(group.part, [time.text for time in group.times]) for group in shown.groups] == [("Night", ["00:30"])]
    assert shown.status == "1 time on Friday 4 December, Berlin time"


def test_times_are_grouped_by_part_of_day_in_order() -> None:
    query = PickerQuery(month=date(2026, 12, 1), day=date(2026, 12, 3))
    times = at("2026-12-03T16:00", "2026-12-03T10:59", "2026-12-03T11:00", "2026-12-03T15:59", "2026-12-03T08:00")
    times += at("2026-12-03T03:59", "2026-12-03T04:00")

    shown = build(times, query)

    assert [(group.part, [time.text for time in group.times]) for group in shown.groups] == [
        ("Night", ["04:59"]),
        ("Morning", ["05:00", "09:00", "11:59"]),
        ("Afternoon", ["12:00", "16:59"]),
        ("Evening", ["17:00"]),
    ]
    assert shown.groups[1].times[1] == TimeButton("2026-12-03T08:00:00Z", "09:00", None)
    assert shown.empty is None


def test_two_starts_that_read_the_same_when_clocks_go_back_name_their_offset() -> None:
    reach = Reach(today=date(2026, 10, 1), last_day=date(2026, 10, 31))
    query = PickerQuery(month=date(2026, 10, 1), day=date(2026, 10, 25))

    shown = picker.build_picker(
        at("2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"), query=query, reach=reach, viewer=BERLIN
    )

    assert [time.text for time in shown.groups[0].times] == ["02:30 GMT+2", "02:30 GMT+1", "03:30"]


def test_seats_left_are_passed_on() -> None:
    query = PickerQuery(month=date(2026, 12, 1), day=date(2026, 12, 3))

    shown = build([OpenTime(datetime(2026, 12, 3, 8, tzinfo=UTC), seats_left=4)], query)

    assert shown.groups[0].times[0].seats_left == 4


def test_times_outside_the_shown_month_are_ignored() -> None:
    shown = build(at("2026-11-30T08:00", "2027-01-01T08:00"), PickerQuery(month=date(2026, 12, 1)))

    assert sum(cell.count for cell in cells(shown).values()) == 0


@pytest.mark.parametrize(
    ("month", "previous", "following"),
    [
        (date(2026, 11, 1), None, date(2026, 12, 1)),
        (date(2026, 12, 1), date(2026, 11, 1), date(2027, 1, 1)),
        (date(2027, 1, 1), date(2026, 12, 1), date(2027, 2, 1)),
        (date(2027, 2, 1), date(2027, 1, 1), None),
    ],
)
def test_neighbouring_months_end_at_the_reach(month: date, previous: date | None, following: date | None) -> None:
    shown = build([], PickerQuery(month=month))

    assert (shown.previous_month, shown.next_month) == (previous, following)


def test_no_day_chosen_names_the_soonest_of_the_month() -> None:
    shown = build(at("2026-12-09T08:00", "2026-12-07T08:00"), PickerQuery(month=date(2026, 12, 1)))

    assert (shown.empty, shown.soonest, shown.day) == (Empty.NO_DAY_CHOSEN, date(2026, 12, 7), None)
    assert shown.status == "December 2026. No day chosen."


def test_a_full_day_keeps_the_day_and_says_so() -> None:
    query = PickerQuery(month=date(2026, 12, 1), day=date(2026, 12, 3))

    shown = build(at("2026-12-09T08:00"), query)

    assert (shown.empty, shown.day, shown.soonest) == (Empty.DAY_FULL, date(2026, 12, 3), date(2026, 12, 9))
    assert shown.status == "No times on Thursday 3 December, Berlin time"


def test_a_full_month_points_to_the_next_free_day() -> None:
    shown = build([], PickerQuery(month=date(2026, 12, 1)), next_free_at=datetime(2027, 1, 5, 23, 30, tzinfo=UTC))

    assert (shown.empty, shown.soonest) == (Empty.MONTH_FULL, date(2027, 1, 6))


def test_nothing_free_at_all_points_nowhere() -> None:
    shown = build([])

    assert (shown.empty, shown.soonest, shown.month) == (Empty.NOTHING_FREE, None, date(2026, 11, 1))


def test_a_day_beyond_reach_is_not_chosen() -> None:
    shown = build([], picker.parse_query({"date": "2030-01-01"}))

    assert (shown.day, shown.month) == (None, date(2027, 2, 1))


def test_alternatives_name_their_day() -> None:
    starts = [datetime(2026, 12, 3, 18, 30, tzinfo=UTC), datetime(2026, 12, 4, 23, 30, tzinfo=UTC)]

    assert picker.alternatives(starts, BERLIN) == (
        TimeButton("2026-12-03T18:30:00Z", "Thu 3 Dec, 19:30"),
        TimeButton("2026-12-04T23:30:00Z", "Sat 5 Dec, 00:30"),
    )


@pytest.mark.parametrize(("count", "words"), [(0, "no times"), (1, "1 time"), (7, "7 times")])
def test_times_words(count: int, words: str) -> None:
    assert picker.times_words(count) == words
