"""What is listed can be booked and what is not listed cannot, whatever hours, rules and bookings a coach has."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F
from django.test import Client
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.availability.engine.strategies import MINUTE
from tests.bookings.random_calendars import AFTER, BEFORE, ONE_DAY, Calendar, draw_calendar, undone
from tests.bookings.steps import GUEST, hold, snapshot
from tests.factories.clock import SettableClock

from greenroom.bookings import listing, queries, services
from greenroom.bookings.errors import SlotNotOfferedError, SlotTakenError
from greenroom.bookings.listing import Asked
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services.seats import Place
from greenroom.bookings.types import OCCUPYING, BookingStatus
from greenroom.coaches.models import Coach
from greenroom.core.ids import new_ref
from greenroom.core.instants import iso, parse_instant
from greenroom.jobs.models import Job

pytestmark = pytest.mark.django_db
REFUSALS = (SlotTakenError, SlotNotOfferedError)
A_BIT = (timedelta(), MINUTE, -MINUTE, timedelta(seconds=1), timedelta(microseconds=1))


def bounded(examples: int) -> settings:
    """Return settings for so many examples; each starts from the fixtures because it undoes its rows."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow)


def everything() -> dict[str, Any]:
    """Return what a refused verb must leave as it was."""
    rows = {"coaches": list(Coach.objects.values()), "jobs": list(Job.objects.order_by("pk").values())}
    return snapshot() | rows


def some(data: st.DataObject, starts: list[datetime], *, besides: set[datetime]) -> list[datetime]:
    """Draw a handful of starts, among them the first, the last and some of `besides`."""
    drawn = data.draw(st.lists(st.sampled_from(starts), max_size=3)) if starts else []
    return sorted({*starts[:1], *starts[-1:], *sorted(besides)[:2], *drawn})


