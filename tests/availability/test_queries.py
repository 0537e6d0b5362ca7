from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.factories.bookings import make_coach

from greenroom.availability.engine import Interval, Override, Stay, Window
from greenroom.availability.engine import Schedule as EngineSchedule
from greenroom.availability.models import Blackout, DateOverride, OverrideWindow, Schedule, WeeklyWindow
from greenroom.availability.models import Stay as StayRow
from greenroom.availability.queries import blackouts_of, hours_of
from greenroom.coaches.models import Coach

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR, INSTANT = timedelta(hours=1), timedelta(microseconds=1)


def make_schedule(coach: Coach, tz: str, *windows: Window, is_default: bool = True) -> Schedule:
    if is_default:
        Schedule.objects.filter(coach=coach).delete()
    schedule = Schedule.objects.create(coach=coach, tz=tz, is_default=is_default)
    for window in windows:
        WeeklyWindow.objects.create(
            schedule=schedule,
            weekday=window.weekday,
            start_minute=window.start_minute,
            end_minute=window.end_minute,
        )
    return schedule


def test_hours_are_the_coachs_default_unless_another_schedule_is_named() -> None:
    coach = make_coach()
    mornings, evenings = Window(1, 480, 720), Window(5, 1080, 60)
    make_schedule(coach, "Europe/Berlin", mornings)
    other = make_schedule(coach, "Asia/Tokyo", evenings, is_default=False)

    hours = hours_of({coach.pk})

    assert hours.of(coach_id=coach.pk, schedule_id=None) == EngineSchedule(tz="Europe/Berlin", windows=(mornings,))
    assert hours.of(coach_id=coach.pk, schedule_id=other.pk) == EngineSchedule(tz="Asia/Tokyo", windows=(evenings,))


def test_stays_are_read_with_their_schedule_however_many_there_are() -> None:
    coach = make_coach()
    window = Window(1, 480, 720)
    schedule = make_schedule(coach, "UTC", window)
    other = make_schedule(coach, "UTC", is_default=False)
    stays = (Stay(date(2026, 3, 9), date(2026, 3, 10), "Asia/Tokyo"), Stay(date(2026, 4, 1), date(2026, 4, 1), "UTC"))
    for stay in stays:
        StayRow.objects.create(schedule=schedule, first_day=stay.first_day, last_day=stay.last_day, tz=stay.tz)

    hours = hours_of({coach.pk})

    assert set(hours.by_schedule[schedule.pk].stays) == set(stays)
    assert hours.by_schedule[schedule.pk].windows == (window,)
    assert hours.by_schedule[other.pk] == EngineSchedule(tz="UTC")


def test_hours_of_nobody_known_are_never_open() -> None:
    coach, stranger = make_coach(), make_coach("ilse")
    Schedule.objects.filter(coach=coach).delete()
    hours = hours_of({coach.pk})

    assert hours.of(coach_id=coach.pk, schedule_id=None) == EngineSchedule(tz="UTC")
    assert hours.of(coach_id=coach.pk, schedule_id=Schedule.objects.get(coach=stranger).pk) == EngineSchedule(tz="UTC")
    assert hours.of(coach_id=stranger.pk, schedule_id=None) == EngineSchedule(tz="UTC")


def test_overrides_close_a_date_or_give_it_other_windows() -> None:
    coach = make_coach()
    schedule = make_schedule(coach, "UTC", Window(1, 480, 720))
    DateOverride.objects.create(schedule=schedule, on=date(2026, 3, 9))
    opened = DateOverride.objects.create(schedule=schedule, on=date(2026, 3, 10))
    for span in ((900, 960), (480, 540)):
        OverrideWindow.objects.create(override=opened, start_minute=span[0], end_minute=span[1])

    found = hours_of({coach.pk}).of(coach_id=coach.pk, schedule_id=None)

    assert sorted(found.overrides, key=lambda override: override.on) == [
        Override(date(2026, 3, 9), ()),
        Override(date(2026, 3, 10), ((480, 540), (900, 960))),
    ]


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "is_found"),
    [
        (NOON - HOUR, NOON, False),
        (NOON - HOUR, NOON + INSTANT, True),
        (NOON + HOUR, NOON + 2 * HOUR, False),
        (NOON + HOUR - INSTANT, NOON + 2 * HOUR, True),
        (NOON - HOUR, NOON + 5 * HOUR, True),
    ],
)
def test_blackouts_touch_a_half_open_range(starts_at: datetime, ends_at: datetime, is_found: bool) -> None:  # noqa: FBT001 -- a column of the table
    coach, other = make_coach(), make_coach("ilse")
    Blackout.objects.create(coach=coach, starts_at=starts_at, ends_at=ends_at)

    found = blackouts_of({coach.pk, other.pk}, range_from=NOON, range_to=NOON + HOUR)

    assert found[coach.pk] == ((Interval(starts_at, ends_at),) if is_found else ())
    assert found[other.pk] == ()


@pytest.mark.parametrize("count", [1, 3])
def test_hours_cost_three_queries_and_blackouts_one(count: int) -> None:
    pks = [make_coach(f"coach-{n}").pk for n in range(count)]

    with CaptureQueriesContext(connection) as context:
        hours = hours_of(pks)
        assert [hours.of(coach_id=pk, schedule_id=None).tz for pk in pks] == ["UTC"] * count
    assert len(context) == 3
    with CaptureQueriesContext(connection) as context:
        blackouts_of(pks, range_from=NOON, range_to=NOON + HOUR)
    assert len(context) == 1
