"""Cancelling with another refund than the policy gives: what staff decide, with a reason."""

from datetime import datetime

from greenroom.bookings import rules
from greenroom.bookings.errors import IllegalTransitionError
from greenroom.bookings.models import Booking
from greenroom.bookings.services import follow_ups, locked
from greenroom.bookings.types import GONE, UNPAID, BookingEvent
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.payments import queries as payments
from greenroom.payments.errors import RefundChangedError
from greenroom.payments.services import Form, refund_as_seen


def cancel_with_refund(
    *, booking: Booking, amount: Money, seen_left: Money, form: Form, actor: Actor, now: datetime
) -> Booking:
    """Cancel a booking and give back exactly `amount`, whatever its policy says, both or nothing.

    `seen_left` is what was left when that was decided. The reason goes into the audit log and not to the student. The
    same form again changes nothing. Locks coach, session, booking, and the order's attempts.
    Raises: NotAllowedError, IllegalTransitionError, and the errors of `refund_by_staff`.
    """
    if actor.kind is not ActorKind.ADMIN:
        raise NotAllowedError
    with unit_of_work():
        held = locked.lock(booking)
        mine = held.booking
        if mine.status in GONE and mine.order is not None and payments.was_asked_with(mine.order.ref, form.token):
            return mine
        if mine.order is None or mine.status in UNPAID:
            raise IllegalTransitionError("Nothing was paid for this booking yet: cancel it, or let it end.")
        rules.next_status(mine.status, BookingEvent.CANCEL)
        order_ref = mine.order.ref
        if amount.minor:
            refund_as_seen(order_ref=order_ref, amount=amount, seen_left=seen_left, form=form, actor=actor, now=now)
        elif payments.refundable_of_order(order_ref, currency=amount.currency) != seen_left:
            raise RefundChangedError
        mine.cancelled_by, mine.refund_minor, mine.proposed_times, mine.move_request = actor.kind, amount.minor, [], ""
        locked.apply(held, BookingEvent.CANCEL, actor=actor, now=now, note=form.reason)
        follow_ups.plan_cancelled(held, now=now)
    return held.booking