def unlisted(
    data: st.DataObject, calendar: Calendar, listed: list[datetime], *, beside: datetime | None = None
) -> list[datetime]:
    """Draw instants that are not listed: free ones but for a moment, taken ones, any, and the nearest to `beside`."""
    anywhere = st.integers(0, (BEFORE + AFTER) // MINUTE - 1).map(lambda n: calendar.range_from + n * MINUTE)
    booked = list(CoachingSession.objects.order_by("pk").values_list("starts_at", flat=True))
    offered = sorted(around(calendar).offered)
    near = [st.sampled_from(starts) for starts in (listed, booked, offered) if starts]
    step = calendar.offer.increment_minutes * MINUTE
    bits = st.sampled_from((*A_BIT, step, -step))
    instants = st.builds(lambda start, bit: start + bit, st.one_of(anywhere, *near), bits)
    drawn = data.draw(st.lists(instants, min_size=3, max_size=6))
    drawn += sorted(offered, key=lambda start: abs(start - beside))[:3] if beside else []
    within = {one for one in drawn if calendar.range_from <= one < calendar.range_to}
    return sorted(within - set(listed))


def around(calendar: Calendar) -> listing.FreeTimes:
    """Return the kept free times of the days around the date."""
    coach, offer = calendar.offer.coach.slug, calendar.offer.slug
    return listing.free_times(Asked(coach, offer, None, calendar.range_from, calendar.range_to), now=calendar.now)


def require_sound(calendar: Calendar, place: Place) -> None:
    """Check what must never be: sessions that overlap with their buffers, more people than seats.

    Sessions that are not exclusive may overlap, but what was booked at `place` just now overlaps nothing.
    """
    near = queries.occupying([calendar.offer.coach_id], place.blocked_from, place.blocked_until, calendar.now)
    assert [session.starts_at for session in near] == [place.starts_at]
    assert near[0].seats_taken <= calendar.offer.capacity
    taken = CoachingSession.objects.filter(status__in=OCCUPYING, is_exclusive=True).order_by("blocked_from")
    for one, following in pairwise(taken):
        assert one.blocked_until <= following.blocked_from
    assert not CoachingSession.objects.filter(seats_taken__gt=F("capacity")).exists()
    live = Booking.objects.exclude(status__in=(BookingStatus.CANCELLED, BookingStatus.EXPIRED))
    for session in CoachingSession.objects.all():
        assert session.seats_taken == live.filter(session=session).count()


def require_free(calendar: Calendar, starts: list[datetime], moving: CoachingSession | None = None) -> None:
    """Check that the times offered instead of a taken one can be booked."""
    for start in starts:
        assert queries.explain_slot(
            calendar.offer, length=calendar.length, starts_at=start, now=calendar.now, moving=moving
        ).is_open


@bounded(35)
@given(st.data())
def test_every_listed_start_can_be_held_and_no_other(frozen_clock: SettableClock, data: st.DataObject) -> None:
    with undone():
        calendar = draw_calendar(data.draw)
        frozen_clock.set(calendar.now)
        listed, joinable = calendar.listed(), calendar.joinable()

        for start in some(data, listed, besides=joinable & set(listed)):
            with undone():
                booking = hold(calendar.offer, start, holder=new_ref())

                assert (booking.status, booking.session.starts_at) == (BookingStatus.HELD, start)
                assert booking.session.ends_at - start == calendar.length
                require_sound(calendar, Place.of(calendar.offer, start, calendar.length))
                assert (start in calendar.listed()) == (start in calendar.joinable())

        before = everything()
        for start in unlisted(data, calendar, listed):
            with pytest.raises(REFUSALS) as refused:
                hold(calendar.offer, start, holder=new_ref())
            assert everything() == before
            require_free(calendar, getattr(refused.value, "alternatives", []))


@bounded(15)
@given(st.data())
def test_listed_starts_can_be_held_one_after_another_until_none_is_left(
    frozen_clock: SettableClock, data: st.DataObject
) -> None:
    with undone():
        calendar = draw_calendar(data.draw)
        frozen_clock.set(calendar.now)

        for _ in range(6):
            listed = calendar.listed()
            if not listed:
                break
            joinable = sorted(calendar.joinable() & set(listed))
            start = data.draw(st.sampled_from(joinable or listed))
            hold(calendar.offer, start, holder=new_ref())
            require_sound(calendar, Place.of(calendar.offer, start, calendar.length))


@bounded(25)
@given(st.data())
def test_pages_and_the_api_list_what_can_be_booked(
    frozen_clock: SettableClock, client: Client, data: st.DataObject
) -> None:
    with undone():
        calendar = draw_calendar(data.draw)
        now = frozen_clock.set(calendar.now)
        offer, seats = calendar.offer, queries.seats_left
        wanted = calendar.midnight + data.draw(st.integers(-1440, 4 * 1440)) * MINUTE
        tz = data.draw(st.sampled_from((calendar.tz, "UTC", "Asia/Kathmandu")))
        first = data.draw(st.integers(-2, 2).map(lambda days: calendar.midnight.date() + days * ONE_DAY))
        last = first + data.draw(st.integers(0, 6)) * ONE_DAY

        found = listing.times_around(offer.coach.slug, offer.slug, None, wanted, now=now)
        midnight = wanted.replace(hour=0, minute=0)
        span = {"range_from": midnight - 14 * ONE_DAY, "range_to": midnight + 14 * ONE_DAY}
        listed = queries.open_slots(offer, length=calendar.length, now=now, **span)
        begin, end = found.bookable(now)
        assert list(found.starts[begin:end]) == listed
        assert found.seats_left == seats(offer, length=calendar.length, now=now, **span)
        assert around(calendar).starts[slice(*around(calendar).bookable(now))] == tuple(calendar.listed())

        asked = {"from": f"{first}", "to": f"{last}", "tz": tz}
        answer = client.get(f"/api/v1/coaches/{offer.coach.slug}/offers/{offer.slug}/slots", asked).json()
        of_days = [(day["date"], slot) for day in answer["days"] for slot in day["slots"]]
        assert [parse_instant(slot["starts_at"]) for _day, slot in of_days] == _between(calendar, first, last, tz)
        for day, slot in of_days:
            start = parse_instant(slot["starts_at"])
            assert day == f"{start.astimezone(ZoneInfo(tz)):%Y-%m-%d}"
            assert slot["ends_at"] == iso(start + calendar.length)
            assert slot["seats_left"] == found.seats_at(start)


def _between(calendar: Calendar, first: Any, last: Any, tz: str) -> list[datetime]:
    """Return the bookable starts on these local dates."""
    range_from, range_to = (
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(UTC) for day in (first, last + ONE_DAY)
    )
    return queries.open_slots(
        calendar.offer, length=calendar.length, range_from=range_from, range_to=range_to, now=calendar.now
    )


@bounded(35)
@given(st.data())
def test_a_session_moves_to_every_start_that_is_listed_for_it_and_to_no_other(
    frozen_clock: SettableClock, data: st.DataObject
) -> None:
    with undone():
        calendar = draw_calendar(data.draw, is_booked=True)
        now = frozen_clock.set(calendar.now)
        mine = Booking.objects.filter(status=BookingStatus.CONFIRMED, session__offer=calendar.offer)
        mine = mine.filter(session__starts_at__gt=now, session__ends_at=F("session__starts_at") + calendar.length)
        bookings = list(mine.select_related("session__offer__coach").order_by("pk"))
        assume(bookings)
        booking = data.draw(st.sampled_from(bookings))
        session = booking.session
        listed = calendar.listed(moving=session)

        for start in some(data, listed, besides=calendar.joinable() & set(listed)):
            with undone():
                moved = services.reschedule_booking(booking=booking, starts_at=start, actor=GUEST, now=now)

                assert (moved.status, moved.session.starts_at) == (BookingStatus.CONFIRMED, start)
                assert moved.moves_count == (start != session.starts_at)
                if start != session.starts_at:
                    require_sound(calendar, Place.shifted(session, start - session.starts_at))

        before = everything()
        for start in unlisted(data, calendar, [*listed, session.starts_at], beside=session.starts_at):
            with pytest.raises(REFUSALS) as refused:
                services.reschedule_booking(booking=booking, starts_at=start, actor=GUEST, now=now)
            assert everything() == before
            require_free(calendar, getattr(refused.value, "alternatives", []), moving=session)
