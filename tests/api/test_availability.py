import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_user
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock

from greenroom.availability.models import Blackout, Schedule, WeeklyWindow
from greenroom.coaches.models import Coach
from greenroom.coaches.types import CoachStatus

pytestmark = pytest.mark.django_db
WINDOWS = "/api/v1/availability/windows"
BLACKOUTS = "/api/v1/availability/blackouts"
SLOTS = "/api/v1/availability/slots"
MORNING = {"dayOfWeek": 1, "startTime": "09:00", "endTime": "12:00"}


@pytest.fixture
def coach(frozen_clock: SettableClock) -> Coach:  # noqa: ARG001 -- the time stands still
    return make_coach()


@pytest.fixture
def empty_week(coach: Coach) -> Coach:
    WeeklyWindow.objects.all().delete()
    return coach


def signed_in(coach: Coach) -> Client:
    client = Client()
    client.force_login(coach.user)
    return client


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def week() -> list[tuple[int, int, int]]:
    return list(WeeklyWindow.objects.values_list("weekday", "start_minute", "end_minute"))


@pytest.mark.parametrize("name", ["number", "slug"])
def test_list_windows_answers_sunday_as_zero(empty_week: Coach, name: str) -> None:
    schedule = Schedule.objects.get()
    WeeklyWindow.objects.create(schedule=schedule, weekday=7, start_minute=1320, end_minute=1440)
    WeeklyWindow.objects.create(schedule=schedule, weekday=1, start_minute=540, end_minute=720)
    user_id = str(empty_week.user_id) if name == "number" else empty_week.slug

    answer = Client().get(WINDOWS, {"userId": user_id})

    monday, sunday = WeeklyWindow.objects.all()
    common = {"userId": str(empty_week.user_id), "timezone": "UTC", "isActive": True}
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [
            {"id": monday.pk, "dayOfWeek": 1, "startTime": "09:00", "endTime": "12:00"} | common,
            {"id": sunday.pk, "dayOfWeek": 0, "startTime": "22:00", "endTime": "24:00"} | common,
        ],
        "count": 2,
        "page": 1,
    }


@pytest.mark.parametrize("user_id", ["nobody", "999999", "9" * 19, "-1", "٣", "maya'--"])
def test_list_windows_unknown_coach_is_a_problem(coach: Coach, user_id: str) -> None:
    answer = Client().get(WINDOWS, {"userId": user_id})

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"
    assert coach.is_public


@pytest.mark.parametrize("query", [{}, {"userId": ""}, {"userId": "x" * 61}])
def test_list_windows_bad_user_id_is_named(coach: Coach, query: dict[str, str]) -> None:
    answer = Client().get(WINDOWS, query)

    assert (answer.status_code, answer.json()["field"]) == (422, "userId")
    assert coach.is_public


def test_a_hidden_coachs_hours_are_seen_by_that_coach_alone(coach: Coach) -> None:
    Coach.objects.update(status=CoachStatus.APPLIED)
    query = {"userId": coach.slug}

    assert Client().get(WINDOWS, query).status_code == 404
    assert signed_in(make_coach("noah")).get(WINDOWS, query).status_code == 404
    assert signed_in(coach).get(WINDOWS, query).json()["count"] == 7


def test_list_windows_asks_the_same_number_of_questions_for_any_week(
    coach: Coach, django_assert_num_queries: Any
) -> None:
    client = Client()

    with django_assert_num_queries(2):
        client.get(WINDOWS, {"userId": coach.slug})


def test_add_window_stores_the_iso_day(empty_week: Coach) -> None:
    client = signed_in(empty_week)

    sunday = post(client, WINDOWS, {"dayOfWeek": 0, "startTime": "22:00", "endTime": "02:00"})
    saturday = post(client, WINDOWS, {"dayOfWeek": 6, "startTime": "00:00", "endTime": "24:00", "timezone": "UTC"})

    assert (sunday.status_code, saturday.status_code) == (201, 201)
    assert week() == [(6, 0, 1440), (7, 1320, 120)]
    assert sunday.json() == {
        "id": WeeklyWindow.objects.get(weekday=7).pk,
        "userId": str(empty_week.user_id),
        "dayOfWeek": 0,
        "startTime": "22:00",
        "endTime": "02:00",
        "timezone": "UTC",
        "isActive": True,
    }


