"""Holding a time, saying who one is, and letting go."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError

from greenroom.accounts.models import DiscordIdentity, User
from greenroom.availability.engine import ReasonCode
from greenroom.bookings import listing, queries, rules
from greenroom.bookings.errors import (
    AlreadyExtendedError,
    HoldEndedError,
    IllegalTransitionError,
    OfferNotBookableError,
    SlotNotOfferedError,
    SlotTakenError,
)
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import follow_ups, locked, seats
from greenroom.bookings.types import GONE, UNPAID, BookingEvent, BookingStatus, Contact, Intake
from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.queries import get_public_offer, price_of, refund_tiers, usual_topic
from greenroom.catalog.rules import Price
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.constraints import violates
from greenroom.core.errors import NotAllowedError
from greenroom.core.transactions import unit_of_work
from greenroom.jobs.services import plan
from greenroom.orders.services import create_order, update_contact
from greenroom.orders.types import LineKind, NewLine, NewOrder
from greenroom.payments.queries import is_under_way
from greenroom.payments.services import request_close

ALTERNATIVES = 3
_LONGEST_KEY, _LONGEST_DRAFT = 60, 2000
_NO_OVERLAP = "sessions_no_overlap_per_coach"
_UNPAID_OR_GONE = {*UNPAID, *GONE}
_IN_THE_WAY = {
    ReasonCode.BUSY,
    ReasonCode.BUFFER,
    ReasonCode.DAILY_LIMIT,
    ReasonCode.WEEKLY_LIMIT,
    ReasonCode.MONTHLY_LIMIT,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to book: which length of an offer, from when (aware), and about what.

    The topic is one of `catalog.queries.topics_of`; None is what is usual.
    """

    offer: Offer
    duration: OfferDuration
    starts_at: datetime
    topic: Topic | None = None

    @property
    def about(self) -> Topic | None:
        """What the session will be about, as far as its price depends on it."""
        return self.offer.topic or self.topic or usual_topic(self.offer)


def refuse_early(
    *,
    coach: str,
    offer: str,
    minutes: int | None,
    starts_at: datetime,
    holder: str,
    now: datetime,
    is_proven: bool = True,
) -> None:
    """Turn away who asks for a time that cannot be had, before anything is loaded or locked for them.

    Coach and offer by slug; `minutes` None is the offer's first length. Two queries for who comes too late, where
    `hold_slot` alone would let them wait for the coach's lock. Who keeps a hold with this coach is left to it: their
    own hold, which would move or be returned, may be all that is in the way.
    Raises: as `hold_slot`, NotFoundError, and InvalidInputError naming `duration`.
    """
    around = listing.times_around(coach, offer, minutes, starts_at, now=now)
    if around.is_bookable(starts_at, now):
        return
    mine = Booking.objects.filter(coach__slug=coach, holder=holder, status__in=UNPAID)
    if not is_proven:
        mine = mine.exclude(session__starts_at=starts_at)
    if mine.exists():
        return
    if around.is_taken(starts_at, now):
        raise SlotTakenError(around.nearest(starts_at, now, ALTERNATIVES))
    found = get_public_offer(coach, offer)
    _require_bookable(found, found.coach, None)
    require_open(found, length=around.length, starts_at=starts_at, now=now)


def hold_slot(
    *,
    wanted: Wanted,
    holder: str,
    student: User | None,
    actor: Actor,
    now: datetime,
    is_proven: bool = True,
) -> Booking:
    """Keep a time for fifteen minutes so that its holder can give details and pay.

    The price, and where it comes from, stay as they are now. Locks the coach. The holder's earlier hold with this coach
    moves here: it is let go in the same transaction, unless a payment of it is under way. Calling again with the same
    time and topic returns the live booking unchanged. Somebody who only named an address (`is_proven` false) is never
    given a booking that is there, nor ends one that is being paid. A group at that very time is joined.
    Raises: SlotTakenError with the nearest alternatives, SlotNotOfferedError saying why, OfferNotBookableError,
    AlreadyBookedError, NotAllowedError for a coach who books herself, BusyError.
    """
    rules.require(actor, "hold")
    offer, duration, starts_at = wanted.offer, wanted.duration, wanted.starts_at
    _require_bookable(offer, offer.coach, student)
    try:
        with slot_guard(), unit_of_work():
            _require_bookable(offer, lock_coach(offer.coach_id), student)
            kept = _keep(wanted, holder, actor, now, is_proven=is_proven)
            return kept or _hold(wanted, holder, student, actor, now)
    except SlotTakenError as error:
        around = listing.times_around(offer.coach.slug, offer.slug, duration.minutes, starts_at, now=now)
        raise SlotTakenError(around.nearest(starts_at, now, ALTERNATIVES)) from error


