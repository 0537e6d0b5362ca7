"""Cancelling and moving."""

from datetime import datetime, timedelta

from greenroom.bookings import queries, rules
from greenroom.bookings.errors import IllegalTransitionError, SlotTakenError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import follow_ups, locked
from greenroom.bookings.services.holds import let_go, release_stale_holds, require_open, slot_guard
from greenroom.bookings.types import UNPAID, BookingEvent, BookingStatus, CancelPreview
from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.orders.rules import ALL_PERCENT, refund_due, refund_percent
from greenroom.payments import queries as payments
from greenroom.payments.services import refund_order
from greenroom.payments.types import RefundCause

_FULL_REFUND_BY = {ActorKind.COACH, ActorKind.ADMIN}

_INSTANT = timedelta(microseconds=1)
_CAUSES = {
    ActorKind.GUEST: RefundCause.STUDENT_CANCELLED,
    ActorKind.STUDENT: RefundCause.STUDENT_CANCELLED,
    ActorKind.COACH: RefundCause.COACH_CANCELLED,
    ActorKind.ADMIN: RefundCause.STAFF,
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

    A student gets what the policy frozen on the order says, and never more than before a move; from the coach or an
    admin everything comes back, and from a request that the coach did not answer yet. An unpaid booking is let go (see
    `release_hold`). A second call changes nothing and returns zero. Locks coach, session, booking.
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
            let_go(held, BookingEvent.CANCEL, actor=actor, now=now)
            return nothing
        if actor.kind not in _FULL_REFUND_BY and now >= held.session.starts_at:
            raise IllegalTransitionError("The session has begun, so it cannot be cancelled any more.")
        due = _refund(mine, _percent(mine, held.session, actor, now))
        mine.cancelled_by, mine.refund_minor = actor.kind, due.minor
        locked.apply(held, BookingEvent.CANCEL, actor=actor, now=now, reason=reason)
        if mine.order is not None and due.minor > 0:
            refund_order(order_ref=mine.order.ref, amount=due, cause=_CAUSES[actor.kind], actor=actor, now=now)
        follow_ups.plan_cancelled(held, now=now)
    return due


def _percent(booking: Booking, session: CoachingSession, actor: Actor, now: datetime) -> int:
    if booking.order is None:
        return 0
    if actor.kind in _FULL_REFUND_BY or booking.status == BookingStatus.PENDING_APPROVAL:
        return ALL_PERCENT
    tier = refund_percent(booking.order.refund_tiers, starts_at=session.starts_at, now=now)
    return min(tier, booking.refund_cap_percent)


def _refund(booking: Booking, percent: int) -> Money:
    order = booking.order
    if order is None:
        return Money(0, booking.session.offer.currency)
    money = payments.order_money(order.ref, currency=order.currency)
    return min(refund_due(money.captured, percent), money.captured - money.refund_asked)


def reschedule_booking(
    *, booking: Booking, starts_at: datetime, actor: Actor, now: datetime, reason: str = ""
) -> Booking:
    """Move a confirmed session to another free time; same offer and length, and the payment stays with the order.

    Its own time counts as free. What cancelling would give back never improves by moving. Grows the session's
    sequence; the coach reads the reason. Calling again with the same time changes nothing. How often and until when it
    may be moved was frozen when the time was held. Locks coach, session, booking.
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
    shift = starts_at - session.starts_at
    release_stale_holds(session.coach_id, session.blocked_from + shift, session.blocked_until + shift, now)
    length = session.ends_at - session.starts_at
    require_open(session.offer, length=length, starts_at=starts_at, now=now, moving=session)
    mine.refund_cap_percent = _percent(mine, session, actor, now)
    mine.moves_count += 1
    mine.move_reason = reason
    mine.save(update_fields=["refund_cap_percent", "moves_count", "move_reason"])
    before = {"starts_at": session.starts_at.isoformat()}
    _place(session, shift)
    after = {"starts_at": session.starts_at.isoformat()}
    audit.record(actor=actor, action="booking.move", target=mine, now=now, before=before, after=after, reason=reason)
    follow_ups.plan_moved(held, now=now, from_sequence=session.sequence - 1)
    return mine


def _alternatives(booking: Booking, wanted: datetime, now: datetime) -> list[datetime]:
    session = booking.session
    length = session.ends_at - session.starts_at
    return queries.nearest_slots(session.offer, length=length, wanted=wanted, now=now, moving=session)


def _place(session: CoachingSession, shift: timedelta) -> None:
    """Shift a session with its frozen buffers."""
    session.starts_at += shift
    session.ends_at += shift
    session.blocked_from += shift
    session.blocked_until += shift
    session.sequence += 1
    session.save(update_fields=["starts_at", "ends_at", "blocked_from", "blocked_until", "sequence"])
