"""The choices an offer makes."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

MAX_PRICE_MINOR = 10_000_000


class OfferKind(StrEnum):
    """What is sold: a call needs a time, everything else is bought at once. Further kinds have their place here."""

    CALL = "call"
    DOWNLOAD = "download"


class OfferStatus(StrEnum):
    """Whether visitors see and buy it. Archived offers keep their bookings."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Venue(StrEnum):
    """Where the session happens."""

    DISCORD = "discord"
    VIDEO = "video"
    IN_PERSON = "in_person"


class DiscordRequirement(StrEnum):
    """By when the student must have linked Discord (X7)."""

    BEFORE_BOOKING = "before_booking"
    BEFORE_PAYMENT = "before_payment"
    BEFORE_JOIN = "before_join"
    NOT_REQUIRED = "not_required"


class QuestionKind(StrEnum):
    """How an intake question is answered."""

    SHORT_TEXT = "short_text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    CHECKBOX = "checkbox"


class PriceSource(StrEnum):
    """Where a price comes from, the most exact first."""

    LENGTH = "length"
    OFFER = "offer"
    TOPIC_RATE = "topic_rate"
    HOURLY_RATE = "hourly_rate"


@dataclass(frozen=True, slots=True)
class RefundTier:
    """Cancelled at least `notice` before the start, `percent` of what was paid goes back."""

    notice: timedelta
    percent: int


class PolicyPreset(StrEnum):
    """A cancellation policy by its name; `own`: the coach's own rules."""

    FLEXIBLE = "flexible"
    DAY = "day"
    MODERATE = "moderate"
    STRICT = "strict"
    NONE = "none"
    OWN = "own"


DEFAULT_REFUND_TIERS = (RefundTier(timedelta(hours=24), 100),)
