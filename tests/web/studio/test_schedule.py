from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.bookings import make_booking, make_offer
from tests.factories.clock import SettableClock

from greenroom.availability.models import Blackout, DateOverride, Schedule, WeeklyWindow
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.models import AuditEntry
from greenroom.notifications.display import EN_DASH
from greenroom.web.studio.schedule.page import range_words

WEEK = "/studio/schedule/week/"
DAYS = "/studio/schedule/days/"
BLACKOUTS = "/studio/schedule/blackouts/"


def week_of(coach: Coach) -> list[tuple[int, int, int]]:
    rows = WeeklyWindow.objects.filter(schedule__coach=coach).order_by("weekday", "start_minute")
    return list(rows.values_list("weekday", "start_minute", "end_minute"))


def week_data(**changes: str) -> dict[str, str]:
    """Return what a browser sends for a week that is closed, apart from `changes` with _ for -."""
    sent = {"tz": "UTC"} | {f"day{weekday}-rows": "1" for weekday in range(1, 8)}
    return sent | {name.replace("_", "-"): value for name, value in changes.items()}


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def anchors(answer: Any) -> list[str]:
    return [problem.anchor for problem in answer.context["problems"]]


def test_week_page_shows_what_is_stored(desk: Client, coach: Coach) -> None:
    WeeklyWindow.objects.exclude(weekday=2).delete()
    WeeklyWindow.objects.update(start_minute=1320)
    WeeklyWindow.objects.create(schedule=Schedule.objects.get(), weekday=2, start_minute=545, end_minute=60)

    form = desk.get("/studio/schedule/").context["week"]

    assert [len(rows) for _group, _name, rows in form.days] == [1, 2, 1, 1, 1, 1, 1]
    assert [form[f"day2-0-{name}"].value() for name in ("start", "end")] == ["09:05", "01:00"]
    assert 'value="09:05"' in str(form["day2-0-start"])
    assert 'value="24:00"' in str(form["day2-1-end"])
    assert coach.is_public


def test_week_is_saved_whole(desk: Client, coach: Coach) -> None:
    sent = week_data(
        tz="Asia/Calcutta",
        day1_rows="2",
        day1_0_start="9",
        day1_0_end="12.30",
        day1_1_start="1330",
        day1_1_end="24:00",
        day5_0_start="22:00",
        day5_0_end="02:00",
        day6_0_start="20h15",
        day6_0_end="00:00",
    )

    answer = desk.post(WEEK, sent)

    assert (answer.status_code, answer["Location"]) == (302, "/studio/schedule/")
    assert week_of(coach) == [(1, 540, 750), (1, 810, 1440), (5, 1320, 120), (6, 1215, 0)]
    assert Schedule.objects.get().tz == "Asia/Kolkata"


def test_week_hours_are_switched_off_and_on_again(desk: Client, coach: Coach) -> None:
    make_offer(coach)
    hours = {"day1_0_start": "9", "day1_0_end": "12", "day2_0_start": "9", "day2_0_end": "12"}
    desk.post(WEEK, week_data(**hours, day1_0_off="on"))

    monday, tuesday = WeeklyWindow.objects.filter(schedule__coach=coach)
    page = desk.get("/studio/schedule/")
    assert (monday.is_active, tuesday.is_active) == (False, True)
    assert [page.context["week"][f"day{day}-0-off"].value() for day in (1, 2)] == [True, False]
    assert {day.on.isoweekday() for day in page.context["preview"].days if day.times} == {2}

    desk.post(WEEK, week_data(**hours))
    desk.post("/studio/schedule/undo/", {"version": str(Schedule.objects.get().version)})

    assert list(WeeklyWindow.objects.values_list("pk", "is_active")) == [(monday.pk, False), (tuesday.pk, True)]


def test_week_hours_that_are_switched_off_still_keep_their_place(desk: Client, coach: Coach) -> None:
    rows = {"day4_rows": "2", "day4_0_start": "9", "day4_0_end": "12", "day4_1_start": "11", "day4_1_end": "13"}

    answer = desk.post(WEEK, week_data(**rows, day4_1_off="on"))

    assert anchors(answer) == ["id_day4-0-start"]
    assert coach.is_public


