"""Agreeing on another time: the student asks for one, the coach proposes up to three, the student chooses."""

from collections.abc import Sequence
from datetime import UTC, datetime

from greenroom.bookings import rules
from greenroom.bookings.errors import IllegalTransitionError
from greenroom.bookings.models import Booking
from greenroom.bookings.services import follow_ups, locked, seats
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.errors import InvalidInputError
from greenroom.core.transactions import unit_of_work

MOST_TIMES = 3
LONGEST_NOTE = 300


def propose_times(*, booking: Booking, times: Sequence[datetime], note: str, actor: Actor, now: datetime) -> Booking:
    """Ask a student to choose between up to three other starts (aware), or to cancel with everything back.

    The session stays where it is until the student answers, and the times are not kept: a student who comes too late
    for one chooses another. They need not lie in the coach's hours, but no other session may stand there. Replaces
    what was proposed before; a second call with the same changes nothing. Locks coach, session, booking.
    Raises: InvalidInputError naming `times` or `times.N`, IllegalTransitionError when it can't be moved any more.
    """
    rules.require(actor, "propose")
    wanted = _checked(times, now)
    with unit_of_work():
        held = locked.lock(booking)
        mine = held.booking
        _require_ahead(held, now)
        for index, start in enumerate(wanted):
            _require_room(held, start, f"times.{index}", now)
        said, note = [start.isoformat() for start in sorted(wanted)], note.strip()
        if (mine.proposed_times, mine.proposal_note) == (said, note):
            return mine
        mine.proposed_times, mine.proposal_note, mine.move_request = said, note, ""
        mine.save(update_fields=["proposed_times", "proposal_note", "move_request"])
        audit.record(
            actor=actor, action="booking.propose", target=mine, now=now, after={"times": ", ".join(said)}, reason=note
        )
        follow_ups.plan_proposed(mine, until=held.session.starts_at, now=now)
    return mine


def request_move(*, booking: Booking, words: str, actor: Actor, now: datetime) -> Booking:
    """Ask the coach for another time, when the student may not choose one alone any more; the coach gets a mail.

    The session stays. A second call with the same words changes nothing. Locks coach, session, booking.
    Raises: InvalidInputError without words, IllegalTransitionError when it can't be moved any more.
    """
    rules.require(actor, "move")
    words = words.strip()
    if not words:
        raise InvalidInputError("Write why, and when you could.", field="words")
    with unit_of_work():
        held = locked.lock(booking)
        mine = held.booking
        _require_ahead(held, now)
        if mine.move_request == words:
            return mine
        mine.move_request = words
        mine.save(update_fields=["move_request"])
        audit.record(actor=actor, action="booking.request_move", target=mine, now=now, reason=words)
        follow_ups.plan_move_request(mine, until=held.session.starts_at, now=now)
    return mine


def withdraw_proposal(*, booking: Booking, actor: Actor, now: datetime) -> Booking:
    """Take back a proposal: the session stays where it is, by its usual rules. A second call changes nothing."""
    rules.require(actor, "propose")
    with unit_of_work():
        mine = locked.lock(booking).booking
        if not mine.proposed_times:
            return mine
        mine.proposed_times = []
        mine.save(update_fields=["proposed_times"])
        audit.record(actor=actor, action="booking.withdraw_proposal", target=mine, now=now)
    return mine


def _checked(times: Sequence[datetime], now: datetime) -> list[datetime]:
    if not 1 <= len(times) <= MOST_TIMES:
        raise InvalidInputError(f"Propose one to {MOST_TIMES} times.", field="times")
    wanted = [start.astimezone(UTC) for start in times]
    for index, start in enumerate(wanted):
        if start <= now:
            raise InvalidInputError("This time has passed.", field=f"times.{index}")
        if start in wanted[:index]:
            raise InvalidInputError("This time is there twice.", field=f"times.{index}")
    return wanted


def _require_ahead(held: locked.LockedBooking, now: datetime) -> None:
    if not rules.can_propose(status=held.booking.status, starts_at=held.session.starts_at, now=now):
        raise IllegalTransitionError(rules.NOT_ANY_MORE)


def _require_room(held: locked.LockedBooking, start: datetime, field: str, now: datetime) -> None:
    session = held.session
    if start == session.starts_at:
        raise InvalidInputError("This is when the session is now.", field=field)
    place = seats.Place.shifted(session, start - session.starts_at)
    if not seats.is_clear(session, place, now):
        raise InvalidInputError("Another session stands there, or too close to it.", field=field)
