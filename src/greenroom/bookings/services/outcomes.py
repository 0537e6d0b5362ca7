"""What became of a session (X10, X11)."""

from datetime import datetime

from greenroom.bookings import rules
from greenroom.bookings.errors import TooEarlyError
from greenroom.bookings.models import Booking
from greenroom.bookings.services import locked
from greenroom.bookings.types import UPCOMING, BookingEvent, BookingStatus, Party
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.transactions import unit_of_work
from greenroom.payments.services import refund_in_full
from greenroom.payments.types import RefundCause


def start_session(*, booking: Booking, actor: Actor, now: datetime) -> Booking:
    """Say that the session has begun, for everybody in it; at most half an hour before its time.

    Raises: TooEarlyError, IllegalTransitionError.
    """
    rules.require(actor, "start")
    with unit_of_work():
        held = locked.lock(booking)
        if now < held.session.starts_at - rules.START_AT_MOST_EARLY:
            raise TooEarlyError
        locked.apply(held, BookingEvent.START, actor=actor, now=now)
        for other in locked.others_in(held):
            if other.booking.status == BookingStatus.CONFIRMED:
                locked.apply(other, BookingEvent.START, actor=actor, now=now)
    return held.booking


def complete_session(*, booking: Booking, actor: Actor, now: datetime) -> Booking:
    """Say that the session took place; from its start on. Also corrects a no-show, of one person alone.

    Raises: TooEarlyError, IllegalTransitionError.
    """
    rules.require(actor, "complete")
    with unit_of_work():
        held = locked.lock(booking)
        if now < held.session.starts_at:
            raise TooEarlyError
        is_correction = held.booking.status == BookingStatus.NO_SHOW
        held.booking.no_show_party = ""
        locked.apply(held, BookingEvent.COMPLETE, actor=actor, now=now)
        for other in () if is_correction else locked.others_in(held):
            if other.booking.status in UPCOMING:
                locked.apply(other, BookingEvent.COMPLETE, actor=actor, now=now)
    return held.booking


def mark_no_show(*, booking: Booking, party: Party, actor: Actor, now: datetime) -> Booking:
    """Say that a side did not come; from its start on. When it was the coach, everything is refunded (X11).

    One student's absence is theirs alone; that of the coach concerns everybody in the session.
    Raises: TooEarlyError, IllegalTransitionError.
    """
    rules.require(actor, "mark_no_show")
    with unit_of_work():
        held = locked.lock(booking)
        if now < held.session.starts_at:
            raise TooEarlyError
        _mark_no_show(held, party, actor, now)
        for other in locked.others_in(held) if party is Party.COACH else ():
            if (BookingStatus(other.booking.status), BookingEvent.MARK_NO_SHOW) in rules.TRANSITIONS:
                _mark_no_show(other, party, actor, now)
    return held.booking


def _mark_no_show(held: locked.LockedBooking, party: Party, actor: Actor, now: datetime) -> None:
    held.booking.no_show_party = party
    locked.apply(held, BookingEvent.MARK_NO_SHOW, actor=actor, now=now)
    if party is Party.COACH and held.booking.order is not None:
        refund_in_full(order_ref=held.booking.order.ref, cause=RefundCause.NOT_FULFILLED, actor=actor, now=now)


def complete_if_unknown(*, booking: Booking, now: datetime) -> None:
    """Complete a session of which nothing was said until the grace time was over (X10); else change nothing."""
    with unit_of_work():
        held = locked.lock(booking)
        is_over = now >= held.session.ends_at + rules.OUTCOME_GRACE
        if is_over and held.booking.status in UPCOMING:
            locked.apply(held, BookingEvent.COMPLETE, actor=SYSTEM, now=now, reason="Nothing else was reported.")
