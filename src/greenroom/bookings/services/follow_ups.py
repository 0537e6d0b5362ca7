"""The due rows that a change to a booking plans, in its own transaction (law 6)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Q

from greenroom.bookings import rules
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services.locked import LockedBooking
from greenroom.bookings.types import GONE, JOINABLE, UPCOMING_SESSIONS, BookingStatus, Party
from greenroom.core.transactions import unit_of_work
from greenroom.jobs import services as jobs
from greenroom.notifications.services import cancel_messages, plan_message
from greenroom.notifications.types import NewMessage

# When people are reminded, and until when the reminder is still of use, both before the start (X20).
_REMINDERS = (
    ("24h", timedelta(hours=24), timedelta(hours=1)),
    ("1h", timedelta(hours=1), timedelta(minutes=5)),
)
_PARTIES = (Party.STUDENT, Party.COACH)


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
    keys = [_news_key(held.booking, f"asked_{party}") for party in _PARTIES]
    cancel_messages(keys=keys, now=now)


def leave_the_time(held: LockedBooking, *, now: datetime) -> None:
    """Cancel what waits for the time a booking is about to leave; before its sequence or its session changes."""
    session, booking = held.session, held.booking
    jobs.cancel(keys=[_outcome_key(booking)], now=now)
    keys = [_reminder_key(booking, name) for name, _before, _until in _REMINDERS]
    # News of an earlier move that still waits would tell the same as what is planned next.
    keys += [_news_key(booking, f"moved_{party}") for party in _PARTIES]
    if not session.bookings.exclude(pk=booking.pk).exclude(status__in=GONE).exists():
        keys += [_session_reminder_key(session, name) for name, _before, _until in _REMINDERS]
    cancel_messages(keys=keys, now=now)


def plan_moved(held: LockedBooking, *, now: datetime) -> None:
    """Plan what follows a move."""
    _tell_both(held, "moved", now)
    _plan_for_the_time(held, now)


def plan_move_request(booking: Booking, *, until: datetime, now: datetime) -> None:
    """Tell the coach that a student asks for another time, until the session begins."""
    key = f"bookings.move_request:{booking.pk}:{now.isoformat()}"
    _tell(booking, "move_request", Party.COACH, key, now, until)


def plan_invited(booking: Booking, *, now: datetime) -> None:
    """Send the client the link to pay what the coach booked for them."""
    key = f"bookings.invited_student:{booking.pk}"
    _tell(booking, "invited_student", Party.STUDENT, key, now, booking.hold_expires_at)


def plan_proposed(booking: Booking, *, until: datetime, now: datetime) -> None:
    """Ask the student, until the session begins."""
    key = f"bookings.proposed_student:{booking.pk}:{now.isoformat()}"
    _tell(booking, "proposed_student", Party.STUDENT, key, now, until)


def plan_left(session: CoachingSession, *, now: datetime) -> None:
    """Plan what follows when a seat moved out of a group: its room changes, and without anybody it is off."""
    plan_room(session, now=now)
    if session.status not in JOINABLE:
        plan_session_off(session, now=now)


def plan_cancelled(held: LockedBooking, *, now: datetime, parties: Collection[Party] = _PARTIES) -> None:
    """Tell those sides, close the room, and cancel what waited for a session that will not be."""
    _end_request(held, now)
    leave_the_time(held, now=now)
    _tell_both(held, "cancelled", now, parties)
    plan_room(held.session, now=now)


def plan_let_go(held: LockedBooking, *, now: datetime) -> None:
    """Tell somebody who had not paid yet that it is off; while a payment is closing there is nothing to tell yet."""
    if held.booking.status == BookingStatus.CANCELLED:
        _tell_both(held, "cancelled", now, (Party.STUDENT,))


def plan_session_off(session: CoachingSession, *, now: datetime) -> None:
    """Tell the coach, once, that a whole session is off."""
    new = NewMessage(
        kind="bookings.session_off",
        key=f"bookings.session_off:{session.pk}:{session.sequence}",
        to=session.coach.user.email,
        subject_id=session.pk,
        due_at=now,
    )
    plan_message(new, now=now)


def plan_unfulfillable(held: LockedBooking, *, now: datetime) -> None:
    """Tell a student whose money came too late that it goes back."""
    key = f"bookings.unfulfillable:{held.booking.pk}"
    _tell(held.booking, "unfulfillable", "student", key, now)


def plan_sent_back(booking: Booking, *, refund_id: int, now: datetime) -> None:
    """Tell a student that a payment which did not count goes back; once for each, however often it is planned."""
    key = f"bookings.sent_back:{booking.pk}:{refund_id}"
    _tell(booking, "sent_back", Party.STUDENT, key, now)


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
        key=_outcome_key(booking),
        due_at=session.ends_at + rules.OUTCOME_GRACE,
        now=now,
        payload={"booking_id": booking.pk},
    )
    for name, before, useful_until in _REMINDERS:
        if session.starts_at - before > now:
            due_at, expires_at = session.starts_at - before, session.starts_at - useful_until
            for kind, key, to, subject_id in (
                ("reminder_student", _reminder_key(booking, name), booking.contact_email, booking.pk),
                # One for the session, however many students it has.
                ("session_reminder", _session_reminder_key(session, name), booking.coach.user.email, session.pk),
            ):
                plan_message(NewMessage(f"bookings.{kind}", key, to, subject_id, due_at, expires_at), now=now)
    plan_room(session, now=now)


def _tell_both(held: LockedBooking, what: str, now: datetime, parties: Collection[Party] = _PARTIES) -> None:
    for party in parties:
        kind = f"{what}_{party}"
        _tell(held.booking, kind, party, _news_key(held.booking, kind), now)


def _tell(booking: Booking, kind: str, party: str, key: str, now: datetime, expires_at: datetime | None = None) -> None:
    to = _address(booking, party)
    plan_message(NewMessage(f"bookings.{kind}", key, to, booking.pk, now, expires_at), now=now)


def _address(booking: Booking, party: str) -> str:
    return booking.contact_email if party == "student" else booking.coach.user.email


def _outcome_key(booking: Booking) -> str:
    return f"bookings.complete_if_unknown:{booking.pk}:{booking.sequence}"


def _time_out_key(booking: Booking) -> str:
    return f"bookings.time_out_request:{booking.pk}"


def _news_key(booking: Booking, kind: str) -> str:
    return f"bookings.{kind}:{booking.pk}:{booking.sequence}"


def _reminder_key(booking: Booking, name: str) -> str:
    return f"bookings.reminder_{name}_student:{booking.pk}:{booking.sequence}"


def _session_reminder_key(session: CoachingSession, name: str) -> str:
    return f"bookings.session_reminder_{name}:{session.pk}:{session.sequence}"
