"""Why a time can or cannot be booked, for those who may know: the coach and the site's staff.

The engine decides and names the rule; what is added here are the names of the sessions in the way and the state of the
offer, which students are not told.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from greenroom.availability.engine import Busy, Interval, Reason, explain
from greenroom.bookings import listing, queries
from greenroom.bookings.models import CoachingSession
from greenroom.bookings.types import BookingStatus, SessionStatus, StateCode
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.types import OfferStatus
from greenroom.notifications import display
from greenroom.notifications.display import Viewer

_ONE_SECOND = timedelta(seconds=1)
_NEAREST = 3


@dataclass(frozen=True, slots=True)
class SlotReason:
    """One thing that refuses a time: a stable code, a sentence, the time in the way, and the session that takes it.

    The session comes with its bookings.
    """

    code: str
    sentence: str
    interval: Interval | None = None
    session: CoachingSession | None = None


@dataclass(frozen=True, slots=True)
class SlotAnswer:
    """Whether an offer can be booked at an instant: every reason against it, and the hours that would allow it.

    Sentences give wall-clock times of `tz`, the zone of the schedule. `nearest` are the bookable starts around it.
    """

    starts_at: datetime
    tz: str
    reasons: tuple[SlotReason, ...]
    openings: tuple[str, ...]
    nearest: tuple[datetime, ...]

    @property
    def is_offered(self) -> bool:
        """Tell whether students find this time in the list."""
        return not self.reasons


def explain_for_owner(duration: OfferDuration, starts_at: datetime, *, now: datetime) -> SlotAnswer:
    """Say whether an offer's length can be booked at an aware instant, by whom the time is taken, and what is near.

    The caller has made sure that the reader may know. Reads only; a fixed number of queries.
    Raises: ValueError for an instant in a year for which zone rules are not computed.
    """
    offer = duration.offer
    second = starts_at.replace(microsecond=0)
    wishes = [queries.Wish(offer, duration.length)]
    (query,) = queries.slot_queries(wishes, range_from=second, range_to=second + _ONE_SECOND, now=now)
    tz = query.schedule.tz
    first, last = second - offer.buffer_before, second + duration.length + offer.buffer_after
    there = queries.occupying([offer.coach_id], first, last, now).prefetch_related("bookings")
    sessions = {_busy_of(session, tz): session for session in there}
    explanation = explain(replace(query, taken=replace(query.taken, busy=tuple(sessions))), starts_at)
    found = tuple(
        SlotReason(reason.code.value, reason.sentence, reason.interval, _session_of(reason, sessions))
        for reason in explanation.reasons
    )
    return SlotAnswer(
        starts_at=starts_at,
        tz=tz,
        reasons=(*_states(offer), *found),
        openings=explanation.openings,
        nearest=_nearest(duration, starts_at, now),
    )


def _states(offer: Offer) -> Iterator[SlotReason]:
    """Name what keeps an offer from being booked at any time."""
    if offer.status != OfferStatus.PUBLISHED:
        yield SlotReason(StateCode.OFFER_NOT_PUBLISHED, f"“{offer.title}” is not published: it is {offer.status}.")
    if not offer.coach.is_public:
        yield SlotReason(StateCode.COACH_NOT_PUBLIC, "The coach's page is not public.")
    elif not offer.coach.is_accepting_students:
        yield SlotReason(StateCode.COACH_PAUSED, "The coach takes no new bookings at present.")


def _busy_of(session: CoachingSession, tz: str) -> Busy:
    return Busy(
        session.blocked_from,
        session.blocked_until,
        session=Interval(session.starts_at, session.ends_at),
        ref=_name_of(session, tz),
    )


def _name_of(session: CoachingSession, tz: str) -> str:
    names = ", ".join(one.contact_name for one in session.bookings.all() if one.contact_name)
    whose = f" for {names}" if names else ""
    if session.status != SessionStatus.HELD:
        return f"the session{' with ' + names if names else ''}"
    if session.held_until is not None:
        return f"a hold{whose} until {display.clock(session.held_until, Viewer(tz))}"
    is_asked = any(one.status == BookingStatus.PENDING_APPROVAL for one in session.bookings.all())
    return f"a booking{whose} that waits for {'approval' if is_asked else 'its payment'}"


def _session_of(reason: Reason, sessions: dict[Busy, CoachingSession]) -> CoachingSession | None:
    return sessions.get(reason.interval) if isinstance(reason.interval, Busy) else None


def _nearest(duration: OfferDuration, starts_at: datetime, now: datetime) -> tuple[datetime, ...]:
    offer = duration.offer
    if not queries.takes_bookings(offer):
        return ()
    around = listing.times_around(offer.coach.slug, offer.slug, duration.minutes, starts_at, now=now)
    return tuple(start for start in around.nearest(starts_at, now, _NEAREST + 1) if start != starts_at)[:_NEAREST]
