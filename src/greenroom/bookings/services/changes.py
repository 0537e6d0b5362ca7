"""Cancelling and moving."""

from dataclasses import replace
from datetime import datetime, timedelta

from greenroom.bookings import queries, rules
from greenroom.bookings.errors import IllegalTransitionError, SlotNotOfferedError, SlotTakenError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import follow_ups, locked, seats
from greenroom.bookings.services.holds import let_go, release_stale_holds, require_open, slot_guard
from greenroom.bookings.types import (
    GONE,
    UNPAID,
    BookingEvent,
    BookingStatus,
    CancelPreview,
    Party,
    SessionStatus,
)
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.orders.rules import ALL_PERCENT, refund_due, refund_percent
from greenroom.payments import queries as payments
from greenroom.payments.services import refund_order
from greenroom.payments.types import RefundCause

_FULL_REFUND_BY = {ActorKind.COACH, ActorKind.ADMIN, ActorKind.SYSTEM}

_NOT_BEGUN = {SessionStatus.HELD, SessionStatus.CONFIRMED, SessionStatus.CANCELLED, SessionStatus.EXPIRED}
_INSTANT = timedelta(microseconds=1)
_CAUSES = {
    ActorKind.GUEST: RefundCause.STUDENT_CANCELLED,
    ActorKind.STUDENT: RefundCause.STUDENT_CANCELLED,
    ActorKind.COACH: RefundCause.COACH_CANCELLED,
    ActorKind.ADMIN: RefundCause.STAFF,
    ActorKind.SYSTEM: RefundCause.NOT_FULFILLED,
}


def preview_cancel(*, booking: Booking, actor: Actor, now: datetime) -> CancelPreview:
    """Say what `cancel_booking` would give back at `now`; reads only."""
    session = booking.session
    # For the coach it is never too late: a session that nobody began can still be called off.
    by_when = min(now, session.starts_at - _INSTANT) if actor.kind in _FULL_REFUND_BY else now
    allowed = rules.can_cancel(status=booking.status, starts_at=session.starts_at, now=by_when)
    percent = _percent(booking, session, actor, now)
    return CancelPreview(allowed, _refund(booking, percent), percent)


def cancel_booking(*, booking: Booking, actor: Actor, now: datetime, reason: str = "") -> Money:
    """Cancel a booking and plan the refund its policy gives, in one transaction; returns what goes back.

    A student gets what the policy frozen on the order says, and never more than before a move; everything comes back
    from the coach or an admin, from a request that the coach did not answer yet, and while the coach asks for another
    time. An unpaid booking is let go (see `release_hold`). A second call changes nothing and returns zero. Locks coach,
    session, booking.
    Raises: IllegalTransitionError when it has begun or is over.
    """
    rules.require(actor, "cancel")
    with unit_of_work():
        held = locked.lock(booking)
        mine = held.booking
        nothing = _refund(mine, 0)
        if mine.status in {BookingStatus.CANCELLED, BookingStatus.EXPIRED}:
            return nothing
        if mine.status in UNPAID:
            _let_go_and_tell(held, actor, now, reason)
            return nothing
        if actor.kind not in _FULL_REFUND_BY and now >= held.session.starts_at:
            raise IllegalTransitionError("The session has begun, so it cannot be cancelled any more.")
        due = _give_up(held, actor, now, reason)
        follow_ups.plan_cancelled(held, now=now)
    return due


def _give_up(held: locked.LockedBooking, actor: Actor, now: datetime, reason: str) -> Money:
    mine = held.booking
    due = _refund(mine, _percent(mine, held.session, actor, now))
    mine.cancelled_by, mine.refund_minor, mine.proposed_times, mine.move_request = actor.kind, due.minor, [], ""
    locked.apply(held, BookingEvent.CANCEL, actor=actor, now=now, reason=reason)
    if mine.order is not None and due.minor > 0:
        refund_order(order_ref=mine.order.ref, amount=due, cause=_CAUSES[actor.kind], actor=actor, now=now)
    return due


def cancel_session(*, session: CoachingSession, actor: Actor, now: datetime, reason: str) -> int:
    """Cancel a whole session: every seat, each with all of its money back. Returns how many seats that were.

    For its coach, staff, and our own decision that too few people booked. The students are told one by one, the coach
    once. Seats that are being paid for are let go: see `release_hold`. A second call changes nothing and returns 0.
    Locks coach, session, bookings. Raises: IllegalTransitionError when it has been held.
    """
    rules.require(actor, "cancel_session")
    with unit_of_work():
        lock_coach(session.coach_id)
        mine = queries.lock_session(session.pk)
        if mine.status not in _NOT_BEGUN:
            raise IllegalTransitionError("This session has begun, so it cannot be cancelled any more.")
        return call_off(mine, actor=actor, now=now, reason=reason)


def _let_go_and_tell(held: locked.LockedBooking, actor: Actor, now: datetime, reason: str) -> None:
    """Let an unpaid seat go; who was invited to pay for it, or had chosen it, hears that it is off."""
    let_go(held, BookingEvent.CANCEL, actor=actor, now=now, reason=reason)
    if held.booking.contact_email and actor.kind in _FULL_REFUND_BY:
        follow_ups.plan_let_go(held, now=now)