def _keep(wanted: Wanted, holder: str, actor: Actor, now: datetime, *, is_proven: bool) -> Booking | None:
    """Return the holder's live booking of this very time, or None; every other one that they did not pay is let go."""
    reached = UNPAID if is_proven else {BookingStatus.HELD}
    earlier = Booking.objects.filter(coach_id=wanted.offer.coach_id, holder=holder, status__in=reached)
    kept = None
    for booking in earlier.select_related("session", "topic", "order"):
        session, is_live = booking.session, booking.hold_expires_at > now and not booking.cancelled_by
        is_same = _is_same(booking, wanted, is_proven=is_proven)
        # In a group others get a seat all the same: a refusal would tell whose address has one.
        if is_same and is_live and (is_proven or not session.is_group):
            kept = booking
        elif booking.order is None or not is_under_way(booking.order.ref):
            let_go(locked.lock(booking), BookingEvent.CANCEL, actor=actor, now=now, reason="Another time was chosen.")
    if kept and not is_proven:
        raise SlotTakenError
    return kept


def _is_same(booking: Booking, wanted: Wanted, *, is_proven: bool) -> bool:
    """Tell whether a booking is the one that is wanted; once it is being paid, whatever its topic and so its price.

    Somebody who only named an address cannot take the time of that address by naming another topic either.
    """
    session, ends_at = booking.session, wanted.starts_at + wanted.duration.length
    is_settled = not is_proven or booking.status != BookingStatus.HELD or booking.topic == wanted.about
    there = (session.offer_id, session.starts_at, session.ends_at)
    return there == (wanted.offer.pk, wanted.starts_at, ends_at) and is_settled


def _hold(wanted: Wanted, holder: str, student: User | None, actor: Actor, now: datetime) -> Booking:
    offer, length = wanted.offer, wanted.duration.length
    place = seats.Place.of(offer, wanted.starts_at, length)
    release_stale_holds(offer.coach_id, place.blocked_from, place.blocked_until, now)
    require_open(offer, length=length, starts_at=wanted.starts_at, now=now)
    expires_at = now + rules.HOLD_LASTS
    session = seats.session_at(offer, place, now=now)
    seats.require_first_seat(session, student)
    price = _price_now(wanted)
    booking = Booking.objects.create(
        session=session,
        coach_id=offer.coach_id,
        student=student,
        status=BookingStatus.HELD,
        holder=holder,
        hold_expires_at=expires_at,
        price_minor=price.amount.minor,
        currency=offer.currency,
        price_reason=price.reason,
        topic=wanted.about,
        approval_hours=offer.approval_hours,
        moves_limit=offer.moves_limit,
        move_notice_hours=offer.move_notice_hours,
        created_at=now,
    )
    locked.follow(session, now)
    plan_expiry(booking, now)
    audit.record(actor=actor, action="booking.hold", target=booking, now=now, after={"status": booking.status})
    return booking


def _price_now(wanted: Wanted) -> Price:
    try:
        return price_of(wanted.offer, wanted.duration, wanted.topic)
    except NoPriceError as error:
        raise OfferNotBookableError from error


def _require_bookable(offer: Offer, coach: Coach, student: User | None) -> None:
    if not coach.is_bookable or not queries.takes_bookings(offer):
        raise OfferNotBookableError
    if student is not None and student.pk == coach.user_id:
        raise NotAllowedError("You cannot book a session with yourself.")


