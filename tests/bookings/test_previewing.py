from datetime import UTC, date, datetime, timedelta

import pytest
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import MONDAY

from greenroom.availability.engine import Window
from greenroom.availability.models import DateOverride, Schedule, WeeklyWindow
from greenroom.bookings.previewing import slots_with_hours
from greenroom.bookings.queries import Wish, open_slots
from greenroom.core.models import AuditEntry

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
FIRST, END = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC)
# Nine to eleven in Tokyo is midnight to two in UTC.
WINDOWS = tuple(Window(weekday, 540, 660) for weekday in (2, 3, 4))


def test_slots_with_hours_are_those_that_would_be_offered_after_saving() -> None:
    coach = make_coach()
    offer, schedule = make_offer(coach), Schedule.objects.get(coach=coach)
    make_booking(offer=offer, starts_at=FIRST, now=MONDAY)
    DateOverride.objects.create(schedule=schedule, on=date(2026, 3, 5))
    asked = {"range_from": FIRST, "range_to": END, "now": MONDAY}
    entries = AuditEntry.objects.count()

    previewed = slots_with_hours(Wish(offer, HOUR), windows=WINDOWS, tz="Asia/Tokyo", **asked)

    assert WeeklyWindow.objects.filter(schedule=schedule).count() == 7
    assert AuditEntry.objects.count() == entries
    schedule.windows.all().delete()
    for window in WINDOWS:
        schedule.windows.create(weekday=window.weekday, start_minute=window.start_minute, end_minute=window.end_minute)
    Schedule.objects.update(tz="Asia/Tokyo")
    assert previewed == open_slots(offer, length=HOUR, **asked)
    assert f"{previewed[0]:%d %H:%M}" == "03 01:00"
    assert {f"{start:%d}" for start in previewed} == {"03", "04"}


def test_slots_with_hours_of_a_coach_without_any_are_those_of_the_form() -> None:
    coach = make_coach()
    offer = make_offer(coach)
    Schedule.objects.all().delete()

    found = slots_with_hours(
        Wish(offer, HOUR), windows=[Window(3, 0, 60)], tz="UTC", range_from=FIRST, range_to=END, now=MONDAY
    )

    assert found == [datetime(2026, 3, 4, tzinfo=UTC)]
