"""What may happen to a booking, as one table, and the decisions around it. Pure."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from greenroom.bookings.errors import IllegalTransitionError
from greenroom.bookings.types import BookingEvent, BookingStatus, MoveTerms, Party, SessionStatus
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError

HOLD_LASTS = timedelta(minutes=15)
OUTCOME_GRACE = timedelta(hours=12)
START_AT_MOST_EARLY = timedelta(minutes=30)
_ONE_HOUR = timedelta(hours=1)
NOT_ANY_MORE = "This session cannot be moved any more."
_NEVER_MOVED = "The time of this session is fixed."

_S, _E = BookingStatus, BookingEvent
TRANSITIONS: dict[tuple[BookingStatus, BookingEvent], BookingStatus] = {
    (_S.HELD, _E.START_PAYMENT): _S.PENDING_PAYMENT,
    (_S.PENDING_PAYMENT, _E.START_PAYMENT): _S.PENDING_PAYMENT,
    (_S.HELD, _E.CONFIRM): _S.CONFIRMED,
    (_S.PENDING_PAYMENT, _E.CONFIRM): _S.CONFIRMED,
    # Paid, and now the coach decides.
    (_S.HELD, _E.ASK): _S.PENDING_APPROVAL,
    (_S.PENDING_PAYMENT, _E.ASK): _S.PENDING_APPROVAL,
    (_S.PENDING_APPROVAL, _E.CONFIRM): _S.CONFIRMED,
    # Money that arrives after the hold ended takes the time again when it is still free (law 8).
    (_S.EXPIRED, _E.CONFIRM): _S.CONFIRMED,
    (_S.EXPIRED, _E.ASK): _S.PENDING_APPROVAL,
    (_S.CONFIRMED, _E.START): _S.IN_PROGRESS,
    (_S.CONFIRMED, _E.COMPLETE): _S.COMPLETED,
    (_S.IN_PROGRESS, _E.COMPLETE): _S.COMPLETED,
    (_S.CONFIRMED, _E.MARK_NO_SHOW): _S.NO_SHOW,
    (_S.IN_PROGRESS, _E.MARK_NO_SHOW): _S.NO_SHOW,
    # An outcome can be corrected (X10).
    (_S.COMPLETED, _E.MARK_NO_SHOW): _S.NO_SHOW,
    (_S.NO_SHOW, _E.MARK_NO_SHOW): _S.NO_SHOW,
    (_S.NO_SHOW, _E.COMPLETE): _S.COMPLETED,
    (_S.HELD, _E.CANCEL): _S.CANCELLED,
    (_S.PENDING_PAYMENT, _E.CANCEL): _S.CANCELLED,
    (_S.PENDING_APPROVAL, _E.CANCEL): _S.CANCELLED,
    (_S.CONFIRMED, _E.CANCEL): _S.CANCELLED,
    (_S.HELD, _E.EXPIRE): _S.EXPIRED,
    (_S.PENDING_PAYMENT, _E.EXPIRE): _S.EXPIRED,
}

# The coach owes the session: without the coach everything goes back, also when the student did not come either.
COACH_ABSENT = frozenset({Party.COACH, Party.BOTH})

# Which of its seats a session follows: the first of these that one of them has.
_SESSION_OF = {
    _S.IN_PROGRESS: SessionStatus.IN_PROGRESS,
    _S.CONFIRMED: SessionStatus.CONFIRMED,
    _S.COMPLETED: SessionStatus.COMPLETED,
    _S.NO_SHOW: SessionStatus.NO_SHOW,
    _S.PENDING_APPROVAL: SessionStatus.HELD,
    _S.PENDING_PAYMENT: SessionStatus.HELD,
    _S.HELD: SessionStatus.HELD,
    _S.CANCELLED: SessionStatus.CANCELLED,
    _S.EXPIRED: SessionStatus.EXPIRED,
}

# The words of the API's `legacy_status` (X9).
_LEGACY = {_S.CONFIRMED: "SCHEDULED"}

_A = ActorKind
_BUYERS = frozenset({_A.GUEST, _A.STUDENT})
_SELLERS = frozenset({_A.COACH, _A.ADMIN})
# Who may do what, denied by default. Whose booking it is, the queries decide: somebody else's is not found.
_ALLOWED: dict[str, frozenset[ActorKind]] = {
    "hold": _BUYERS | _SELLERS,
    "describe": _BUYERS | {_A.COACH},
    "extend": _BUYERS | {_A.COACH},
    "pay": _BUYERS | {_A.COACH},
    "release": _BUYERS | {_A.COACH, _A.SYSTEM},
    "move": _BUYERS,
    "propose": _SELLERS,
    "book_manually": _SELLERS,
    "cancel": _BUYERS | _SELLERS,
    "cancel_session": _SELLERS | {_A.SYSTEM},
    "start": _SELLERS,
    "complete": _SELLERS | {_A.SYSTEM},
    "mark_no_show": _SELLERS,
    "answer": _SELLERS,
}


def require(actor: Actor, verb: str) -> None:
    """Refuse an actor whose kind may not do `verb`. Raises: NotAllowedError."""
    if actor.kind not in _ALLOWED.get(verb, frozenset()):
        raise NotAllowedError


def next_status(status: str, event: BookingEvent) -> BookingStatus:
    """Return the status after `event`. Raises: IllegalTransitionError saying what the booking is."""
    following = TRANSITIONS.get((BookingStatus(status), event))
    if following is None:
        raise IllegalTransitionError(f"This booking is {status.replace('_', ' ')}, so that is not possible.")
    return following


def with_coach_absent(party: str) -> Party:
    """Return who did not come when it was `party` ("" for nobody) and, as is learned now, the coach."""
    return Party.BOTH if party in {Party.STUDENT, Party.BOTH} else Party.COACH


def session_status_of(seats: Collection[BookingStatus]) -> SessionStatus:
    """Return the status of a session with these seats; without any it is cancelled.

    What takes place comes before what is over, and both before what is not paid yet (a hold in a session that is over).
    """
    return next((session for seat, session in _SESSION_OF.items() if seat in seats), SessionStatus.CANCELLED)


def holder_digest(kind: str, value: str) -> str:
    """Return what stands on a hold for its holder: `kind` is user, cookie or email."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def legacy_status(status: str) -> str:
    """Return the older word for a status, in capitals."""
    return _LEGACY.get(BookingStatus(status), status.upper())


