"""What the studio's pages read: the coach's own bookings, always through the coach."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from greenroom.bookings.models import Booking
from greenroom.bookings.types import UNPAID, UPCOMING, BookingStatus
from greenroom.coaches.models import Coach
from greenroom.core.errors import NotFoundError

_HELD_WEEK = (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.COMPLETED, BookingStatus.NO_SHOW)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WeekNumbers:
    """A coach's local week, Monday to Sunday: sessions that take place, how long, and what was booked in 7 days."""

    sessions_count: int
    length: timedelta
    new_bookings_count: int


def coach_bookings(coach: Coach) -> QuerySet[Booking]:
    """Return everything a coach may see of bookings: those that were ever confirmed, and those under way."""
    seen = Q(confirmed_at__isnull=False) | Q(status__in=[*UNPAID, BookingStatus.PENDING_APPROVAL])
    return Booking.objects.filter(seen, coach=coach).select_related("session__offer", "order")


def get_coach_booking(coach: Coach, ref: str) -> Booking:
    """Return one of the coach's bookings with all that its page shows. Raises: NotFoundError."""
    booking = coach_bookings(coach).filter(ref=ref).select_related("coach__user", "student").first()
    if booking is None:
        raise NotFoundError("There is no such session.")
    return booking


def upcoming_bookings(coach: Coach, *, now: datetime) -> QuerySet[Booking]:
    """Return confirmed sessions that are not over, the next first."""
    bookings = coach_bookings(coach).filter(status__in=UPCOMING, session__ends_at__gt=now)
    return bookings.order_by("session__starts_at", "pk")


def past_bookings(coach: Coach, *, now: datetime) -> QuerySet[Booking]:
    """Return sessions that are over or were cancelled, the latest first."""
    over = ~Q(status__in=UPCOMING) | Q(session__ends_at__lte=now)
    bookings = coach_bookings(coach).filter(over, confirmed_at__isnull=False)
    return bookings.order_by("-session__starts_at", "-pk")


def unpaid_bookings(coach: Coach, *, now: datetime) -> QuerySet[Booking]:
    """Return the times that somebody keeps without having paid, the next first."""
    live = Q(status=BookingStatus.PENDING_PAYMENT) | Q(status=BookingStatus.HELD, hold_expires_at__gt=now)
    return coach_bookings(coach).filter(live).order_by("session__starts_at", "pk")


def asked_bookings(coach: Coach) -> QuerySet[Booking]:
    """Return the requests that wait for the coach's answer, the most urgent first."""
    return coach_bookings(coach).filter(status=BookingStatus.PENDING_APPROVAL).order_by("approve_by", "pk")


def bookings_without_outcome(coach: Coach, *, now: datetime) -> QuerySet[Booking]:
    """Return sessions that are over and of which nobody said how they went, the oldest first."""
    bookings = coach_bookings(coach).filter(status__in=UPCOMING, session__ends_at__lte=now)
    return bookings.order_by("session__starts_at", "pk")


def week_numbers(coach: Coach, *, tz: str, now: datetime) -> WeekNumbers:
    """Count the coach's local week around `now`; two queries."""
    monday = local_midnight(now, tz, days=-now.astimezone(ZoneInfo(tz)).weekday())
    sunday = local_midnight(monday + timedelta(hours=12), tz, days=7)
    held = coach_bookings(coach).filter(
        status__in=_HELD_WEEK, session__starts_at__gte=monday, session__starts_at__lt=sunday
    )
    lengths = [ends - starts for starts, ends in held.values_list("session__starts_at", "session__ends_at")]
    fresh = Booking.objects.filter(coach=coach, confirmed_at__gt=now - _WEEK, confirmed_at__lte=now)
    return WeekNumbers(len(lengths), sum(lengths, timedelta()), fresh.count())


def local_midnight(instant: datetime, tz: str, *, days: int = 0) -> datetime:
    """Return the beginning of the instant's local date in `tz`, or of a date some days from it; aware UTC."""
    day = instant.astimezone(ZoneInfo(tz)).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(UTC)
