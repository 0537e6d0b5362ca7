"""Why a time can or cannot be booked, for those who may know: the coach and the site's staff.

The engine decides and names the rule; what is added here are the names of the sessions in the way and the state of the
offer, which students are not told. Of a stretch without any free time they learn which rule leaves none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from greenroom.availability.engine import Busy, Interval, Reason, Taken, explain, open_slots
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


class Nothing(StrEnum):
    """Why a stretch of time has no free start; safe to tell anybody."""

    BOOKED = "booked"
    NOTICE = "notice"
    HORIZON = "horizon"
    DATES = "dates"
    CLOSED = "closed"


def why_nothing(offer: Offer, *, length: timedelta, range_from: datetime, range_to: datetime, now: datetime) -> Nothing:
    """Return the first rule without which a stretch that has no free start would have one.

    Asked in this order: other sessions and limits, notice, horizon, the offer's dates; else there are no hours. The
    past is left out. The queries of `open_slots`, and the engine up to four times.
    """
    first = max(now, range_from)
    if first >= range_to:
        return Nothing.CLOSED
    wishes = [queries.Wish(offer, length)]
    (query,) = queries.slot_queries(wishes, range_from=first, range_to=range_to, now=now)
    relaxed = replace(query, taken=Taken(blackouts=query.taken.blackouts))
    relaxed = replace(relaxed, rules=replace(relaxed.rules, daily_limit=None, weekly_limit=None, monthly_limit=None))
    for reason, without in (
        (Nothing.BOOKED, {}),
        (Nothing.NOTICE, {"notice": timedelta()}),
        (Nothing.HORIZON, {"horizon": None}),
        (Nothing.DATES, {"first_day": None, "last_day": None}),
    ):
        relaxed = replace(relaxed, rules=replace(relaxed.rules, **without))
        if open_slots(relaxed):
            return reason
    return Nothing.CLOSED


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
    there = queries.occupying([offer.coach_id], first, last, now).prefetch_related(queries.live_seats())
    joinable = {(one.start, one.end): one for one in query.taken.joinable}
    sessions = {
        joinable.get((session.blocked_from, session.blocked_until)) or _busy_of(session, tz): session
        for session in there
    }
    busy = tuple(one for one in sessions if one not in query.taken.joinable)
    explanation = explain(replace(query, taken=replace(query.taken, busy=busy)), starts_at)
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
    if session.is_group:
        return f"a group session with {names}" if names else "a group session that people are booking"
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
