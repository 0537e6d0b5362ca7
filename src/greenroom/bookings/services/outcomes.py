"""What became of a session (X10, X11)."""

from datetime import datetime

from greenroom.bookings import rules
from greenroom.bookings.errors import TooEarlyError
from greenroom.bookings.models import Booking
from greenroom.bookings.services import locked
from greenroom.bookings.types import GONE, UPCOMING, BookingEvent, BookingStatus, NoShowPreview, Party
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.money import Money, total
from greenroom.core.transactions import unit_of_work
from greenroom.payments import queries as payments
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

    What went back for a no-show stays back, and nobody is asked to pay again.
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
    """Say that a side did not come; from its start on. Also corrects an outcome that was said before.

    When the coach did not come, alone or like the student, everything that is left of the money is refunded, once
    (X11); what went back stays back, whatever is said later. One student's absence is theirs alone, and leaves the
    money where it is; that of the coach concerns everybody in the session. The same side again changes nothing.
    Locks coach, session, bookings. Raises: TooEarlyError, IllegalTransitionError.
    """
    rules.require(actor, "mark_no_show")
    with unit_of_work():
        held = locked.lock(booking)
        if now < held.session.starts_at:
            raise TooEarlyError
        _mark_no_show(held, party, actor, now)
        for other in locked.others_in(held) if party in rules.COACH_ABSENT else ():
            if _concerns(other.booking):
                _mark_no_show(other, rules.with_coach_absent(other.booking.no_show_party), actor, now)
    return held.booking


def preview_no_show(*, booking: Booking) -> NoShowPreview:
    """Say what `mark_no_show` would give back when the coach did not come; reads only."""
    others = booking.session.bookings.exclude(status__in=GONE).exclude(pk=booking.pk).select_related("order")
    concerned = [booking, *(other for other in others if _concerns(other))]
    orders = [one.order for one in concerned if one.order is not None]
    currency = orders[0].currency if orders else booking.session.offer.currency
    left = [payments.refundable_of_order(order.ref, currency=currency) for order in orders]
    return NoShowPreview(
        back=total(left, currency),
        people=sum(amount.minor > 0 for amount in left),
        already_back=Money(booking.refund_minor, currency),
        waits_for_bank=any(payments.find_blocking_dispute_of_order(order.ref) for order in orders),
    )


def _concerns(booking: Booking) -> bool:
    """Tell whether the coach's absence changes what was said about another seat of the same session."""
    can_change = (BookingStatus(booking.status), BookingEvent.MARK_NO_SHOW) in rules.TRANSITIONS
    return can_change and booking.no_show_party not in rules.COACH_ABSENT


def _mark_no_show(held: locked.LockedBooking, party: Party, actor: Actor, now: datetime) -> None:
    mine = held.booking
    if mine.status == BookingStatus.NO_SHOW and mine.no_show_party == party:
        return
    mine.no_show_party = party
    if party in rules.COACH_ABSENT and mine.order is not None:
        back = refund_in_full(order_ref=mine.order.ref, cause=RefundCause.NOT_FULFILLED, actor=actor, now=now)
        mine.refund_minor += total([one.amount for one in back], mine.order.currency).minor
    locked.apply(held, BookingEvent.MARK_NO_SHOW, actor=actor, now=now)


def complete_if_unknown(*, booking: Booking, now: datetime) -> None:
    """Complete a session of which nothing was said until the grace time was over (X10); else change nothing."""
    with unit_of_work():
        held = locked.lock(booking)
        is_over = now >= held.session.ends_at + rules.OUTCOME_GRACE
        if is_over and held.booking.status in UPCOMING:
            locked.apply(held, BookingEvent.COMPLETE, actor=SYSTEM, now=now, reason="Nothing else was reported.")