def test_copied_hours_stay_switched_off_and_those_of_a_preset_count(desk: Client, coach: Coach) -> None:
    sent = week_data(day1_0_start="9", day1_0_end="12", day1_0_off="on")

    copied = desk.post(WEEK, sent | {"copy": "1", "copy_from": "1", "copy_to": ["2"]}).context["week"]
    preset = desk.post(WEEK, sent | {"preset": "mornings"}).context["week"]

    assert [bool(copied[f"day{day}-0-off"].value()) for day in (1, 2, 3)] == [True, True, False]
    assert not preset["day1-0-off"].value()
    assert coach.is_public


def test_week_of_a_coach_without_a_schedule_is_made(desk: Client, coach: Coach) -> None:
    Schedule.objects.all().delete()

    assert desk.get("/studio/schedule/").context["schedule"] is None
    desk.post(WEEK, week_data(day1_0_start="9:00", day1_0_end="10:00"))

    assert week_of(coach) == [(1, 540, 600)]


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"tz": "Mars/Olympus"}, "id_tz"),
        ({"tz": ""}, "id_tz"),
        ({"day1_0_start": "25:00", "day1_0_end": "26:00"}, "id_day1-0-start"),
        ({"day1_0_start": "nine", "day1_0_end": "10:00"}, "id_day1-0-start"),
        ({"day1_0_start": "09:60", "day1_0_end": "10:00"}, "id_day1-0-start"),
        ({"day1_0_start": "24:00", "day1_0_end": "10:00"}, "id_day1-0-start"),
        ({"day1_0_start": "\x00", "day1_0_end": "10:00"}, "id_day1-0-start"),
        ({"day1_0_start": "\u0660\u0669:00", "day1_0_end": "10:00"}, "id_day1-0-start"),
        ({"day1_0_start": "09:00" * 99, "day1_0_end": "10:00"}, "id_day1-0-start"),
        ({"day1_0_start": "9:00", "day1_0_end": "24:01"}, "id_day1-0-end"),
        ({"day3_0_start": "9:00"}, "id_day3-0-end"),
        ({"day3_0_end": "9:00"}, "id_day3-0-start"),
        ({"day3_0_start": "9:00", "day3_0_end": "09:00"}, "id_day3-0-end"),
        (
            {
                "day4_rows": "2",
                "day4_0_start": "9",
                "day4_0_end": "12",
                "day4_1_start": "11",
                "day4_1_end": "13",
            },
            "id_day4-0-start",
        ),
        ({"day7_0_start": "22", "day7_0_end": "3", "day1_0_start": "2", "day1_0_end": "5"}, "id_day1-0-start"),
    ],
)
def test_week_bad_input_names_the_field_and_changes_nothing(
    desk: Client, coach: Coach, changes: dict[str, str], anchor: str
) -> None:
    before = week_of(coach)

    answer = desk.post(WEEK, week_data(**changes))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert anchor in anchors(answer)
    assert f'href="#{anchor}"' in page
    assert f'id="{anchor}_error"' in page
    assert (week_of(coach), AuditEntry.objects.count()) == (before, 0)


def test_week_overlap_names_the_day(desk: Client, coach: Coach) -> None:
    rows = {"day4_rows": "2", "day4_0_start": "9", "day4_0_end": "12", "day4_1_start": "11", "day4_1_end": "13"}

    answer = desk.post(WEEK, week_data(**rows))

    [problem] = answer.context["problems"]
    assert problem.message.startswith(f"Thursday: 09:00 {EN_DASH} 12:00 and 11:00 {EN_DASH} 13:00 overlap.")
    assert coach.is_public


def test_week_without_anything_sent_names_the_zone(desk: Client, coach: Coach) -> None:
    before = week_of(coach)

    assert anchors(desk.post(WEEK, {})) == ["id_tz"]
    assert week_of(coach) == before


def test_week_row_is_added_without_saving_or_complaining(desk: Client, coach: Coach) -> None:
    before = week_of(coach)

    answer = desk.post(WEEK, week_data(day2_0_start="nonsense", add="day2"))

    form = answer.context["week"]
    assert (answer.status_code, answer.context["problems"]) == (200, [])
    assert [len(rows) for _group, _name, rows in form.days] == [1, 2, 1, 1, 1, 1, 1]
    assert form["day2-0-start"].value() == "nonsense"
    assert week_of(coach) == before


def test_week_row_is_taken_away_and_the_rest_moves_up(desk: Client, coach: Coach) -> None:
    sent = week_data(
        day2_rows="3",
        day2_0_start="1",
        day2_0_end="2",
        day2_1_start="3",
        day2_1_end="4",
        day2_2_start="5",
        day2_2_end="6",
    )

    form = desk.post(WEEK, sent | {"remove": "day2-1"}).context["week"]

    assert [(row.fields["start"].value(), row.fields["end"].value()) for row in form.rows("day2")] == [
        ("1", "2"),
        ("5", "6"),
    ]
    assert coach.is_public