def move_refusal(*, status: str, starts_at: datetime, terms: MoveTerms, now: datetime) -> str:
    """Say why a student may not choose another time for a session, or "" when they may.

    A confirmed session that has not begun, moved less often than the offer allows, up to the deadline, inclusive; or
    one that the coach asks to move.
    """
    if not can_propose(status=status, starts_at=starts_at, now=now):
        return NOT_ANY_MORE
    if terms.is_asked:
        return ""
    if terms.limit is not None and terms.count >= terms.limit:
        times = "once" if terms.limit == 1 else f"{terms.limit} times"
        return f"This session was moved {times}, which is as often as it can be." if terms.limit else _NEVER_MOVED
    if now > starts_at - terms.notice:
        return f"This session could be moved until {terms.notice // _ONE_HOUR} hours before its start."
    return ""


def can_propose(*, status: str, starts_at: datetime, now: datetime) -> bool:
    """Tell whether the time of a session can still change, by its coach's wish or its student's."""
    return status == BookingStatus.CONFIRMED and now < starts_at


def can_cancel(*, status: str, starts_at: datetime, now: datetime) -> bool:
    """Tell whether a student may still cancel: something not yet over that has not begun."""
    return (BookingStatus(status), BookingEvent.CANCEL) in TRANSITIONS and now < starts_at