def call_off(session: CoachingSession, *, actor: Actor, now: datetime, reason: str) -> int:
    """Do what `cancel_session` says, under the locks of the caller."""
    booked = 0
    session.called_off_at, session.called_off_reason = session.called_off_at or now, session.called_off_reason or reason
    session.save(update_fields=["called_off_at", "called_off_reason"])
    for booking in session.bookings.exclude(status__in=GONE).order_by("pk"):
        held = locked.lock(booking)
        if booking.status in UNPAID:
            _let_go_and_tell(held, actor, now, reason)
            continue
        _give_up(held, actor, now, reason)
        follow_ups.plan_cancelled(held, now=now, parties=(Party.STUDENT,))
        booked += 1
    if booked:
        follow_ups.plan_session_off(session, now=now)
    return booked


def _percent(booking: Booking, session: CoachingSession, actor: Actor, now: datetime) -> int:
    if booking.order is None:
        return 0
    if actor.kind in _FULL_REFUND_BY or booking.status == BookingStatus.PENDING_APPROVAL or booking.proposed_times:
        return ALL_PERCENT
    tier = refund_percent(booking.order.refund_tiers, starts_at=session.starts_at, now=now)
    return min(tier, booking.refund_cap_percent)


def _refund(booking: Booking, percent: int) -> Money:
    order = booking.order
    if order is None:
        return Money(0, booking.session.offer.currency)
    money = payments.order_money(order.ref, currency=order.currency)
    return min(refund_due(money.captured, percent), money.left)


def reschedule_booking(
    *, booking: Booking, starts_at: datetime, actor: Actor, now: datetime, reason: str = ""
) -> Booking:
    """Move a confirmed session to another free time; same offer and length, and the payment stays with the order.

    Its own time counts as free. In a group the seat moves alone, into the group at the new time or a new one. What
    cancelling would give back never improves by moving. Grows the sequence; the coach reads the reason. Calling again
    with the same time changes nothing. How often and until when it may be moved was frozen when the time was held, and
    does not count while the coach asks for another time; those that the coach proposed need no opening hours.
    Locks coach, session, booking.
    Raises: IllegalTransitionError saying the rule, SlotTakenError with the nearest alternatives, SlotNotOfferedError,
    BusyError.
    """
    rules.require(actor, "move")
    try:
        with slot_guard(), unit_of_work():
            return _move(locked.lock(booking), starts_at, actor, now, reason)
    except SlotTakenError as error:
        nearest = _alternatives(booking, starts_at, now)
        raise SlotTakenError(nearest) from error


def _move(held: locked.LockedBooking, starts_at: datetime, actor: Actor, now: datetime, reason: str) -> Booking:
    mine, session = held.booking, held.session
    if starts_at == session.starts_at and mine.status == BookingStatus.CONFIRMED:
        return mine
    refusal = rules.move_refusal(status=mine.status, starts_at=session.starts_at, terms=mine.move_terms, now=now)
    if refusal:
        raise IllegalTransitionError(refusal)
    place = seats.Place.shifted(session, starts_at - session.starts_at)
    release_stale_holds(session.coach_id, place.blocked_from, place.blocked_until, now)
    release_stale_holds(session.coach_id, session.blocked_from, session.blocked_until, now)
    session = queries.lock_session(session.pk)
    held = replace(held, session=session)
    if starts_at in mine.proposals:
        _require_clear(session, place, now)
    else:
        length = session.ends_at - session.starts_at
        require_open(session.offer, length=length, starts_at=starts_at, now=now, moving=session)
    if mine.proposed_times:  # the coach asked: it costs the student nothing
        mine.proposed_times = []
    else:
        mine.refund_cap_percent = _percent(mine, session, actor, now)
        mine.moves_count += 1
    mine.move_reason, mine.move_request = reason, ""
    before = {"starts_at": session.starts_at.isoformat()}
    follow_ups.leave_the_time(held, now=now)
    moved = _take_along(held, place, now)
    after = {"starts_at": starts_at.isoformat()}
    audit.record(actor=actor, action="booking.move", target=mine, now=now, before=before, after=after, reason=reason)
    follow_ups.plan_moved(moved, now=now)
    return mine


def _require_clear(session: CoachingSession, place: seats.Place, now: datetime) -> None:
    if place.starts_at <= now:
        raise SlotNotOfferedError("This time has passed. Choose another one.")
    if not seats.is_clear(session, place, now):
        raise SlotTakenError


def _take_along(held: locked.LockedBooking, place: seats.Place, now: datetime) -> locked.LockedBooking:
    """Put a booking where it moves to: with its session when nobody else ever was in it, else into another session.

    Money that comes late looks for the session of those who gave up a seat: it stays where they chose it.
    """
    mine, session = held.booking, held.session
    mine.sequence += 1
    is_alone = not session.bookings.exclude(pk=mine.pk).exists()
    group = queries.find_group(session.offer, place.starts_at, place.ends_at) if session.is_group else None
    if is_alone and group is None:
        mine.save()
        seats.shift(session, place, now=now)
        return held
    if not session.bookings.exclude(status__in=GONE).exclude(pk=mine.pk).exists():
        # Nobody stays: the row makes way before the new one stands, which may overlap it.
        session.status = SessionStatus.CANCELLED
        session.save(update_fields=["status"])
    mine.session = seats.session_at(session.offer, place, now=now)
    mine.save()
    locked.follow(mine.session, now)
    locked.follow(session, now)
    follow_ups.plan_left(session, now=now)
    return replace(held, session=mine.session)


def _alternatives(booking: Booking, wanted: datetime, now: datetime) -> list[datetime]:
    session = booking.session
    length = session.ends_at - session.starts_at
    return queries.nearest_slots(session.offer, length=length, wanted=wanted, now=now, moving=session)