def test_week_last_row_is_emptied(desk: Client, coach: Coach) -> None:
    form = desk.post(WEEK, week_data(day2_0_start="1", day2_0_end="2", remove="day2-0")).context["week"]

    assert [row.fields["start"].value() for row in form.rows("day2")] == [None]
    assert coach.is_public


@pytest.mark.parametrize("button", [{"add": "day9"}, {"remove": "day1-x"}, {"remove": "tz"}, {"add": ""}])
def test_week_unknown_button_saves_like_any_other(desk: Client, coach: Coach, button: dict[str, str]) -> None:
    assert desk.post(WEEK, week_data(**button)).status_code == 302
    assert week_of(coach) == []


@pytest.mark.parametrize("rows", ["999999999", "-1", "x", "12345678901234567890", "٣"])
def test_week_row_count_is_bounded(desk: Client, coach: Coach, rows: str) -> None:
    answer = desk.post(WEEK, week_data(day2_rows=rows, add="day3"))

    assert len(answer.context["week"].rows("day2")) in {1, 12}
    assert coach.is_public


def starts_in(answer: Any) -> list[list[Any]]:
    """Return what stands in the first column of each day's rows."""
    days = answer.context["week"].days
    return [[row.fields["start"].value() or "" for row in rows] for _group, _name, rows in days]


def test_week_day_is_copied_to_the_days_chosen_without_saving(desk: Client, coach: Coach) -> None:
    before = week_of(coach)
    sent = week_data(day1_rows="2", day1_0_start="9", day1_0_end="12", day1_1_start="14", day1_1_end="18", copy="1")
    sent |= {"day7-0-start": "8", "day7-0-end": "9"}

    chosen = desk.post(WEEK, sent | {"copy_from": "1", "copy_to": ["2", "6", "1"]})
    back = desk.post(WEEK, sent | {"copy_from": "7", "copy_to": ["1"]})
    nonsense = desk.post(WEEK, sent | {"copy_from": "9", "copy_to": ["x", "2"]})

    assert starts_in(chosen) == [["9", "14"], ["9", "14"], [""], [""], [""], ["9", "14"], ["8"]]
    assert starts_in(back) == [["8"], [""], [""], [""], [""], [""], ["8"]]
    assert starts_in(nonsense) == [["9", "14"], [""], [""], [""], [""], [""], ["8"]]
    assert week_of(coach) == before


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("08:00", "10:00")], ["08:00-12:00"]),
        ([("12:00", "13:00")], ["09:00-13:00"]),
        ([("10:00", "11:00"), ("11:30", "14:00")], ["09:00-14:00", "-"]),
        ([("07:00", "08:00"), ("", "")], ["07:00-08:00", "09:00-12:00"]),
        ([("09:00", "12:00")], ["09:00-12:00"]),
        ([("22:00", "02:00")], ["22:00-02:00", "09:00-12:00"]),
        ([("soon", "10:00")], ["soon-10:00", "09:00-12:00"]),
    ],
)
def test_week_preset_joins_the_hours_it_touches(
    desk: Client, coach: Coach, rows: list[tuple[str, str]], expected: list[str]
) -> None:
    sent = {"tz": "UTC", "version": "0", "preset": "mornings"} | {
        f"day{day}-rows": str(len(rows) if day == 1 else 1) for day in range(1, 8)
    }
    for index, (start, end) in enumerate(rows):
        sent |= {f"day1-{index}-start": start, f"day1-{index}-end": end}

    answer = desk.post(WEEK, sent)

    (_group, _name, drawn), *_others = answer.context["week"].days
    shown = [tuple(row.fields[name].value() or "" for name in ("start", "end")) for row in drawn]
    assert ["-".join(row) for row in shown] == expected
    assert coach.slug == "maya"


def test_week_preset_fills_the_workdays_without_saving(desk: Client, coach: Coach) -> None:
    before = week_of(coach)
    sent = week_data(day2_0_start="07:00", day2_0_end="08:00", day3_0_start="18:00", day3_0_end="21:00")

    answer = desk.post(WEEK, sent | {"preset": "evenings"})

    assert starts_in(answer) == [["18:00"], ["07:00", "18:00"], ["18:00"], ["18:00"], ["18:00"], [""], [""]]
    assert week_of(coach) == before
    unknown = desk.post(WEEK, sent | {"preset": "nights"})
    assert unknown["Location"] == "/studio/schedule/"
    assert week_of(coach) == [(2, 420, 480), (3, 1080, 1260)]


