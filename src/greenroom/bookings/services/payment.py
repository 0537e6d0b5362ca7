"""From a hold to a paid booking, and what to do with money that comes late."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Q

from greenroom.bookings import queries, rules
from greenroom.bookings.errors import (
    DetailsMissingError,
    DiscordRequiredError,
    HoldEndedError,
    IllegalTransitionError,
    SlotTakenError,
)
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import follow_ups, locked, seats
from greenroom.bookings.services.confirming import fulfil
from greenroom.bookings.services.holds import end_unpaid, plan_expiry, release_stale_holds, slot_guard
from greenroom.bookings.types import (
    GONE,
    UNPAID,
    BookingEvent,
    BookingStatus,
    PaymentStart,
    SessionStatus,
)
from greenroom.catalog.types import DiscordRequirement
from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.faults import fault_point
from greenroom.core.transactions import unit_of_work
from greenroom.orders.models import Order
from greenroom.orders.services import accept_order, open_payment, tell_pay_time_over
from greenroom.orders.types import ByHandTime, ReturnAddresses
from greenroom.payments import queries as payments
from greenroom.payments.services import refund_in_full
from greenroom.payments.types import RefundCause
from greenroom.payments.ways import get_way

_SELLERS = {ActorKind.COACH, ActorKind.ADMIN, ActorKind.SYSTEM}
_LINK_FIRST = (DiscordRequirement.BEFORE_BOOKING, DiscordRequirement.BEFORE_PAYMENT)


def start_payment(
    *, booking: Booking, addresses: ReturnAddresses, actor: Actor, now: datetime, method: str = ""
) -> PaymentStart:
    """Accept the order as shown and open its payment; an order over nothing needs none.

    `method` names one of `payments.ways`; without it the first. Whoever pays by hand is given longer: the time stays
    theirs for as long as the method says, at the latest until the start. A second call gives the same open attempt.
    The gateway is called after the commit; when it does not answer, the next call goes on with the same attempt.
    Raises: HoldEndedError, DetailsMissingError, DiscordRequiredError, IllegalTransitionError, and the errors of
    `payments.ways.get_way` and `orders.services.open_payment`, such as PaymentUnavailableError.
    """
    rules.require(actor, "pay")
    with unit_of_work():
        held = locked.lock(booking)
        order = _payable_order(held, now)
        accept_order(order, now=now)
        if order.total_minor == 0:
            fulfil(held, actor=actor, now=now)
            return PaymentStart(BookingStatus(held.booking.status), None)
        way = get_way(method)
        if way.lasts is not None:
            _keep_longer(held, way.lasts, now)
        locked.apply(held, BookingEvent.START_PAYMENT, actor=actor, now=now)
    fault_point("bookings.after_start_payment")
    by_hand = ByHandTime(held.booking.hold_expires_at, held.session.starts_at, held.booking.contact_tz)
    attempt = open_payment(order=order, way=way, addresses=addresses, by_hand=by_hand, now=now)
    return PaymentStart(BookingStatus.PENDING_PAYMENT, attempt.pay_url)


def pay_by_hand_until(booking: Booking, lasts: timedelta) -> datetime:
    """Return until when a booking can be paid by a method that takes `lasts`; what its coach said counts as it is."""
    if booking.is_manual:
        return booking.hold_expires_at
    return min(max(booking.created_at + lasts, booking.hold_expires_at), booking.session.starts_at)


def _keep_longer(held: locked.LockedBooking, lasts: timedelta, now: datetime) -> None:
    """Keep the time for somebody who pays by hand; counted from the hold, so that choosing again wins nothing."""
    held.booking.hold_expires_at = pay_by_hand_until(held.booking, lasts)
    plan_expiry(held.booking, now)


def _payable_order(held: locked.LockedBooking, now: datetime) -> Order:
    booking = held.booking
    if booking.status not in UNPAID:
        raise IllegalTransitionError(f"This booking is {booking.status.replace('_', ' ')}: there is nothing to pay.")
    if booking.hold_expires_at <= now or booking.cancelled_by:
        raise HoldEndedError
    if booking.order is None:
        raise DetailsMissingError
    if held.session.offer.discord_requirement in _LINK_FIRST and not has_discord(booking):
        raise DiscordRequiredError
    return booking.order


def has_discord(booking: Booking) -> bool:
    """Tell whether the person who books has linked Discord, for this booking or in their account."""
    if booking.discord_identity_id is not None:
        return True
    return booking.student is not None and hasattr(booking.student, "discord_identity")


def settle_order(order_ref: str, now: datetime) -> None:
    """Bring a booking in line with what its order's money came to. Safe to repeat and to come late.

    Paid in time: confirmed, or the coach's to accept. Paid after the hold ended: the time is taken again if it is
    free, else everything is refunded, once. Given up at the gateway: the time is free (law 8).
    """
    booking = Booking.objects.filter(order__ref=order_ref).first()
    if booking is None:
        return
    try:
        with slot_guard(), unit_of_work():
            _settle(locked.lock(booking), order_ref, now)
    except SlotTakenError:
        with unit_of_work():
            held = locked.lock(booking)
            # Another call may have settled it since.
            if held.booking.status == BookingStatus.EXPIRED:
                _refund_unfulfillable(held, order_ref, now)


def _settle(held: locked.LockedBooking, order_ref: str, now: datetime) -> None:
    status = held.booking.status
    for refund in payments.refunds_of_what_did_not_count(order_ref):
        follow_ups.plan_sent_back(held.booking, refund_id=refund.pk, now=now)
    if _is_paid(Order.objects.get(ref=order_ref)):
        if status in UNPAID and _is_pointless(held):
            locked.apply(held, BookingEvent.CANCEL, actor=SYSTEM, now=now)
            _refund_unfulfillable(held, order_ref, now)
        elif status in UNPAID:
            fulfil(held, actor=SYSTEM, now=now)
        elif status == BookingStatus.EXPIRED:
            _take_again(held, order_ref, now)
        elif status == BookingStatus.CANCELLED and held.booking.confirmed_at is None:
            _refund_unfulfillable(held, order_ref, now)
        elif held.booking.closed_at is not None:
            _refund_what_came_after(held, order_ref, held.booking.closed_at, now)
    elif status == BookingStatus.PENDING_PAYMENT and not payments.has_live_attempt(order_ref):
        _give_up(held, order_ref, now)


def _is_pointless(held: locked.LockedBooking) -> bool:
    """Tell whether a seat that is paid now is none any more: called off, over, or booked anew by the same person."""
    booking, session = held.booking, held.session
    is_off = session.called_off_at is not None or booking.cancelled_by in _SELLERS
    is_over = session.status in {SessionStatus.COMPLETED, SessionStatus.NO_SHOW}
    return is_off or is_over or (bool(booking.cancelled_by) and _has_another_seat(booking, session))


def _is_paid(order: Order) -> bool:
    """Tell whether money was to come and came; an order over nothing is never settled by money.

    Staff may have given a part back before this ran: then it is paid all the same. What all went back is not.
    """
    money = payments.order_money(order.ref, currency=order.currency)
    return order.total_minor > 0 and money.captured >= order.total and money.kept.minor > 0


def _give_up(held: locked.LockedBooking, order_ref: str, now: datetime) -> None:
    """Free the time when its holder let it go or its time is over; else it waits for another attempt."""
    if held.booking.cancelled_by:
        end_unpaid(held, BookingEvent.CANCEL, actor=SYSTEM, now=now)
    elif held.booking.hold_expires_at <= now:
        end_unpaid(held, BookingEvent.EXPIRE, actor=SYSTEM, now=now)
        tell_pay_time_over(order_ref=order_ref, now=now)


def _take_again(held: locked.LockedBooking, order_ref: str, now: datetime) -> None:
    """Confirm late money when nothing stands in the way; notice and horizon no longer count against the payer."""
    release_stale_holds(held.session.coach_id, held.session.blocked_from, held.session.blocked_until, now)
    held = replace(held, session=queries.lock_session(held.session.pk))
    session = held.session
    is_left = session.is_group and not session.seats_taken  # by everybody: its room and its messages are over
    others = queries.find_group(session.offer, session.starts_at, session.ends_at) if is_left else None
    is_free = session.called_off_at is None and queries.is_still_free(others or session, now=now)
    if not is_free or _has_another_seat(held.booking, others or session):
        _refund_unfulfillable(held, order_ref, now)
        return
    if is_left:
        held.booking.session = seats.session_at(session.offer, seats.Place.shifted(session, timedelta()), now=now)
        held = replace(held, session=held.booking.session)
    held.session.capacity = max(held.session.capacity, held.session.seats_taken + 1)
    held.session.save(update_fields=["capacity"])
    fulfil(held, actor=SYSTEM, now=now)


def _has_another_seat(booking: Booking, session: CoachingSession) -> bool:
    """Tell whether somebody who pays late has booked and paid this session again meanwhile."""
    same = Q(holder=booking.holder) | (Q(student=booking.student) if booking.student_id else Q(pk=None))
    seats_there = session.bookings.exclude(pk=booking.pk).exclude(status__in=(*UNPAID, *GONE))
    return seats_there.filter(same).exists()


def _refund_what_came_after(held: locked.LockedBooking, order_ref: str, closed_at: datetime, now: datetime) -> None:
    """Send back a payment that arrived when the booking was over and the one it stood on had gone back."""
    cause = RefundCause.NOT_FULFILLED
    if refund_in_full(order_ref=order_ref, cause=cause, actor=SYSTEM, now=now, paid_after=closed_at):
        follow_ups.plan_unfulfillable(held, now=now)


def _refund_unfulfillable(held: locked.LockedBooking, order_ref: str, now: datetime) -> None:
    refund_in_full(order_ref=order_ref, cause=RefundCause.NOT_FULFILLED, actor=SYSTEM, now=now)
    follow_ups.plan_unfulfillable(held, now=now)
