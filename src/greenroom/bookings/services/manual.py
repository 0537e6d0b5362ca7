"""Manual bookings: a coach books a client in, free, paid elsewhere, or with a link to pay by."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from greenroom.bookings import queries, rules
from greenroom.bookings.errors import OverlapError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import follow_ups, locked, seats
from greenroom.bookings.services.confirming import fulfil
from greenroom.bookings.services.holds import order_of, plan_expiry, release_stale_holds
from greenroom.bookings.types import BookingStatus, Contact, ManualPayment
from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.models import OfferDuration
from greenroom.catalog.queries import price_of, usual_topic
from greenroom.catalog.rules import check_price
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.errors import InvalidInputError
from greenroom.core.ids import new_ref
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.orders.services import accept_order, create_order

_LONGEST_PAY_WITHIN = timedelta(days=30)
_BY_HAND = "written by the coach"
# What stands on the receipt beside a price of nothing.
_REMARKS = {ManualPayment.LINK: "", ManualPayment.FREE: "", ManualPayment.ELSEWHERE: ", paid elsewhere"}


@dataclass(frozen=True, slots=True)
class ManualBooking:
    """What a coach books for a client. `starts_at` is aware; price in minor units, and `pay_within`, count for a link.

    `overlap_reason` says why other sessions may stand in the way; empty: they may not.
    """

    duration: OfferDuration
    starts_at: datetime
    contact: Contact
    payment: ManualPayment
    price_minor: int = 0
    pay_within: timedelta = timedelta(days=2)
    overlap_reason: str = ""


def book_manually(new: ManualBooking, *, actor: Actor, now: datetime) -> Booking:
    """Book a client in at a time that the coach names. Hours, time off, notice, limits and approval are not asked.

    Free, or paid elsewhere, it is confirmed at once, and no money passes through this site. With a link the time is
    kept until `pay_within` is over, at the latest until the start, and confirmed once it is paid. A group at that very
    time is joined. Other sessions in the way refuse it, unless the coach said why two may be at once
    (`overlap_reason`): then it stands beside them, and the reason stays in the audit log. Locks the coach.
    Raises: OverlapError naming the sessions in the way, InvalidInputError naming the field, BusyError.
    """
    rules.require(actor, "book_manually")
    _check(new, now)
    offer = new.duration.offer
    place = seats.Place.of(offer, new.starts_at, new.duration.length)
    with unit_of_work():
        coach = lock_coach(offer.coach_id)
        release_stale_holds(offer.coach_id, place.blocked_from, place.blocked_until, now)
        blocking = _in_the_way(new, place, now)
        if blocking and not new.overlap_reason:
            raise OverlapError([one.pk for one in blocking])
        session = seats.session_at(offer, place, now=now, is_exclusive=not blocking)
        booking = _add(new, session, now)
        locked.follow(session, now)
        held = locked.LockedBooking(coach, session, booking)
        booking.order = create_order(order_of(session, booking, remark=_REMARKS[new.payment]), now=now)
        booking.save(update_fields=["order"])
        audit.record(
            actor=actor,
            action="booking.allow_overlap" if blocking else "booking.book_manually",
            target=booking,
            now=now,
            after={"payment": new.payment.value, "beside": ", ".join(one.ref for one in blocking)},
            reason=new.overlap_reason,
        )
        if new.payment is ManualPayment.LINK:
            plan_expiry(booking, now)
            follow_ups.plan_invited(booking, now=now)
        else:
            accept_order(booking.order, now=now)
            fulfil(held, actor=actor, now=now)
    return booking


def _check(new: ManualBooking, now: datetime) -> None:
    if new.starts_at <= now:
        raise InvalidInputError("This time has passed.", field="starts_at")
    if new.payment is not ManualPayment.LINK:
        return
    if new.price_minor <= 0:
        raise InvalidInputError("Write what the client pays, or choose free.", field="price")
    check_price(Money(new.price_minor, new.duration.offer.currency), field="price")
    if not timedelta() < new.pay_within <= _LONGEST_PAY_WITHIN:
        raise InvalidInputError("Give the client up to 30 days to pay.", field="pay_within")


def _in_the_way(new: ManualBooking, place: seats.Place, now: datetime) -> list[CoachingSession]:
    """Return what stands in the way; a group to join does not. Raises: InvalidInputError for one that is full."""
    offer = new.duration.offer
    group = queries.find_group(offer, place.starts_at, place.ends_at)
    if group is None:
        return list(queries.in_the_way(offer.coach_id, place.blocked_from, place.blocked_until, now))
    if group.seats_taken >= offer.capacity:
        message = "The group at this time is full. Give the offer more seats, or choose another time."
        raise InvalidInputError(message, field="starts_at")
    return []


def _add(new: ManualBooking, session: CoachingSession, now: datetime) -> Booking:
    offer, contact = new.duration.offer, new.contact
    is_link = new.payment is ManualPayment.LINK
    return Booking.objects.create(
        session=session,
        coach_id=offer.coach_id,
        status=BookingStatus.HELD,
        # Nobody's browser holds it: the client opens it by the link.
        holder=rules.holder_digest("manual", new_ref()),
        hold_expires_at=min(now + new.pay_within, new.starts_at) if is_link else now + rules.HOLD_LASTS,
        was_hold_extended=True,
        is_manual=True,
        price_minor=new.price_minor if is_link else 0,
        currency=offer.currency,
        price_reason=_reason(new) if is_link else "",
        topic=usual_topic(offer),
        moves_limit=offer.moves_limit,
        move_notice_hours=offer.move_notice_hours,
        contact_name=" ".join(contact.name.split()),
        contact_email=contact.email.lower(),
        contact_tz=contact.tz,
        created_at=now,
    )


def _reason(new: ManualBooking) -> str:
    """Say where the price of a link comes from: as the offer has it, or as its coach wrote it."""
    try:
        found = price_of(new.duration.offer, new.duration)
    except NoPriceError:
        return _BY_HAND
    return found.reason if found.amount.minor == new.price_minor else _BY_HAND