def require_open(
    offer: Offer,
    *,
    length: timedelta,
    starts_at: datetime,
    now: datetime,
    moving: CoachingSession | None = None,
) -> None:
    """Refuse a start that `open_slots` does not list; under the coach's lock the answer stays true.

    Raises: SlotTakenError when only other sessions are in the way, else SlotNotOfferedError.
    """
    explanation = queries.explain_slot(offer, length=length, starts_at=starts_at, now=now, moving=moving)
    if explanation.is_open:
        return
    if {reason.code for reason in explanation.reasons} <= _IN_THE_WAY:
        raise SlotTakenError
    first = next(reason for reason in explanation.reasons if reason.code not in _IN_THE_WAY)
    raise SlotNotOfferedError(f"This time is not offered: {first.sentence}")


@contextmanager
def slot_guard() -> Iterator[None]:
    """Translate the database's refusal of an overlap; around the transaction, which it has broken.

    Raises: SlotTakenError.
    """
    try:
        yield
    except IntegrityError as error:
        if violates(error, _NO_OVERLAP):
            raise SlotTakenError from error
        raise


def release_stale_holds(coach_id: int, first: datetime, last: datetime, now: datetime) -> None:
    """Expire the holds past their time that still stand in [first, last): law 8. Under the coach's lock."""
    stale = Booking.objects.filter(
        session__blocked_from__lt=last,
        session__blocked_until__gt=first,
        coach_id=coach_id,
        status=BookingStatus.HELD,
        hold_expires_at__lte=now,
    )
    for booking in stale:
        end_unpaid(locked.lock(booking), BookingEvent.EXPIRE, actor=SYSTEM, now=now)


def plan_expiry(booking: Booking, now: datetime) -> None:
    """Plan the end of a hold, at the time it has now."""
    plan(
        kind="bookings.expire_hold",
        key=f"bookings.expire_hold:{booking.pk}",
        due_at=booking.hold_expires_at,
        now=now,
        payload={"booking_id": booking.pk},
    )


def extend_hold(*, booking: Booking, actor: Actor, now: datetime) -> Booking:
    """Keep the time for fifteen more minutes from now; once.

    Raises: HoldEndedError, AlreadyExtendedError.
    """
    rules.require(actor, "extend")
    with unit_of_work():
        held = locked.lock(booking)
        _require_live_hold(held.booking, now)
        if held.booking.was_hold_extended:
            raise AlreadyExtendedError
        held.booking.was_hold_extended = True
        held.booking.hold_expires_at = now + rules.HOLD_LASTS
        held.booking.save(update_fields=["was_hold_extended", "hold_expires_at"])
        locked.follow(held.session, now)
        plan_expiry(held.booking, now)
        audit.record(actor=actor, action="booking.extend_hold", target=held.booking, now=now)
    return held.booking


def submit_details(
    *, booking: Booking, contact: Contact, intake: Intake, student: User | None, actor: Actor, now: datetime
) -> Booking:
    """Write down who books and what they said, and freeze the order: lines, total and policy.

    The price is the one at which the time was held. A second call corrects the details; the order stays.
    Raises: HoldEndedError.
    """
    rules.require(actor, "describe")
    with unit_of_work():
        held = locked.lock(booking)
        _require_live_hold(held.booking, now)
        mine = held.booking
        # A line break in a name would begin a line of its own in mails and calendar entries.
        mine.contact_name = " ".join(contact.name.split())
        mine.contact_email, mine.contact_tz = contact.email.lower(), contact.tz
        mine.goals, mine.notes, mine.answers = intake.goals, intake.notes, intake.answers
        mine.wants_reminders = intake.wants_reminders
        mine.student = student
        if mine.order is None:
            mine.order = create_order(order_of(held.session, mine), now=now)
        else:
            update_contact(mine.order, name=mine.contact_name, email=mine.contact_email)
        mine.save()
        audit.record(actor=actor, action="booking.details", target=mine, now=now)
    return mine