def test_add_window_that_is_switched_off_opens_nothing_until_it_is_on(empty_week: Coach) -> None:
    client = signed_in(empty_week)

    off = post(client, WINDOWS, MORNING | {"isActive": False})
    listed = Client().get(WINDOWS, {"userId": empty_week.slug}).json()["items"]
    on = post(client, WINDOWS, MORNING)

    assert (off.status_code, off.json()["isActive"], listed) == (201, False, [off.json()])
    assert on.json() == off.json() | {"isActive": True}
    assert WeeklyWindow.objects.get().is_active


def test_add_window_again_answers_the_same_row(empty_week: Coach) -> None:
    client = signed_in(empty_week)

    first, second = post(client, WINDOWS, MORNING), post(client, WINDOWS, MORNING | {"userId": empty_week.slug})

    assert (first.json(), second.status_code) == (second.json(), 201)
    assert week() == [(1, 540, 720)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dayOfWeek": 7}, "dayOfWeek"),
        ({"dayOfWeek": -1}, "dayOfWeek"),
        ({"dayOfWeek": "1"}, "dayOfWeek"),
        ({"dayOfWeek": True}, "dayOfWeek"),
        ({"startTime": "9:00"}, "startTime"),
        ({"startTime": "24:00"}, "startTime"),
        ({"startTime": "25:00"}, "startTime"),
        ({"startTime": "12:00"}, "startTime"),
        ({"startTime": "09:00\n"}, "startTime"),
        ({"endTime": "24:01"}, "endTime"),
        ({"endTime": 720}, "endTime"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "Asia/Tokyo"}, "timezone"),
        ({"isActive": "no"}, "isActive"),
        ({"start_time": "09:00"}, "start_time"),
        ({"dayOfWeek": 2, "startTime": "10:00"}, "startTime"),
    ],
)
def test_add_window_bad_input_names_the_field_and_changes_nothing(
    empty_week: Coach, changes: dict[str, Any], field: str
) -> None:
    client = signed_in(empty_week)
    post(client, WINDOWS, MORNING | {"dayOfWeek": 2})

    answer = post(client, WINDOWS, MORNING | changes)

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["field"] == field
    assert week() == [(2, 540, 720)]


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '"x"'])
def test_add_window_that_is_no_object_is_refused(empty_week: Coach, body: str) -> None:
    answer = signed_in(empty_week).post(WINDOWS, body, content_type="application/json")

    assert answer.status_code in {400, 422}
    assert week() == []


def test_writes_need_a_coach_of_ones_own(coach: Coach) -> None:
    before = week()
    student = Client()
    student.force_login(make_user())
    blackout = {"startDate": "2026-03-09", "endDate": "2026-03-09"}

    for client in (Client(), student, signed_in(make_coach("noah"))):
        assert post(client, WINDOWS, MORNING | {"userId": coach.slug}).status_code == 404
        assert post(client, BLACKOUTS, blackout | {"userId": str(coach.user_id)}).status_code == 404
    assert WeeklyWindow.objects.filter(schedule__coach=coach).count() == len(before)
    assert Blackout.objects.count() == 0