def test_week_changed_in_another_window_is_not_overwritten(desk: Client, coach: Coach) -> None:
    first, second = (desk.get("/studio/schedule/").context["week"]["version"].value() for _ in range(2))
    desk.post(WEEK, week_data(day1_0_start="9", day1_0_end="12", version=str(first)))
    stored = week_of(coach)

    answer = desk.post(WEEK, week_data(day2_0_start="14", day2_0_end="18", version=str(second)))

    assert answer.status_code == 422
    [problem] = answer.context["problems"]
    assert f"Stored now: Mon 09:00 {EN_DASH} 12:00." in problem.message
    assert starts_in(answer)[1] == ["14"]
    assert week_of(coach) == stored
    again = week_data(day2_0_start="14", day2_0_end="18", version=answer.context["week"]["version"].value())
    assert desk.post(WEEK, again)["Location"] == "/studio/schedule/"
    assert week_of(coach) == [(2, 840, 1080)]


def test_week_sent_twice_from_one_page_is_saved_once(desk: Client, coach: Coach) -> None:
    sent = week_data(day1_0_start="9", day1_0_end="12", version="0")

    answers = [desk.post(WEEK, sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert AuditEntry.objects.filter(action="schedule.replace_week").count() == 1
    assert week_of(coach) == [(1, 540, 720)]


def test_week_is_undone_and_brought_back(desk: Client, coach: Coach) -> None:
    before = week_of(coach)
    desk.post(WEEK, week_data(day1_0_start="9", day1_0_end="12", tz="Asia/Tokyo"))
    changed = week_of(coach)
    page = desk.get("/studio/schedule/")
    assert "(UTC)" in page.context["previous"]

    undone = desk.post("/studio/schedule/undo/", {"version": "1"})

    assert (week_of(coach), Schedule.objects.get().tz) == (before, "UTC")
    assert said(undone) == ["The week is as it was before."]
    desk.post("/studio/schedule/undo/", {"version": "2"})
    assert (week_of(coach), Schedule.objects.get().tz) == (changed, "Asia/Tokyo")


@pytest.mark.parametrize("version", ["", "0", "2", "x", "9" * 5000, "\x00", "²"])
def test_undoing_an_older_page_changes_nothing(desk: Client, coach: Coach, version: str) -> None:
    desk.post(WEEK, week_data(day1_0_start="9", day1_0_end="12"))
    stored = week_of(coach)

    answer = desk.post("/studio/schedule/undo/", {"version": version})

    assert "changed elsewhere" in said(answer)[-1]
    assert week_of(coach) == stored


def test_nothing_to_undo_is_said(desk: Client, coach: Coach) -> None:
    before = week_of(coach)

    assert said(desk.post("/studio/schedule/undo/", {"version": "0"})) == ["There is no earlier week to go back to."]
    assert week_of(coach) == before
    assert "Undo" not in desk.get("/studio/schedule/").content.decode()


def test_sessions_that_new_hours_leave_out_are_named(desk: Client, coach: Coach, booking: Booking) -> None:
    starts_at = booking.session.starts_at
    rows = {f"day{starts_at.isoweekday()}-0-start": "00:00", f"day{starts_at.isoweekday()}-0-end": "24:00"}

    holds = desk.post(WEEK, week_data(day1_0_start="9", day1_0_end="10") | rows)
    leaves_out = desk.post(WEEK, week_data(day1_0_start="9", day1_0_end="10"))

    assert len(said(holds)) == 1
    assert said(leaves_out)[-1].startswith("1 booked session lies outside these hours now, the first on ")
    assert coach.sessions.get().starts_at == starts_at


def test_single_day_names_the_sessions_it_leaves_out(desk: Client, booking: Booking) -> None:
    on = f"{booking.session.starts_at:%Y-%m-%d}"

    desk.post(DAYS, {"on": on, "kind": "closed"})
    [closed] = desk.get("/studio/schedule/").context["overrides"]
    page = desk.get("/studio/schedule/").content.decode()
    desk.post(DAYS, {"on": on, "kind": "hours", "hours-rows": "1", "hours-0-start": "0", "hours-0-end": "24"})
    [opened] = desk.get("/studio/schedule/").context["overrides"]

    assert closed["sessions"] == [booking.session]
    assert "Booked outside these hours:" in page
    assert f"/studio/sessions/{booking.ref}/" in page
    assert opened["sessions"] == []


def test_hours_in_which_no_offer_fits_are_named(desk: Client, coach: Coach) -> None:
    make_offer(coach, slug="long", minutes=90)
    make_offer(coach, slug="hour", minutes=60)
    sent = week_data(day1_rows="2", day1_0_start="9", day1_0_end="09:30", day1_1_start="09:30", day1_1_end="10")

    fits = desk.post(WEEK, sent)
    short = desk.post(WEEK, sent | {"day1-1-end": "09:45", "day2-0-start": "23:30", "day2-0-end": "00:30"})

    assert len(said(fits)) == 1
    hours = f"Mon 09:00 {EN_DASH} 09:30, Mon 09:30 {EN_DASH} 09:45"
    assert said(short)[-1] == f"Nobody can book in {hours}: your shortest offer takes 60 minutes."


def test_single_day_is_closed(desk: Client, coach: Coach) -> None:
    answer = desk.post(DAYS, {"on": "2026-03-09", "kind": "closed", "hours-0-start": "9", "hours-rows": "2"})

    row = DateOverride.objects.get()
    assert (answer["Location"], row.on, row.windows.count()) == ("/studio/schedule/#days", date(2026, 3, 9), 0)
    assert said(answer) == ["Saved for Monday 9 March 2026."]
    assert row.schedule.coach == coach


def test_single_day_gets_other_hours(desk: Client, coach: Coach) -> None:
    sent = {"on": "2026-03-09", "kind": "hours", "hours-rows": "2", "hours-0-start": "9", "hours-0-end": "12"}
    desk.post(DAYS, sent | {"hours-1-start": "20", "hours-1-end": "2"})

    page = desk.get("/studio/schedule/")

    spans = DateOverride.objects.get().windows.values_list("start_minute", "end_minute")
    assert list(spans) == [(540, 720), (1200, 120)]
    assert page.context["overrides"][0]["hours"] == [f"09:00 {EN_DASH} 12:00", f"20:00 {EN_DASH} 02:00"]
    assert coach.is_public


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"on": ""}, "id_on"),
        ({"on": "9 March"}, "id_on"),
        ({"on": "2026-02-30"}, "id_on"),
        ({"on": "0001-01-01"}, "id_on"),
        ({"on": "9999-12-31"}, "id_on"),
        ({"on": "2026-03-01"}, "id_on"),
        ({"on": "2029-03-01"}, "id_on"),
        ({"kind": ""}, "id_kind"),
        ({"kind": "maybe"}, "id_kind"),
        ({"kind": "hours"}, "id_hours-0-start"),
        ({"kind": "hours", "hours-0-start": "9"}, "id_hours-0-end"),
        ({"kind": "hours", "hours-0-start": "9", "hours-0-end": "9"}, "id_hours-0-start"),
        (
            {
                "kind": "hours",
                "hours-rows": "2",
                "hours-0-start": "9",
                "hours-0-end": "12",
                "hours-1-start": "11",
                "hours-1-end": "13",
            },
            "id_hours-0-start",
        ),
        ({"hours-0-start": "x"}, "id_hours-0-start"),
    ],
)
def test_single_day_bad_input_names_the_field_and_changes_nothing(
    desk: Client, coach: Coach, changes: dict[str, str], anchor: str
) -> None:
    answer = desk.post(DAYS, {"on": "2026-03-09", "kind": "closed", "hours-rows": "2"} | changes)

    assert (answer.status_code, anchors(answer)) == (422, [anchor])
    assert f'id="{anchor}"' in answer.content.decode()
    assert (DateOverride.objects.count(), AuditEntry.objects.count()) == (0, 0)
    assert coach.is_public


