"""From a paid hold to a booking: at once, or once the coach said yes."""

from datetime import datetime, timedelta

from greenroom.accounts.services import claimable_user
from greenroom.bookings import rules
from greenroom.bookings.errors import AnsweredTooLateError, IllegalTransitionError
from greenroom.bookings.models import Booking
from greenroom.bookings.services import follow_ups, locked
from greenroom.bookings.types import BookingEvent, BookingStatus
from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.money import total
from greenroom.core.transactions import unit_of_work
from greenroom.payments.services import refund_in_full
from greenroom.payments.types import RefundCause

_DECLINED_BY = {ActorKind.COACH, ActorKind.ADMIN}


def fulfil(held: locked.LockedBooking, *, actor: Actor, now: datetime) -> None:
    """Turn a hold that is paid into a booking, under the locks of the caller.

    Where the offer lets the coach decide, it becomes a request first: the time stays taken until the coach answers or
    the time to answer is over, at the latest when the session would begin. Paid later than that, everything goes back.
    """
    booking = held.booking
    booking.cancelled_by = ""  # whoever pays after letting go wanted it after all
    if booking.student is None:
        booking.student = claimable_user(email=booking.contact_email, name=booking.contact_name, tz=booking.contact_tz)
    if booking.approval_hours is None:
        _confirm(held, actor=actor, now=now)
        return
    if held.session.starts_at <= now:
        _end_request(held, RefundCause.NOT_FULFILLED, actor=SYSTEM, now=now, reason="")
        follow_ups.plan_unfulfillable(held, now=now)
        return
    booking.approve_by = min(now + timedelta(hours=booking.approval_hours), held.session.starts_at)
    locked.apply(held, BookingEvent.ASK, actor=actor, now=now)
    follow_ups.plan_asked(held, now=now)


def _confirm(held: locked.LockedBooking, *, actor: Actor, now: datetime) -> None:
    locked.apply(held, BookingEvent.CONFIRM, actor=actor, now=now)
    follow_ups.plan_confirmed(held, now=now)


def accept_booking(*, booking: Booking, actor: Actor, now: datetime) -> Booking:
    """Say yes to a request: it is confirmed, with all that follows. Locks coach, session, booking.

    A second call changes nothing. Raises: AnsweredTooLateError once the time to answer is over,
    IllegalTransitionError when the request was declined or withdrawn.
    """
    rules.require(actor, "answer")
    with unit_of_work():
        held = locked.lock(booking)
        if held.booking.confirmed_at is not None and held.booking.status != BookingStatus.CANCELLED:
            return held.booking
        deadline = _require_asked(held.booking)
        if now >= deadline:
            raise AnsweredTooLateError
        _confirm(held, actor=actor, now=now)
    return held.booking


def decline_booking(*, booking: Booking, actor: Actor, now: datetime, reason: str = "") -> Booking:
    """Say no to a request: the time is free, and everything that was paid goes back. Locks coach, session, booking.

    A second call changes nothing. Raises: IllegalTransitionError when it was accepted, withdrawn or timed out.
    """
    rules.require(actor, "answer")
    with unit_of_work():
        held = locked.lock(booking)
        mine = held.booking
        if mine.status == BookingStatus.CANCELLED and mine.confirmed_at is None and mine.cancelled_by in _DECLINED_BY:
            return mine
        _require_asked(mine)
        _end_request(held, RefundCause.COACH_CANCELLED, actor=actor, now=now, reason=reason)
        follow_ups.plan_declined(held, now=now)
    return held.booking


def time_out_request(*, booking: Booking, now: datetime) -> None:
    """End a request that nobody answered in time: the time is free, and everything goes back. Else change nothing."""
    with unit_of_work():
        held = locked.lock(booking)
        if held.booking.status != BookingStatus.PENDING_APPROVAL or now < _require_asked(held.booking):
            return
        _end_request(held, RefundCause.NOT_FULFILLED, actor=SYSTEM, now=now, reason="")
        follow_ups.plan_timed_out(held, now=now)


def _require_asked(booking: Booking) -> datetime:
    """Return until when a request can be accepted. Raises: IllegalTransitionError when it is none."""
    if booking.status != BookingStatus.PENDING_APPROVAL or booking.approve_by is None:
        state = booking.status.replace("_", " ")
        raise IllegalTransitionError(f"This booking is {state}: there is nothing to answer any more.")
    return booking.approve_by


def _end_request(held: locked.LockedBooking, cause: RefundCause, *, actor: Actor, now: datetime, reason: str) -> None:
    booking, order = held.booking, held.booking.order
    booking.cancelled_by = actor.kind
    if order is not None:
        asked_back = refund_in_full(order_ref=order.ref, cause=cause, actor=actor, now=now)
        booking.refund_minor = total([one.amount for one in asked_back], order.currency).minor
    locked.apply(held, BookingEvent.CANCEL, actor=actor, now=now, reason=reason)
