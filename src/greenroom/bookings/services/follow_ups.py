"""The due rows that a change to a booking plans, in its own transaction (law 6)."""

from datetime import datetime, timedelta

from django.db.models import Q

from greenroom.bookings import rules
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services.locked import LockedBooking
from greenroom.bookings.types import UPCOMING_SESSIONS
from greenroom.core.transactions import unit_of_work
from greenroom.jobs import services as jobs
from greenroom.notifications.services import cancel_messages, plan_message
from greenroom.notifications.types import NewMessage

# When people are reminded, and until when the reminder is still of use, both before the start (X20).
_REMINDERS = (
    ("24h", timedelta(hours=24), timedelta(hours=1)),
    ("1h", timedelta(hours=1), timedelta(minutes=5)),
)
_PARTIES = ("student", "coach")


def plan_confirmed(held: LockedBooking, *, now: datetime) -> None:
    """Plan what follows a confirmation: mails, reminders, the room, the outcome."""
    _end_request(held, now)
    _tell_both(held, "confirmed", now)
    _plan_for_the_time(held, now)


def plan_asked(held: LockedBooking, *, now: datetime) -> None:
    """Tell both sides of a request, and plan what happens when nobody answers it."""
    booking = held.booking
    _tell_both(held, "asked", now)
    jobs.plan(
        kind="bookings.time_out_request",
        key=_time_out_key(booking),
        due_at=booking.approve_by or now,
        now=now,
        payload={"booking_id": booking.pk},
    )


def plan_declined(held: LockedBooking, *, now: datetime) -> None:
    """Tell the student that the coach said no."""
    _end_request(held, now)
    _tell(held.booking, "declined_student", "student", f"bookings.declined_student:{held.booking.pk}", now)


def plan_timed_out(held: LockedBooking, *, now: datetime) -> None:
    """Tell both sides that a request was not answered in time."""
    _end_request(held, now)
    _tell_both(held, "unanswered", now)


def _end_request(held: LockedBooking, now: datetime) -> None:
    """Cancel what waited for an answer: the end of the time for it, and news of the request nobody read yet."""
    jobs.cancel(keys=[_time_out_key(held.booking)], now=now)
    keys = [_news_key(held.booking, f"asked_{party}", held.session.sequence) for party in _PARTIES]
    cancel_messages(keys=keys, now=now)


def plan_moved(held: LockedBooking, *, now: datetime, from_sequence: int) -> None:
    """Plan what follows a move, and cancel what waited for the earlier time."""
    _cancel_for_the_time(held, from_sequence, now)
    _tell_both(held, "moved", now)
    _plan_for_the_time(held, now)


def plan_cancelled(held: LockedBooking, *, now: datetime) -> None:
    """Tell both sides, close the room, and cancel what waited for a session that will not be."""
    _end_request(held, now)
    _cancel_for_the_time(held, held.session.sequence, now)
    _tell_both(held, "cancelled", now)
    plan_room(held.session, now=now)


def plan_unfulfillable(held: LockedBooking, *, now: datetime) -> None:
    """Tell a student whose money came too late that it goes back."""
    key = f"bookings.unfulfillable:{held.booking.pk}"
    _tell(held.booking, "unfulfillable", "student", key, now)


def plan_room(session: CoachingSession, *, now: datetime) -> None:
    """Have the room of a session looked at now. One row per session for its whole life: see `rooms.jobs`."""
    jobs.plan(
        kind="rooms.reconcile",
        key=f"rooms.reconcile:{session.pk}",
        due_at=now,
        now=now,
        payload={"session_id": session.pk},
    )


def look_at_rooms_of(*, user_id: int, now: datetime) -> None:
    """Have the rooms of all coming sessions of a person, as student or coach, looked at now."""
    theirs = Q(coach__user=user_id) | Q(bookings__student=user_id)
    coming = CoachingSession.objects.filter(theirs, status__in=UPCOMING_SESSIONS, ends_at__gt=now).distinct()
    with unit_of_work():
        for session in coming:
            plan_room(session, now=now)


def _plan_for_the_time(held: LockedBooking, now: datetime) -> None:
    session, booking = held.session, held.booking
    jobs.plan(
        kind="bookings.complete_if_unknown",
        key=_outcome_key(booking, session.sequence),
        due_at=session.ends_at + rules.OUTCOME_GRACE,
        now=now,
        payload={"booking_id": booking.pk},
    )
    for name, before, useful_until in _REMINDERS:
        if session.starts_at - before > now:
            for party in _PARTIES:
                new = NewMessage(
                    kind=f"bookings.reminder_{party}",
                    key=_reminder_key(booking, session.sequence, name, party),
                    to=_address(booking, party),
                    subject_id=booking.pk,
                    due_at=session.starts_at - before,
                    expires_at=session.starts_at - useful_until,
                )
                plan_message(new, now=now)
    plan_room(session, now=now)


def _cancel_for_the_time(held: LockedBooking, sequence: int, now: datetime) -> None:
    jobs.cancel(keys=[_outcome_key(held.booking, sequence)], now=now)
    names = [name for name, _before, _until in _REMINDERS]
    keys = [_reminder_key(held.booking, sequence, name, party) for name in names for party in _PARTIES]
    # News of an earlier move that still waits would tell the same as what is planned now.
    keys += [_news_key(held.booking, f"moved_{party}", sequence) for party in _PARTIES]
    cancel_messages(keys=keys, now=now)


def _tell_both(held: LockedBooking, what: str, now: datetime) -> None:
    for party in _PARTIES:
        kind = f"{what}_{party}"
        _tell(held.booking, kind, party, _news_key(held.booking, kind, held.session.sequence), now)


def _tell(booking: Booking, kind: str, party: str, key: str, now: datetime) -> None:
    new = NewMessage(
        kind=f"bookings.{kind}",
        key=key,
        to=_address(booking, party),
        subject_id=booking.pk,
        due_at=now,
    )
    plan_message(new, now=now)


def _address(booking: Booking, party: str) -> str:
    return booking.contact_email if party == "student" else booking.coach.user.email


def _outcome_key(booking: Booking, sequence: int) -> str:
    return f"bookings.complete_if_unknown:{booking.pk}:{sequence}"


def _time_out_key(booking: Booking) -> str:
    return f"bookings.time_out_request:{booking.pk}"


def _news_key(booking: Booking, kind: str, sequence: int) -> str:
    return f"bookings.{kind}:{booking.pk}:{sequence}"


def _reminder_key(booking: Booking, sequence: int, name: str, party: str) -> str:
    return f"bookings.reminder_{name}_{party}:{booking.pk}:{sequence}"
