"""Whether enough people booked a group session for it to take place."""

from datetime import datetime, timedelta

from greenroom.bookings import queries
from greenroom.bookings.models import CoachingSession
from greenroom.bookings.services.changes import call_off
from greenroom.bookings.types import GONE, UNPAID, BookingStatus
from greenroom.coaches.queries import lock_coach
from greenroom.core.actors import SYSTEM
from greenroom.core.transactions import unit_of_work

_LOOK_AGAIN = timedelta(minutes=2)
# A hold of 15 minutes, extended once, then a checkout of 32: after that nobody who had begun to book is still paying.
_PAYING_LASTS_AT_MOST = timedelta(minutes=65)


def decide_session(*, session: CoachingSession, now: datetime) -> datetime | None:
    """Cancel a group session that fewer people booked than it needs, with everything back to each of them.

    Decided when booking closes. Seats that are still being paid for, or wait for the coach, may make it enough: then
    it returns when to look again, for an hour and a bit and at the latest until just before it begins. A second call,
    and one for a session that has begun, change nothing; a move cancels the earlier row and plans its own.
    """
    with unit_of_work():
        lock_coach(session.coach_id)
        mine = queries.lock_session(session.pk)
        if mine.decide_at is None or not mine.decide_at <= now < mine.starts_at:
            return None
        seats = list(mine.bookings.exclude(status__in=GONE).values_list("status", flat=True))
        open_seats = [one for one in seats if one in {*UNPAID, BookingStatus.PENDING_APPROVAL}]
        booked = len(seats) - len(open_seats)
        if not seats or booked >= mine.min_seats:
            return None
        last_look = min(mine.decide_at + _PAYING_LASTS_AT_MOST, mine.starts_at - _LOOK_AGAIN)
        if len(seats) >= mine.min_seats and now < last_look:
            return min(now + _LOOK_AGAIN, last_look)
        words = f"Only {booked} of at least {mine.min_seats} people booked."
        call_off(mine, actor=SYSTEM, now=now, reason=words)
    return None
