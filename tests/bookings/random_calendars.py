"""Random coaches with hours, an offer and bookings, written as the rows they would be; and how to take rows back."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from hypothesis import strategies as st
from tests.availability.engine.strategies import (
    MINUTE,
    ODD_DATES,
    intervals,
    overrides,
    round_the_clock,
    windows,
)
from tests.factories.bookings import add_booking, make_coach, make_offer, make_session

from greenroom.availability.models import Blackout, DateOverride, OverrideWindow, Schedule, WeeklyWindow
from greenroom.bookings import listing, queries
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import locked
from greenroom.bookings.types import GONE, BookingStatus
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach

ONE_DAY = timedelta(days=1)
BEFORE, AFTER = 2 * ONE_DAY, 5 * ONE_DAY
# The site knows dates from 2000 on.
ODD = tuple((tz, day) for tz, day in ODD_DATES if day.year > 2000)
_S = BookingStatus
# A seat in each state; True is a hold past its time that nobody cleared away yet.
SEATS = (
    *((_S.CONFIRMED, False),) * 5,
    *((_S.HELD, False), (_S.HELD, True)) * 2,
    *((status, False) for status in (_S.PENDING_PAYMENT, _S.PENDING_APPROVAL, _S.COMPLETED, _S.CANCELLED, _S.EXPIRED)),
)
STAYING = ((_S.CONFIRMED, False), (_S.HELD, True))
Draw = Any


@dataclass(frozen=True)
class Calendar:
    """An offer of a coach who has hours and bookings around a date, at a moment."""

    offer: Offer
    other: Offer
    length: timedelta
    tz: str
    midnight: datetime
    now: datetime

    @property
    def range_from(self) -> datetime:
        return self.midnight - BEFORE

    @property
    def range_to(self) -> datetime:
        return self.midnight + AFTER

    def listed(self, moving: CoachingSession | None = None) -> list[datetime]:
        """Return the starts around the date that can be booked."""
        return queries.open_slots(
            self.offer,
            length=self.length,
            range_from=self.range_from,
            range_to=self.range_to,
            now=self.now,
            moving=moving,
        )

    def joinable(self) -> set[datetime]:
        """Return the starts around the date at which somebody has a seat and others are left."""
        return set(
            queries.seats_left(
                self.offer, length=self.length, range_from=self.range_from, range_to=self.range_to, now=self.now
            )
        )


@contextmanager
def undone() -> Iterator[None]:
    """Take back all rows written inside, as a test does with its own: verbs inside may commit."""
    block = transaction.atomic()
    block._from_testcase = True  # noqa: SLF001 -- how Django's test cases tell `durable` that they are around it
    try:
        with block:
            yield
            transaction.set_rollback(True)
    finally:
        listing._kept.clear()  # noqa: SLF001 -- the same keys come back with other rows, which production never sees


def draw_calendar(draw: Draw, *, is_booked: bool = False) -> Calendar:
    """Draw and write everything; with `is_booked` there is a confirmed session, most likely to come."""
    tz, odd = draw(st.sampled_from(ODD))
    around = draw(st.just(odd) | st.dates(date(2001, 1, 1), date(2036, 1, 1)))
    midnight = datetime(around.year, around.month, around.day, tzinfo=UTC)
    now = draw(st.sampled_from((midnight - 20 * ONE_DAY, midnight + timedelta(hours=9, microseconds=1))))
    coach = make_coach()
    _write_hours(draw, coach, tz, around)
    minutes = draw(st.sampled_from((15, 30, 45, 60, 90)) | st.integers(7, 200))
    offer = _shaped(make_offer(coach, minutes=minutes), _rules(draw, around))
    other = make_offer(coach, slug="other", minutes=minutes)
    calendar = Calendar(offer, other, minutes * MINUTE, tz, midnight, now)
    wanted = calendar.listed()
    if is_booked:
        _write_session(draw, calendar, st.sampled_from(wanted or [midnight + ONE_DAY]), is_booked=True)
    quarters = st.integers(-3 * 96, 5 * 96).map(lambda n: midnight + n * 15 * MINUTE)
    for _ in range(draw(st.integers(0, 7))):
        there = list(coach.sessions.order_by("pk").values_list("starts_at", flat=True))
        starts = [st.sampled_from(some) for some in (wanted, there) if some]
        _write_session(draw, calendar, st.one_of(*starts, quarters))
    return calendar


def _write_hours(draw: Draw, coach: Coach, tz: str, around: date) -> None:
    schedule = Schedule.objects.get(coach=coach)
    Schedule.objects.filter(pk=schedule.pk).update(tz=tz)
    schedule.windows.all().delete()
    WeeklyWindow.objects.bulk_create(
        WeeklyWindow(schedule=schedule, **asdict(one)) for one in draw(windows | round_the_clock)
    )
    for override in draw(overrides(around)):
        row = DateOverride.objects.create(schedule=schedule, on=override.on)
        OverrideWindow.objects.bulk_create(
            OverrideWindow(override=row, start_minute=start, end_minute=end) for start, end in override.windows
        )
    midnight = datetime(around.year, around.month, around.day, tzinfo=UTC)
    for closed in draw(st.lists(intervals(midnight), max_size=2)):
        Blackout.objects.create(coach=coach, starts_at=closed.start, ends_at=closed.end)


def _rules(draw: Draw, around: date) -> dict[str, Any]:
    first, last = sorted(around + timedelta(days=day) for day in draw(st.tuples(*[st.integers(-2, 4)] * 2)))
    # Mostly none: several limits at once leave nothing to book.
    limits = st.sampled_from((None,) * 7 + (1, 2, 3))
    buffers = st.sampled_from((0, 0, 5, 10, 30))
    capacity = draw(st.sampled_from((1, 2, 3)))
    return {
        "increment_minutes": draw(st.sampled_from((15, 30, 60)) | st.integers(7, 200)),
        "buffer_before_minutes": draw(buffers),
        "buffer_after_minutes": draw(buffers),
        "notice_minutes": draw(st.sampled_from((0, 0, 60, 1440, 1501))),
        "horizon_days": draw(st.sampled_from((60, 60, 2, 21))),
        "first_day": draw(st.sampled_from((None, None, None, first))),
        "last_day": draw(st.sampled_from((None, None, None, last))),
        "daily_limit": draw(limits),
        "weekly_limit": draw(limits),
        "monthly_limit": draw(limits),
        "capacity": capacity,
        "min_seats": draw(st.integers(1, capacity)),
    }


def _shaped(offer: Offer, values: dict[str, Any]) -> Offer:
    Offer.objects.filter(pk=offer.pk).update(**values)
    return Offer.objects.select_related("coach").get(pk=offer.pk)


def _write_session(draw: Draw, calendar: Calendar, starts: Draw, *, is_booked: bool = False) -> None:
    """Write one session with its seats; the database leaves out one that must not be where others are."""
    offer = calendar.offer if is_booked else draw(st.sampled_from((calendar.offer,) * 3 + (calendar.other,)))
    capacity = draw(st.sampled_from((offer.capacity, offer.capacity, offer.capacity, 1, 2, 4)))
    buffers = st.sampled_from((0, 10, 30)).map(lambda minutes: minutes * MINUTE)
    own = (offer.buffer_before, offer.buffer_after)
    seats = draw(st.lists(st.sampled_from(STAYING if is_booked else SEATS), min_size=1, max_size=capacity))
    seats = [SEATS[0], *seats[1:]] if is_booked else seats
    is_off = all(status in GONE for status, _is_stale in seats)
    with suppress(IntegrityError), transaction.atomic():
        session = make_session(
            offer=offer,
            starts_at=draw(starts),
            now=calendar.now,
            status=BookingStatus.CANCELLED if is_off else BookingStatus.CONFIRMED,
            length=draw(st.sampled_from((1, 1, 1, 2))) * calendar.length if not is_booked else calendar.length,
            capacity=capacity,
            is_exclusive=draw(st.sampled_from((True, True, False))),
            buffers=draw(st.just(own) | st.tuples(buffers, buffers)),
        )
        for status, is_stale in seats:
            booking = add_booking(session, now=calendar.now, status=status)
            if is_stale:
                ended = calendar.now - draw(st.integers(0, 90)) * MINUTE
                Booking.objects.filter(pk=booking.pk).update(hold_expires_at=ended)
        locked.follow(session, calendar.now)
