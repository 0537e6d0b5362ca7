"""Coaches, offers, sessions and bookings: the smallest rows that the database accepts, in a given state.

They write rows directly and plan nothing; what a service does to them is the test's subject.
"""

from datetime import datetime, timedelta

from greenroom.accounts.models import DiscordIdentity, User
from greenroom.availability.models import MINUTES_PER_DAY, Schedule, WeeklyWindow
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.rules import session_status_of
from greenroom.bookings.types import BookingStatus, Party
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.types import OfferStatus, Venue
from greenroom.coaches.models import Coach
from greenroom.coaches.types import CoachStatus
from greenroom.core.ids import new_ref

_FREE = frozenset({BookingStatus.CANCELLED, BookingStatus.EXPIRED})
_NEVER_CONFIRMED = frozenset(
    {BookingStatus.HELD, BookingStatus.PENDING_PAYMENT, BookingStatus.PENDING_APPROVAL, BookingStatus.EXPIRED}
)
_ISO_WEEKDAYS = range(1, 8)


def make_coach(slug: str = "maya", *, status: CoachStatus = CoachStatus.APPROVED) -> Coach:
    """Make an approved coach, with an account of their own, who is free all day every day (UTC)."""
    user = User.objects.create_user(f"{slug}@example.org", name=f"Coach {slug}")
    coach = Coach.objects.create(user=user, slug=slug, display_name=f"Coach {slug}", status=status)
    schedule = Schedule.objects.create(coach=coach, tz="UTC")
    for weekday in _ISO_WEEKDAYS:
        WeeklyWindow.objects.create(schedule=schedule, weekday=weekday, start_minute=0, end_minute=MINUTES_PER_DAY)
    return coach


def make_offer(
    coach: Coach | None = None,
    *,
    slug: str = "call",
    venue: Venue = Venue.DISCORD,
    minutes: int = 60,
    price_minor: int = 5000,
) -> Offer:
    """Make a published call with one length, on Discord unless told otherwise."""
    offer = Offer.objects.create(
        coach=coach or make_coach(),
        slug=slug,
        title="A call",
        status=OfferStatus.PUBLISHED,
        venue=venue,
        video_url="https://meet.example.org/room" if venue is Venue.VIDEO else "",
    )
    OfferDuration.objects.create(offer=offer, minutes=minutes, price_minor=price_minor)
    return offer


def make_booking(
    *,
    starts_at: datetime,
    now: datetime,
    offer: Offer | None = None,
    status: BookingStatus = BookingStatus.CONFIRMED,
    student: User | None = None,
    discord_identity: DiscordIdentity | None = None,
    length: timedelta = timedelta(hours=1),
) -> Booking:
    """Make a 1:1 session and its booking in `status`; a guest's unless a student is given. Instants are aware."""
    offer = offer or make_offer()
    session = make_session(offer=offer, starts_at=starts_at, now=now, status=status, length=length)
    return add_booking(session, now=now, status=status, student=student, discord_identity=discord_identity)


def make_session(
    *,
    offer: Offer,
    starts_at: datetime,
    now: datetime,
    status: BookingStatus = BookingStatus.CONFIRMED,
    length: timedelta = timedelta(hours=1),
    capacity: int = 1,
    is_exclusive: bool = True,
    buffers: tuple[timedelta, timedelta] = (timedelta(), timedelta()),
) -> CoachingSession:
    """Make a session in the state that goes with a booking in `status`, and nobody in it.

    One that is not exclusive may overlap others of its coach.
    """
    before, after = buffers
    return CoachingSession.objects.create(
        coach=offer.coach,
        offer=offer,
        starts_at=starts_at,
        ends_at=starts_at + length,
        blocked_from=starts_at - before,
        blocked_until=starts_at + length + after,
        status=session_status_of([status]),
        capacity=capacity,
        is_exclusive=is_exclusive,
        venue=offer.venue,
        created_at=now,
    )


def add_booking(
    session: CoachingSession,
    *,
    now: datetime,
    status: BookingStatus = BookingStatus.CONFIRMED,
    student: User | None = None,
    discord_identity: DiscordIdentity | None = None,
) -> Booking:
    """Give a session one more booking in `status`; the session's own status stays."""
    booking = Booking.objects.create(
        session=session,
        coach=session.coach,
        student=student,
        status=status,
        holder=new_ref(),
        price_minor=session.offer.durations.values_list("price_minor", flat=True).first() or 0,
        currency=session.offer.currency,
        hold_expires_at=now + timedelta(minutes=15),
        contact_name="Sam Student",
        contact_email=student.email if student is not None else "guest@example.org",
        discord_identity=discord_identity,
        no_show_party=Party.STUDENT if status is BookingStatus.NO_SHOW else "",
        created_at=now,
        confirmed_at=None if status in _NEVER_CONFIRMED else now,
        approve_by=session.starts_at if status is BookingStatus.PENDING_APPROVAL else None,
    )
    session.seats_taken += 0 if status in _FREE else 1
    session.save(update_fields=["seats_taken"])
    return booking