def test_single_day_is_removed(desk: Client, coach: Coach) -> None:
    row = DateOverride.objects.create(schedule=Schedule.objects.get(coach=coach), on=date(2026, 3, 9))

    answer = desk.post(f"{DAYS}{row.pk}/remove/")

    assert (answer.status_code, DateOverride.objects.count()) == (302, 0)


def test_time_off_lists_the_sessions_that_stay(desk: Client, booking: Booking) -> None:
    answer = desk.post(BLACKOUTS, {"first": "2026-03-03", "last": "2026-03-05", "reason": "Fair"})

    assert answer["Location"] == "/studio/schedule/#blackouts"
    assert said(answer) == ["Closed for new bookings. 1 session stays booked in this time: see below."]
    [row] = desk.get("/studio/schedule/").context["blackouts"]
    assert (row["words"], row["reason"]) == (f"Tue 3 Mar {EN_DASH} Thursday 5 March 2026", "Fair")
    assert [session.pk for session in row["sessions"]] == [booking.session_id]
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_time_off_of_one_day_hits_nothing(desk: Client, booking: Booking) -> None:
    answer = desk.post(BLACKOUTS, {"first": "2026-03-09", "last": "", "reason": ""})

    assert said(answer) == ["Closed. Nothing is booked in this time."]
    [row] = desk.get("/studio/schedule/").context["blackouts"]
    assert (row["words"], row["sessions"]) == ("Monday 9 March 2026", ())
    assert booking.coach.blackouts.count() == 1


