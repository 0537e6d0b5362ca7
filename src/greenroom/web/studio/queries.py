"""What the studio's pages read: the coach's own bookings, always through the coach."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum

from greenroom.bookings.models import Booking
from greenroom.bookings.types import GONE, UNPAID, UPCOMING, BookingStatus
from greenroom.coaches.models import Coach
from greenroom.core.errors import NotFoundError
from greenroom.core.money import Money
from greenroom.payments.queries import given_back

_HELD_WEEK = (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.COMPLETED, BookingStatus.NO_SHOW)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WeekNumbers:
    """A coach's local week, Monday to Sunday: sessions that take place, how long, and what was booked in 7 days."""

    sessions_count: int
    length: timedelta
    new_bookings_count: int


def clients(coach: Coach, *, now: datetime, words: str = "") -> QuerySet[Booking, Any]:
    """Return the people who booked with a coach, who booked last first; a page of them is one query.

    Each has `contact_email`, `ref` (of the latest booking), `name` (as they last called themselves), `sessions_count`,
    `last_at` and `next_at`; sessions that were cancelled do not count. `words` are a part of the name or the address.
    """
    confirmed = Booking.objects.filter(coach=coach, confirmed_at__isnull=False)
    latest = confirmed.filter(contact_email=OuterRef("contact_email")).order_by("-pk")
    takes_place = ~Q(status=BookingStatus.CANCELLED)
    if words:
        said = Q(contact_name__icontains=words) | Q(contact_email__icontains=words)
        confirmed = confirmed.filter(contact_email__in=confirmed.filter(said).values("contact_email"))
    people = confirmed.values("contact_email").annotate(
        latest=Max("pk"),
        ref=Subquery(latest.values("ref")[:1]),
        name=Subquery(latest.values("contact_name")[:1]),
        sessions_count=Count("pk", filter=takes_place),
        last_at=Max("session__starts_at", filter=takes_place & Q(session__starts_at__lte=now)),
        next_at=Min("session__starts_at", filter=takes_place & Q(session__starts_at__gt=now)),
    )
    return people.order_by("-latest")


def bookings_of_client(coach: Coach, email: str) -> QuerySet[Booking]:
    """Return what one person booked with a coach, the latest session first."""
    theirs = coach_bookings(coach).filter(contact_email=email, confirmed_at__isnull=False)
    return theirs.order_by("-session__starts_at", "-pk")


def zone_of_client(coach: Coach, email: str) -> str:
    """Return the zone in which somebody last booked with a coach, else the coach's own."""
    theirs = Booking.objects.filter(coach=coach, contact_email=email.lower()).order_by("-pk")
    return theirs.values_list("contact_tz", flat=True).first() or coach.user.time_zone


def paid_by_client(coach: Coach, email: str) -> list[Money]:
    """Return what one person paid a coach less all that was given back, for each currency; two queries."""
    theirs = Booking.objects.filter(coach=coach, contact_email=email, confirmed_at__isnull=False, order__isnull=False)
    sums = theirs.values_list("order__currency").annotate(paid=Sum("order__total_minor")).order_by("order__currency")
    back = given_back(theirs.values("order__ref"))
    return [Money(paid - back.get(currency, 0), currency) for currency, paid in sums]


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
    """Return confirmed sessions that are not over, the next first; a group by the first who booked it."""
    return _one_of_each_group(upcoming_seats(coach, now=now), Q(status__in=UPCOMING))


def upcoming_seats(coach: Coach, *, now: datetime) -> QuerySet[Booking]:
    """Return everybody who is confirmed in a session that is not over, the next first."""
    bookings = coach_bookings(coach).filter(status__in=UPCOMING, session__ends_at__gt=now)
    return bookings.order_by("session__starts_at", "pk")


def past_bookings(coach: Coach, *, now: datetime) -> QuerySet[Booking]:
    """Return sessions that are over or were cancelled, the latest first; a group by the first who stayed in it."""
    over = ~Q(status__in=UPCOMING) | Q(session__ends_at__lte=now)
    bookings = coach_bookings(coach).filter(over, confirmed_at__isnull=False)
    return _one_of_each_group(bookings, over).order_by("-session__starts_at", "-pk")


def _one_of_each_group(bookings: QuerySet[Booking], listed: Q) -> QuerySet[Booking]:
    """Leave out those of a group who have somebody before them that is `listed` too.

    Who gave up a seat stands for themselves.
    """
    before = Booking.objects.filter(listed, session=OuterRef("session"), pk__lt=OuterRef("pk"), status__in=_HELD_WEEK)
    return bookings.filter(Q(session__capacity=1) | ~Q(status__in=_HELD_WEEK) | ~Exists(before))


def group_of(booking: Booking) -> list[Booking]:
    """Return everybody in the group of a booking, in the order in which they booked; nobody for a session of two."""
    if not booking.session.is_group:
        return []
    return list(Booking.objects.filter(session=booking.session_id).exclude(status__in=GONE).order_by("pk"))


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
    return _one_of_each_group(bookings, Q(status__in=UPCOMING)).order_by("session__starts_at", "pk")


def week_numbers(coach: Coach, *, tz: str, now: datetime) -> WeekNumbers:
    """Count the coach's local week around `now`; two queries."""
    monday = local_midnight(now, tz, days=-now.astimezone(ZoneInfo(tz)).weekday())
    sunday = local_midnight(monday + timedelta(hours=12), tz, days=7)
    held = _one_of_each_group(
        coach_bookings(coach).filter(
            status__in=_HELD_WEEK, session__starts_at__gte=monday, session__starts_at__lt=sunday
        ),
        Q(),
    )
    lengths = [ends - starts for starts, ends in held.values_list("session__starts_at", "session__ends_at")]
    fresh = Booking.objects.filter(coach=coach, confirmed_at__gt=now - _WEEK, confirmed_at__lte=now)
    return WeekNumbers(len(lengths), sum(lengths, timedelta()), fresh.count())


def local_midnight(instant: datetime, tz: str, *, days: int = 0) -> datetime:
    """Return the beginning of the instant's local date in `tz`, or of a date some days from it; aware UTC."""
    day = instant.astimezone(ZoneInfo(tz)).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(UTC)
