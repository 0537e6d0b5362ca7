"""A booking with everything above it locked, and the one way its status changes."""

from dataclasses import dataclass
from datetime import datetime

from greenroom.bookings import queries, rules
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingEvent, BookingStatus
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor

_OVER = frozenset({BookingStatus.COMPLETED, BookingStatus.NO_SHOW, BookingStatus.CANCELLED, BookingStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class LockedBooking:
    """A coach, a session and a booking, locked in this order (law 2) until the transaction ends."""

    coach: Coach
    session: CoachingSession
    booking: Booking


def lock(booking: Booking) -> LockedBooking:
    """Lock a booking and what stands above it, and read all three afresh."""
    coach = lock_coach(booking.coach_id)
    fresh = Booking.objects.only("session_id").get(pk=booking.pk)
    session = queries.lock_session(fresh.session_id)
    return LockedBooking(coach, session, queries.lock_booking(booking.pk))


def apply(locked: LockedBooking, event: BookingEvent, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Move booking and session through `event` and record it.

    Writes status and its timestamps; a seat that is given up is counted off. A 1:1 session follows its booking.
    Raises: IllegalTransitionError.
    """
    booking, session = locked.booking, locked.session
    before = booking.status
    status = rules.next_status(before, event)
    booking.status = status
    booking.reason = reason or booking.reason
    if status == BookingStatus.CONFIRMED:
        booking.confirmed_at = now
    booking.closed_at = now if status in _OVER else None
    booking.save()
    _follow(session, status, now)
    audit.record(
        actor=actor,
        action=f"booking.{event}",
        target=booking,
        now=now,
        before={"status": before},
        after={"status": status},
        reason=reason,
    )


def _follow(session: CoachingSession, status: BookingStatus, now: datetime) -> None:
    session.status = rules.session_status_of(status)
    session.seats_taken = 0 if status in {BookingStatus.CANCELLED, BookingStatus.EXPIRED} else 1
    session.held_until = None  # no event leads back to a hold
    if status == BookingStatus.IN_PROGRESS:
        session.started_at = now
    session.closed_at = now if status in _OVER else None
    session.save()