@pytest.mark.parametrize("path", [WINDOWS, BLACKOUTS])
def test_writes_with_the_cookie_need_the_csrf_token(empty_week: Coach, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(empty_week.user)
    body = MORNING if path == WINDOWS else {"startDate": "2026-03-09", "endDate": "2026-03-09"}

    refused = post(client, path, body)

    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert (week(), Blackout.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("first", "last", "starts_at", "ends_at"),
    [
        ("2026-03-09", "2026-03-10", "2026-03-08T23:00:00Z", "2026-03-10T23:00:00Z"),
        ("2026-03-09", "2026-03-09", "2026-03-08T23:00:00Z", "2026-03-09T23:00:00Z"),
        ("2026-03-09T10:00:00Z", "2026-03-09T13:00:00+01:00", "2026-03-09T10:00:00Z", "2026-03-09T12:00:00Z"),
    ],
)
def test_add_blackout_takes_days_of_the_schedule_or_instants(
    coach: Coach, first: str, last: str, starts_at: str, ends_at: str
) -> None:
    Schedule.objects.update(tz="Europe/Berlin")
    body = {"startDate": first, "endDate": last, "reason": "Fair"}

    answer = post(signed_in(coach), BLACKOUTS, body)

    row = Blackout.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": row.pk,
        "userId": str(coach.user_id),
        "startDate": starts_at,
        "endDate": ends_at,
        "reason": "Fair",
    }
    assert row.starts_at == datetime.fromisoformat(starts_at).astimezone(UTC)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"startDate": "9 March"}, "startDate"),
        ({"startDate": "2026-02-30"}, "startDate"),
        ({"startDate": "2026-03-09T10:00:00"}, "startDate"),
        ({"startDate": None}, "startDate"),
        ({"endDate": "2026-03-08"}, "endDate"),
        ({"endDate": "2026-03-09T10:00:00Z"}, "endDate"),
        ({"startDate": "2026-03-09T10:00:00Z", "endDate": "2026-03-09T10:00:00Z"}, "endDate"),
        ({"startDate": "2026-03-01", "endDate": "2026-03-01"}, "endDate"),
        ({"endDate": "2199-12-31"}, "endDate"),
        ({"reason": "x" * 141}, "reason"),
        ({"reason": "\x00"}, "reason"),
        ({"why": "?"}, "why"),
    ],
)
def test_add_blackout_bad_input_names_the_field_and_changes_nothing(
    coach: Coach, changes: dict[str, Any], field: str
) -> None:
    body = {"startDate": "2026-03-09", "endDate": "2026-03-09"} | changes

    answer = post(signed_in(coach), BLACKOUTS, body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert Blackout.objects.count() == 0


def test_slots_of_a_day_leave_booked_times_out(coach: Coach) -> None:
    offer = make_offer(coach)
    make_booking(offer=offer, starts_at=datetime(2026, 3, 4, 1, tzinfo=UTC), now=datetime(2026, 3, 2, tzinfo=UTC))
    WeeklyWindow.objects.filter(weekday=3).update(end_minute=180)

    answer = Client().get(SLOTS, {"userId": coach.slug, "date": "2026-03-04"})

    assert answer.json() == {
        "tz": "UTC",
        "days": [
            {
                "date": "2026-03-04",
                "slots": [
                    {"starts_at": "2026-03-04T00:00:00Z", "ends_at": "2026-03-04T01:00:00Z", "seats_left": 1},
                    {"starts_at": "2026-03-04T02:00:00Z", "ends_at": "2026-03-04T03:00:00Z", "seats_left": 1},
                ],
            }
        ],
    }


def test_slots_are_those_of_the_date_in_the_asked_zone(coach: Coach) -> None:
    make_offer(coach, slug="second", minutes=30)

    query = {"userId": coach.slug, "date": "2026-03-04", "tz": "Asia/Tokyo", "offer": "second", "duration": "30"}
    day = Client().get(SLOTS, query).json()["days"][0]

    assert (day["date"], day["slots"][0]["starts_at"], len(day["slots"])) == (
        "2026-03-04",
        "2026-03-03T15:00:00Z",
        48,
    )


def test_slots_without_a_schedule_or_an_offer_are_none(coach: Coach) -> None:
    Schedule.objects.all().delete()

    answer = Client().get(SLOTS, {"userId": coach.slug, "date": "2026-03-04"})

    assert answer.json() == {"tz": "UTC", "days": []}


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"date": "tomorrow"}, 422, "date"),
        ({"date": ""}, 422, "date"),
        ({"date": "2026-02-30"}, 422, "date"),
        ({"tz": "Mars/Olympus"}, 422, "tz"),
        ({"duration": "45"}, 422, "duration"),
        ({"duration": "long"}, 422, "duration"),
        ({"offer": "x" * 61}, 422, "offer"),
        ({"offer": "nothing"}, 404, None),
        ({"userId": "nobody"}, 404, None),
    ],
)
def test_slots_bad_input_is_named(coach: Coach, changes: dict[str, str], status: int, field: str | None) -> None:
    make_offer(coach)

    answer = Client().get(SLOTS, {"userId": coach.slug, "date": "2026-03-04"} | changes)

    assert (answer.status_code, answer.json().get("field")) == (status, field)
