from typing import Any

import pytest
from django.test import Client
from tests.web.studio.test_schedule import anchors, said

from greenroom.availability.models import DateOverride, Schedule, Stay
from greenroom.bookings.models import Booking
from greenroom.coaches.models import Coach

STAYS = "/studio/schedule/stays/"
# The fixtures' session is on Tuesday 3 March 2026 at 10:00 UTC.
JOURNEY = {"first_day": "2026-03-03", "last_day": "2026-03-05", "tz": "Asia/Calcutta"}


@pytest.fixture
def schedule(coach: Coach) -> Schedule:
    """Return Maya's hours, nine to noon in UTC."""
    schedule = Schedule.objects.get(coach=coach)
    schedule.windows.update(start_minute=540, end_minute=720)
    return schedule


def test_stay_is_added_listed_and_removed(desk: Client, schedule: Schedule) -> None:
    answer = desk.post(STAYS, JOURNEY)

    assert (answer.status_code, answer["Location"]) == (302, "/studio/schedule/#travel")
    assert said(answer) == ["From Tue 3 Mar to Thursday 5 March 2026 your hours are on Kolkata time."]
    [row] = desk.get("/studio/schedule/").context["stays"]
    assert (row["tz"], row["sessions"]) == ("Asia/Kolkata", [])
    removed = desk.post(row["remove_url"])
    assert removed["Location"] == "/studio/schedule/#travel"
    assert desk.get("/studio/schedule/").context["stays"] == []
    assert schedule.stays.count() == 0


def test_stay_names_the_sessions_that_it_leaves_out(desk: Client, schedule: Schedule, booking: Booking) -> None:
    answer = desk.post(STAYS, JOURNEY)

    assert said(answer)[-1].startswith("1 booked session lies outside these hours now")
    page = desk.get("/studio/schedule/")
    [row] = page.context["stays"]
    assert row["sessions"] == [booking.session]
    assert f"/studio/sessions/{booking.ref}/" in page.content.decode()
    assert said(desk.post(row["remove_url"])) == ["On these days your hours are on UTC time again."]
    assert schedule.windows.exists()


def test_single_day_in_a_stay_names_the_session_of_its_clocks_date(
    desk: Client, schedule: Schedule, booking: Booking
) -> None:
    # 10:00 on the 3rd is midnight of the 4th in Kiritimati.
    Stay.objects.create(schedule=schedule, first_day="2026-03-04", last_day="2026-03-04", tz="Pacific/Kiritimati")
    DateOverride.objects.create(schedule=schedule, on="2026-03-04")
    schedule.windows.all().delete()

    context = desk.get("/studio/schedule/").context

    assert context["overrides"][0]["sessions"] == [booking.session]


def test_stay_that_is_over_is_not_listed(desk: Client, schedule: Schedule) -> None:
    Stay.objects.create(schedule=schedule, first_day="2026-02-01", last_day="2026-03-01", tz="Asia/Tokyo")

    assert desk.get("/studio/schedule/").context["stays"] == []


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"first_day": ""}, "stay_first_day"),
        ({"first_day": "tomorrow"}, "stay_first_day"),
        ({"last_day": ""}, "stay_last_day"),
        ({"last_day": "2026-03-02"}, "stay_last_day"),
        ({"last_day": "2029-03-02"}, "stay_last_day"),
        ({"tz": ""}, "stay_tz"),
        ({"tz": "Mars/Olympus"}, "stay_tz"),
        ({"tz": "UTC"}, "stay_tz"),
    ],
)
def test_stay_bad_input_names_the_field_and_changes_nothing(
    desk: Client, schedule: Schedule, changes: dict[str, Any], anchor: str
) -> None:
    answer = desk.post(STAYS, JOURNEY | changes)

    assert (answer.status_code, anchors(answer)) == (422, [anchor])
    assert f'id="{anchor}"' in answer.content.decode()
    assert schedule.stays.count() == 0


def test_stay_of_named_hours_is_theirs_alone(desk: Client, coach: Coach, schedule: Schedule) -> None:
    evenings = Schedule.objects.create(coach=coach, name="Evenings", tz="UTC", is_default=False)

    answer = desk.post(STAYS, JOURNEY | {"schedule": str(evenings.pk)})

    assert answer["Location"] == f"/studio/schedule/{evenings.pk}/#travel"
    assert (schedule.stays.count(), evenings.stays.count()) == (0, 1)
