"""The states of sessions and bookings, and what services are given and give back."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from greenroom.core.money import Money


class SessionStatus(StrEnum):
    """A block of a coach's time. Bookings that are not confirmed yet keep it `held`."""

    HELD = "held"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OCCUPYING = (
    SessionStatus.HELD,
    SessionStatus.CONFIRMED,
    SessionStatus.IN_PROGRESS,
    SessionStatus.COMPLETED,
    SessionStatus.NO_SHOW,
)
# A group in one of these states can be joined until it begins.
JOINABLE = (SessionStatus.HELD, SessionStatus.CONFIRMED, SessionStatus.IN_PROGRESS)
UPCOMING_SESSIONS = (SessionStatus.CONFIRMED, SessionStatus.IN_PROGRESS)


class BookingStatus(StrEnum):
    """One student's seat (X9)."""

    HELD = "held"
    PENDING_PAYMENT = "pending_payment"
    PENDING_APPROVAL = "pending_approval"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    EXPIRED = "expired"


class StateCode(StrEnum):
    """What keeps an offer from being booked at any time; beside the engine's codes about one time."""

    OFFER_NOT_PUBLISHED = "offer_not_published"
    COACH_NOT_PUBLIC = "coach_not_public"
    COACH_PAUSED = "coach_paused"


UNPAID = (BookingStatus.HELD, BookingStatus.PENDING_PAYMENT)
GONE = (BookingStatus.CANCELLED, BookingStatus.EXPIRED)
UPCOMING = (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)


class BookingEvent(StrEnum):
    """What can happen to a booking."""

    START_PAYMENT = "start_payment"
    ASK = "ask"
    CONFIRM = "confirm"
    START = "start"
    COMPLETE = "complete"
    MARK_NO_SHOW = "mark_no_show"
    CANCEL = "cancel"
    EXPIRE = "expire"


class Party(StrEnum):
    """Which side did something, or did not come."""

    STUDENT = "student"
    COACH = "coach"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Contact:
    """Who books: a snapshot that never touches an account. `tz` is the IANA zone the person saw."""

    name: str
    email: str
    tz: str


class ManualPayment(StrEnum):
    """How a client pays for what the coach booked: not at all, outside of this site, or by a link."""

    FREE = "free"
    ELSEWHERE = "elsewhere"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Intake:
    """What the person wrote when booking; `answers` hold the question's text beside the answer's."""

    goals: str = ""
    notes: str = ""
    answers: list[dict[str, str]] = field(default_factory=list)
    wants_reminders: bool = True


@dataclass(frozen=True, slots=True)
class MoveTerms:
    """How often a student moved a session, how often they may (None: always), and until how long before its start.

    While the coach asks for another time (`is_asked`) neither counts.
    """

    count: int
    limit: int | None
    notice: timedelta
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class PaymentStart:
    """What paying came to: a page to pay on, or none when nothing was to be paid."""

    status: BookingStatus
    pay_url: str | None


@dataclass(frozen=True, slots=True)
class CancelPreview:
    """What cancelling right now would give back."""

    is_allowed: bool
    refund: Money
    percent: int


@dataclass(frozen=True, slots=True)
class NoShowPreview:
    """What goes back, and to how many people, once it is said that the coach did not come.

    `already_back` went back to this one student before. While `waits_for_bank` the money moves after a dispute only.
    """

    back: Money
    people: int
    already_back: Money
    waits_for_bank: bool
