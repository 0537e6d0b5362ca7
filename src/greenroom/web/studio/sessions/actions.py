"""What a coach may do with a booking right now: the same answers that the services give. Pure."""

from dataclasses import dataclass
from datetime import datetime

from greenroom.bookings import rules
from greenroom.bookings.types import UNPAID, BookingEvent, BookingStatus


@dataclass(frozen=True, slots=True)
class Actions:
    """Which buttons a session's page shows."""

    can_start: bool
    can_complete: bool
    can_mark_no_show: bool
    can_cancel: bool


def actions_for(
    *, status: str, starts_at: datetime, ends_at: datetime, now: datetime, is_manual: bool = False
) -> Actions:
    """Decide from the table and the clock.

    A student's unpaid hold is not the coach's to end; one that the coach made (`is_manual`) is. Requests want an
    answer.
    """
    has_begun = now >= starts_at
    is_undecided = status == BookingStatus.PENDING_APPROVAL or (status in UNPAID and not is_manual)
    return Actions(
        can_start=_leads_on(status, BookingEvent.START) and now >= starts_at - rules.START_AT_MOST_EARLY,
        can_complete=_leads_on(status, BookingEvent.COMPLETE) and has_begun,
        can_mark_no_show=_leads_on(status, BookingEvent.MARK_NO_SHOW) and has_begun,
        can_cancel=_leads_on(status, BookingEvent.CANCEL) and not is_undecided and now < ends_at,
    )


def _leads_on(status: str, event: BookingEvent) -> bool:
    return (BookingStatus(status), event) in rules.TRANSITIONS
