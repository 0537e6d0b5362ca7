from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.factories.bookings import make_coach, make_offer
from tests.factories.clock import MONDAY

from greenroom.availability import rules, services
from greenroom.availability.models import Schedule, Stay
from greenroom.availability.types import LocalDays
from greenroom.bookings.queries import open_slots
from greenroom.coaches.models import Coach
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from greenroom.core.models import AuditEntry

pytestmark = pytest.mark.django_db
COACH = Actor(ActorKind.COACH)
# Now is Monday 2 March 2026.
WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 3, day) for day in (4, 5, 6))
TOKYO = "Asia/Tokyo"


@pytest.fixture
def coach() -> Coach:
    return make_coach()


def stay(coach: Coach, first: date = WEDNESDAY, last: date = THURSDAY, tz: str = TOKYO, **values: Any) -> Stay:
    days = LocalDays(first, last)
    return services.add_stay(coach=coach, days=days, tz=tz, **({"actor": COACH, "now": MONDAY} | values))


def version(coach: Coach) -> int:
    return Coach.objects.get(pk=coach.pk).calendar_version


def test_add_stay_moves_the_hours_of_its_dates_to_the_other_clock(coach: Coach) -> None:
    schedule = Schedule.objects.get(coach=coach)
    schedule.windows.update(start_minute=540, end_minute=600)
    offer = make_offer(coach)
    before = version(coach)

    stay(coach)

    first, end = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC)
    found = open_slots(offer, length=timedelta(hours=1), range_from=first, range_to=end, now=MONDAY)
    assert [f"{start:%d %H:%M}" for start in found] == ["03 09:00", "04 00:00", "05 00:00", "06 09:00"]
    assert version(coach) == before + 1
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after) == (
        "schedule.add_stay",
        {"first_day": "2026-03-04", "last_day": "2026-03-05", "tz": TOKYO},
    )


def test_add_stay_again_returns_the_same_row(coach: Coach) -> None:
    first, second = stay(coach), stay(coach)

    assert first.pk == second.pk
    assert AuditEntry.objects.count() == 1


def test_stays_of_other_schedules_may_cover_the_same_dates(coach: Coach) -> None:
    evenings = services.add_schedule(coach=coach, name="Evenings", actor=COACH, now=MONDAY)
    stay(coach)

    assert stay(coach, schedule=evenings).schedule == evenings


@pytest.mark.parametrize(
    ("first", "last", "tz", "field"),
    [
        (THURSDAY, WEDNESDAY, TOKYO, "last_day"),
        (date(2026, 2, 20), date(2026, 3, 1), TOKYO, "last_day"),
        (WEDNESDAY, date(2028, 3, 20), TOKYO, "last_day"),
        (THURSDAY, FRIDAY, "Asia/Seoul", "first_day"),
        (date(2026, 3, 1), date(2026, 3, 30), "Asia/Seoul", "first_day"),
        (FRIDAY, FRIDAY, "Mars/Olympus", "tz"),
        (FRIDAY, FRIDAY, "UTC", "tz"),
    ],
)
def test_add_stay_bad_days_and_zones_are_refused(coach: Coach, first: date, last: date, tz: str, field: str) -> None:
    stay(coach)

    with pytest.raises(InvalidInputError) as refused:
        stay(coach, first, last, tz)

    assert refused.value.field == field
    assert (Stay.objects.count(), AuditEntry.objects.count()) == (1, 1)


def test_add_stay_neighbours_do_not_overlap(coach: Coach) -> None:
    stay(coach)

    stay(coach, FRIDAY, FRIDAY, "Asia/Seoul")
    stay(coach, date(2026, 3, 1), date(2026, 3, 3), "Asia/Seoul")

    assert Stay.objects.count() == 3


def test_add_stay_only_so_many(coach: Coach) -> None:
    for index in range(rules.MOST_STAYS):
        day = FRIDAY + timedelta(days=index)
        stay(coach, day, day)

    with pytest.raises(InvalidInputError, match="too many"):
        stay(coach)


def test_add_stay_before_there_are_hours_is_refused(coach: Coach) -> None:
    Schedule.objects.all().delete()

    with pytest.raises(InvalidInputError, match="Save your weekly hours first"):
        stay(coach)


def test_add_stay_to_somebody_elses_schedule_finds_nothing(coach: Coach) -> None:
    with pytest.raises(NotFoundError):
        stay(coach, schedule=Schedule.objects.get(coach=make_coach("ilse")))
    assert Stay.objects.count() == 0


def test_remove_stay_brings_the_own_clock_back(coach: Coach) -> None:
    row = stay(coach)
    before = version(coach)

    services.remove_stay(coach=coach, stay_id=row.pk, actor=COACH, now=MONDAY)

    assert Stay.objects.count() == 0
    assert version(coach) == before + 1
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "schedule.add_stay",
        "schedule.remove_stay",
    ]


def test_remove_stay_of_somebody_else_finds_nothing(coach: Coach) -> None:
    row = stay(coach)

    with pytest.raises(NotFoundError):
        services.remove_stay(coach=make_coach("ilse"), stay_id=row.pk, actor=COACH, now=MONDAY)
    assert Stay.objects.count() == 1


def test_students_change_no_stays(coach: Coach) -> None:
    student = Actor(ActorKind.STUDENT)
    row = stay(coach)

    with pytest.raises(NotAllowedError):
        stay(coach, FRIDAY, FRIDAY, actor=student)
    with pytest.raises(NotAllowedError):
        services.remove_stay(coach=coach, stay_id=row.pk, actor=student, now=MONDAY)
    assert Stay.objects.count() == 1


@pytest.mark.parametrize(("first", "last"), [(THURSDAY, WEDNESDAY), (WEDNESDAY, FRIDAY)])
def test_the_database_refuses_backward_and_doubled_stays(coach: Coach, first: date, last: date) -> None:
    row = stay(coach)

    with pytest.raises(IntegrityError), transaction.atomic():
        Stay.objects.create(schedule=row.schedule, first_day=first, last_day=last, tz=TOKYO)