def order_of(session: CoachingSession, booking: Booking, *, remark: str = "") -> NewOrder:
    """Return the order of one seat: its price as it was held, and the policy that its offer has now."""
    offer = session.offer
    minutes = (session.ends_at - session.starts_at) // timedelta(minutes=1)
    line = NewLine(
        LineKind.CALL, f"{offer.title}, {minutes} minutes{remark}", booking.price, offer.pk, booking.price_reason
    )
    return NewOrder(
        coach_id=offer.coach_id,
        name=booking.contact_name,
        email=booking.contact_email,
        currency=booking.currency,
        lines=(line,),
        refund_tiers=refund_tiers(offer),
    )


def _require_live_hold(booking: Booking, now: datetime) -> None:
    if booking.status != BookingStatus.HELD or booking.hold_expires_at <= now:
        raise HoldEndedError


def release_hold(*, booking: Booking, actor: Actor, now: datetime) -> Booking:
    """Let an unpaid time go. While a payment is under way it is freed once the gateway said that it is dead.

    A second call does nothing. Raises: IllegalTransitionError when the booking is paid.
    """
    rules.require(actor, "release")
    with unit_of_work():
        held = locked.lock(booking)
        if held.booking.status not in _UNPAID_OR_GONE:
            raise IllegalTransitionError("This booking is paid: cancel it instead.")
        let_go(held, BookingEvent.CANCEL, actor=actor, now=now)
    return held.booking


def expire_hold(*, booking: Booking, now: datetime) -> datetime | None:
    """End a hold whose time is over; returns when to look again if it is not over yet.

    With a live payment attempt the gateway is asked to close it first (law 8); settling then ends the hold.
    """
    with unit_of_work():
        held = locked.lock(booking)
        if held.booking.status not in UNPAID:
            return None
        if held.booking.hold_expires_at > now:
            return held.booking.hold_expires_at
        let_go(held, BookingEvent.EXPIRE, actor=SYSTEM, now=now)
    return None


def let_go(held: locked.LockedBooking, event: BookingEvent, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Free an unpaid time, at once or, while a payment attempt lives, once the gateway said that it is dead."""
    booking = held.booking
    if not booking.is_live:
        return
    # Whoever called it off first: a student's letting go does not make a coach's cancellation their own.
    if event is BookingEvent.CANCEL and not booking.cancelled_by:
        booking.cancelled_by = actor.kind
        booking.save(update_fields=["cancelled_by"])
    if booking.order is not None and request_close(order_ref=booking.order.ref, now=now):
        return
    end_unpaid(held, event, actor=actor, now=now, reason=reason)


def end_unpaid(
    held: locked.LockedBooking, event: BookingEvent, *, actor: Actor, now: datetime, reason: str = ""
) -> None:
    """End an unpaid seat; the last one of a group of which the coach was told takes it out of the coach's calendar."""
    locked.apply(held, event, actor=actor, now=now, reason=reason)
    session = held.session
    if session.is_group and session.was_confirmed and not session.seats_taken and session.called_off_at is None:
        follow_ups.plan_session_off(session, now=now)


def keep_draft(*, booking: Booking, draft: Mapping[str, str], now: datetime) -> None:
    """Keep what was typed into the details form while its writer is away linking Discord; checked only when sent.

    Does nothing once the hold is over or its details are in.
    """
    with unit_of_work():
        held = locked.lock(booking)
        if held.booking.status == BookingStatus.HELD and held.booking.hold_expires_at > now:
            held.booking.draft = {key[:_LONGEST_KEY]: text[:_LONGEST_DRAFT] for key, text in draft.items()}
            held.booking.save(update_fields=["draft"])


def attach_discord(*, booking: Booking, identity: DiscordIdentity, now: datetime) -> None:
    """Let the holder of a booking use a Discord account they proved to own; an open room lets them in at once.

    Accounts never merge: who owns the identity does not change. A second call changes nothing.
    """
    with unit_of_work():
        held = locked.lock(booking)
        if held.booking.discord_identity_id == identity.pk:
            return
        held.booking.discord_identity = identity
        held.booking.save(update_fields=["discord_identity"])
        audit.record(actor=SYSTEM, action="booking.attach_discord", target=held.booking, now=now)
        if held.booking.confirmed_at is not None:
            follow_ups.plan_room(held.session, now=now)
