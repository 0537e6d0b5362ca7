"""Finding a seat: in the group that stands at a time, or in a session of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from greenroom.accounts.models import User
from greenroom.bookings import queries
from greenroom.bookings.errors import AlreadyBookedError
from greenroom.bookings.models import CoachingSession
from greenroom.bookings.types import GONE, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.jobs import services as jobs


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a coach's time with the buffers around it; instants are aware UTC."""

    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime

    @classmethod
    def of(cls, offer: Offer, starts_at: datetime, length: timedelta) -> Self:
        """Return where a session of an offer stands, with the buffers that the offer has now."""
        ends_at = starts_at + length
        return cls(starts_at, ends_at, starts_at - offer.buffer_before, ends_at + offer.buffer_after)

    @classmethod
    def shifted(cls, session: CoachingSession, shift: timedelta) -> Self:
        """Return where a session would stand after a move; it keeps its buffers."""
        return cls(
            session.starts_at + shift,
            session.ends_at + shift,
            session.blocked_from + shift,
            session.blocked_until + shift,
        )


def session_at(offer: Offer, place: Place, *, now: datetime, is_exclusive: bool = True) -> CoachingSession:
    """Return the session in which a seat at `place` is to be taken: the group there, locked, or a new one.

    Under the coach's lock and after `require_open`, which made sure of a free seat. The caller adds the booking and
    lets the session follow it. What the offer says about seats and their minimum is frozen with the first of them. A
    new one that is not exclusive may overlap others.
    """
    group = queries.find_group(offer, place.starts_at, place.ends_at)
    if group is not None:
        group = queries.lock_session(group.pk)
        group.capacity = max(offer.capacity, group.seats_taken + 1)
        return group
    session = CoachingSession.objects.create(
        coach_id=offer.coach_id,
        offer=offer,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        blocked_from=place.blocked_from,
        blocked_until=place.blocked_until,
        status=SessionStatus.HELD,
        is_exclusive=is_exclusive,
        capacity=offer.capacity,
        min_seats=offer.min_seats,
        decide_at=_decides_at(offer, offer.min_seats, place, now),
        venue=offer.venue,
        created_at=now,
    )
    plan_decision(session, now=now)
    return session


def is_clear(session: CoachingSession, place: Place, now: datetime) -> bool:
    """Tell whether a seat of `session` could move to a place that its coach names: no other session in the way.

    A group there with a free seat is none in the way.
    """
    there = queries.in_the_way(session.coach_id, place.blocked_from, place.blocked_until, now, leaving=session)
    group = queries.find_group(session.offer, place.starts_at, place.ends_at) if session.is_group else None
    if group is not None and group.seats_taken < session.offer.capacity:
        there = there.exclude(pk=group.pk)
    return not there.exists()


def shift(session: CoachingSession, place: Place, *, now: datetime) -> None:
    """Move a whole session to another place, where nothing stands: it is exclusive again. Under the coach's lock."""
    session.is_exclusive = True
    jobs.cancel(keys=[_decision_key(session)], now=now)
    session.decide_at = _decides_at(session.offer, session.min_seats, place, now)
    session.starts_at, session.ends_at = place.starts_at, place.ends_at
    session.blocked_from, session.blocked_until = place.blocked_from, place.blocked_until
    session.sequence += 1
    session.save()
    plan_decision(session, now=now)


def plan_decision(session: CoachingSession, *, now: datetime) -> None:
    """Plan when it is decided whether enough people booked; nothing for a session about which nothing is decided."""
    if session.decide_at is not None:
        jobs.plan(
            kind="bookings.decide_session",
            key=_decision_key(session),
            due_at=session.decide_at,
            now=now,
            payload={"session_id": session.pk},
        )


def _decides_at(offer: Offer, min_seats: int, place: Place, now: datetime) -> datetime | None:
    """Return when booking closes, for a group that needs several people; never what has passed.

    A time inside the notice was named by the coach, who wants the session to be.
    """
    closes_at = place.starts_at - offer.notice
    return closes_at if min_seats > 1 and closes_at > now else None


def _decision_key(session: CoachingSession) -> str:
    return f"bookings.decide_session:{session.pk}:{session.sequence}"


def require_first_seat(session: CoachingSession, student: User | None) -> None:
    """Refuse an account's second seat in a group, most likely an accident.

    An address alone is not asked: the answer would tell anybody who else comes. Raises: AlreadyBookedError.
    """
    theirs = session.bookings.exclude(status__in=GONE).filter(student=student, cancelled_by="")
    if student is not None and theirs.exists():
        raise AlreadyBookedError