def test_time_off_counts_sessions(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    for hours in (20, 22):
        make_booking(offer=offer, starts_at=now + timedelta(hours=hours), now=now)

    answer = desk.post(BLACKOUTS, {"first": "2026-03-03"})

    assert said(answer)[0].startswith("Closed for new bookings. 2 sessions stay booked")


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"first": ""}, "id_first"),
        ({"first": "tomorrow"}, "id_first"),
        ({"first": "2026-02-30"}, "id_first"),
        ({"last": "2026-03-08"}, "id_last"),
        ({"last": "2199-12-31"}, "id_last"),
        ({"last": "soon"}, "id_last"),
        ({"first": "2026-02-28", "last": "2026-03-01"}, "id_last"),
        ({"first": "2029-01-01", "last": "2029-01-02"}, "id_last"),
        ({"reason": "x" * 141}, "id_reason"),
        ({"reason": "\x1b"}, "id_reason"),
    ],
)
def test_time_off_bad_input_names_the_field_and_changes_nothing(
    desk: Client, coach: Coach, changes: dict[str, str], anchor: str
) -> None:
    answer = desk.post(BLACKOUTS, {"first": "2026-03-09", "last": "2026-03-10"} | changes)

    assert (answer.status_code, anchors(answer)) == (422, [anchor])
    assert (Blackout.objects.count(), AuditEntry.objects.count()) == (0, 0)
    assert coach.is_public


def test_time_off_is_removed(desk: Client, coach: Coach) -> None:
    desk.post(BLACKOUTS, {"first": "2026-03-09"})

    desk.post(f"{BLACKOUTS}{Blackout.objects.get().pk}/remove/")

    assert Blackout.objects.count() == 0
    assert coach.is_public


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "words"),
    [
        ("2026-03-08T23:00", "2026-03-09T23:00", "Monday 9 March 2026"),
        ("2026-03-28T23:00", "2026-03-29T22:00", "Sunday 29 March 2026"),
        ("2026-12-30T23:00", "2027-01-01T23:00", "Thu 31 Dec - Friday 1 January 2027"),
        ("2026-03-09T09:00", "2026-03-09T11:30", "Mon 9 Mar 10:00 - Mon 9 Mar 12:30"),
    ],
)
def test_range_words_are_days_where_it_is_days(starts_at: str, ends_at: str, words: str) -> None:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (starts_at, ends_at))

    assert range_words(first, last, "Europe/Berlin") == words.replace(" - ", f" {EN_DASH} ")


@pytest.mark.parametrize("rows", [1, 3])
def test_schedule_asks_the_same_number_of_questions_for_any_length(
    desk: Client, offer: Offer, frozen_clock: SettableClock, django_assert_num_queries: Any, rows: int
) -> None:
    schedule, now = Schedule.objects.get(), frozen_clock()
    for day in range(1, rows + 1):
        on = date(2026, 3, 9) + timedelta(days=day)
        DateOverride.objects.create(schedule=schedule, on=on).windows.create(start_minute=60, end_minute=120)
        desk.post(BLACKOUTS, {"first": f"{on + timedelta(days=20)}"})
        make_booking(offer=offer, starts_at=now + timedelta(days=27 + day), now=now)
    desk.get("/studio/schedule/")

    with django_assert_num_queries(25):
        page = desk.get("/studio/schedule/")

    assert [len(row["sessions"]) for row in page.context["blackouts"]] == [1] * rows
