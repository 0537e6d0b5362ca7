"""A booking with everything above it locked, and the one way its status changes."""

from dataclasses import dataclass
from datetime import datetime

from greenroom.bookings import queries, rules
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import GONE, BookingEvent, BookingStatus, SessionStatus
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor

_OVER = frozenset({BookingStatus.COMPLETED, BookingStatus.NO_SHOW, *GONE})
_SESSION_OVER = frozenset(
    {SessionStatus.COMPLETED, SessionStatus.NO_SHOW, SessionStatus.CANCELLED, SessionStatus.EXPIRED}
)


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


def apply(
    locked: LockedBooking, event: BookingEvent, *, actor: Actor, now: datetime, reason: str = "", note: str = ""
) -> None:
    """Move booking and session through `event` and record it; a `note` is for the audit log alone.

    Writes status and its timestamps; the session follows its seats. Raises: IllegalTransitionError.
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
    follow(session, now)
    audit.record(
        actor=actor,
        action=f"booking.{event}",
        target=booking,
        now=now,
        before={"status": before},
        after={"status": status, **({"no_show_party": booking.no_show_party} if booking.no_show_party else {})},
        reason=note or reason,
    )


def follow(session: CoachingSession, now: datetime) -> None:
    """Bring a session in line with its seats, under the coach's lock: status, how many are taken, until when held."""
    rows = session.bookings.values_list("status", "hold_expires_at")
    seats = [(BookingStatus(status), until) for status, until in rows]
    live = [(status, until) for status, until in seats if status not in GONE]
    is_only_held = bool(live) and all(status is BookingStatus.HELD for status, _until in live)
    session.status = rules.session_status_of([status for status, _until in seats])
    session.seats_taken = len(live)
    session.held_until = max(until for _status, until in live) if is_only_held else None
    session.was_confirmed = session.was_confirmed or session.status == SessionStatus.CONFIRMED
    if session.status == SessionStatus.IN_PROGRESS:
        session.started_at = session.started_at or now
    session.closed_at = now if session.status in _SESSION_OVER else None
    session.save()


def others_in(held: LockedBooking) -> list[LockedBooking]:
    """Lock the other seats of the session that are not given up, in order."""
    others = held.session.bookings.exclude(status__in=GONE).exclude(pk=held.booking.pk).order_by("pk")
    return [LockedBooking(held.coach, held.session, queries.lock_booking(other.pk)) for other in others]
