"""Everything a coach says about an offer, as one value, and what is acceptable in it.

Whether the single values fit the columns is the model's to say; here are the rules between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from greenroom.catalog.rules import check_price
from greenroom.catalog.types import DiscordRequirement, QuestionKind, Venue
from greenroom.core.currencies import is_sold_in
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money

MOST_DURATIONS = 8
MOST_QUESTIONS = 20
MOST_TIERS = 6
MOST_OPTIONS = 20
LONGEST_OPTION = 100
LONGEST_DESCRIPTION = 4000
LONGEST_BUFFER_MINUTES = 24 * 60
LONGEST_NOTICE_MINUTES = 90 * 24 * 60
LONGEST_TIER_HOURS = 365 * 24
LONGEST_MOVE_NOTICE_HOURS = 30 * 24
SHORTEST_DECISION_MINUTES = 60
_FEWEST_OPTIONS = 2


@dataclass(frozen=True, slots=True)
class DurationTerms:
    """One length in minutes with its own price in minor units; 0 is free, None: the offer's price counts."""

    minutes: int
    price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class QuestionTerms:
    """One question; `key` is that of the question being edited, empty for a new one."""

    label: str
    kind: QuestionKind = QuestionKind.SHORT_TEXT
    is_required: bool = False
    options: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class TierTerms:
    """Cancelled at least so many hours before the start, `percent` goes back."""

    notice_hours: int
    percent: int


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """An offer as its coach wants it; the lists stand in the order in which they are shown.

    `price_minor` is for whatever has no price of its own.
    """

    title: str
    summary: str = ""
    description: str = ""
    currency: str = "EUR"
    price_minor: int | None = None
    venue: Venue = Venue.DISCORD
    video_url: str = ""
    place: str = ""
    discord_requirement: DiscordRequirement = DiscordRequirement.BEFORE_JOIN
    schedule_id: int | None = None
    topic_id: int | None = None
    increment_minutes: int = 30
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    notice_minutes: int = 0
    horizon_days: int = 60
    first_day: date | None = None
    last_day: date | None = None
    daily_limit: int | None = None
    weekly_limit: int | None = None
    monthly_limit: int | None = None
    approval_hours: int | None = None
    moves_limit: int | None = None
    move_notice_hours: int = 0
    capacity: int = 1
    min_seats: int = 1
    durations: tuple[DurationTerms, ...] = ()
    questions: tuple[QuestionTerms, ...] = ()
    refund_tiers: tuple[TierTerms, ...] = ()


@dataclass(frozen=True, slots=True)
class DownloadTerms:
    """A download as its coach wants it, without its files; `text` and `link` are for buyers alone."""

    title: str
    summary: str = ""
    description: str = ""
    currency: str = "EUR"
    price_minor: int = 0
    text: str = ""
    link: str = ""


def check_download(terms: DownloadTerms) -> None:
    """Refuse a download that is too long or can't be sold. Raises: InvalidInputError naming the field."""
    _check_currency(terms.currency)
    check_price(Money(terms.price_minor, terms.currency), field="price")
    for field in ("description", "text"):
        if len(getattr(terms, field)) > LONGEST_DESCRIPTION:
            raise InvalidInputError(f"Use at most {LONGEST_DESCRIPTION} characters.", field=field)


def check_terms(terms: OfferTerms) -> None:
    """Refuse terms that contradict themselves or go beyond what can be sold.

    Raises: InvalidInputError naming the field; that of a row as `questions.2`, counted from 0.
    """
    _check_currency(terms.currency)
    if terms.price_minor is not None:
        check_price(Money(terms.price_minor, terms.currency), field="price")
    _check_rules(terms)
    _check_limits(terms)
    _check_seats(terms)
    _check_durations(terms.durations, terms.currency)
    _check_questions(terms.questions)
    _check_tiers(terms.refund_tiers)


def _check_currency(currency: str) -> None:
    if not is_sold_in(currency):
        raise InvalidInputError("Use one of the currencies that can be paid in, such as EUR.", field="currency")


def _check_rules(terms: OfferTerms) -> None:
    if len(terms.description) > LONGEST_DESCRIPTION:
        raise InvalidInputError(f"Use at most {LONGEST_DESCRIPTION} characters.", field="description")
    if terms.venue == Venue.DISCORD and terms.discord_requirement == DiscordRequirement.NOT_REQUIRED:
        message = "The room is on Discord, so the student needs to connect it, at the latest before joining."
        raise InvalidInputError(message, field="discord_requirement")
    for field in ("buffer_before_minutes", "buffer_after_minutes"):
        if getattr(terms, field) > LONGEST_BUFFER_MINUTES:
            raise InvalidInputError("Use at most one day.", field=field)
    if terms.notice_minutes > LONGEST_NOTICE_MINUTES:
        raise InvalidInputError("Use at most 90 days.", field="notice_minutes")
    if terms.notice_minutes >= terms.horizon_days * 24 * 60:
        message = "With so much notice nothing could ever be booked. Let people book further ahead."
        raise InvalidInputError(message, field="horizon_days")


def _check_limits(terms: OfferTerms) -> None:
    if terms.first_day and terms.last_day and terms.last_day < terms.first_day:
        raise InvalidInputError("The last day is before the first one.", field="last_day")
    if terms.daily_limit and terms.weekly_limit and terms.weekly_limit < terms.daily_limit:
        raise InvalidInputError("A week can't have fewer sessions than one of its days.", field="weekly_limit")
    at_least = max(terms.daily_limit or 0, terms.weekly_limit or 0)
    if terms.monthly_limit and terms.monthly_limit < at_least:
        raise InvalidInputError("A month can't have fewer sessions than one of its weeks.", field="monthly_limit")
    if terms.move_notice_hours > LONGEST_MOVE_NOTICE_HOURS:
        raise InvalidInputError("Use at most 30 days.", field="move_notice_hours")


def _check_seats(terms: OfferTerms) -> None:
    if terms.min_seats > terms.capacity:
        raise InvalidInputError("It can't need more people than it has seats for.", field="min_seats")
    if terms.min_seats > 1 and terms.notice_minutes < SHORTEST_DECISION_MINUTES:
        message = (
            "Whether enough people come is decided when booking closes. Close it at least an hour before the start, "
            "so that everybody hears in time."
        )
        raise InvalidInputError(message, field="notice_minutes")


def _check_durations(durations: Sequence[DurationTerms], currency: str) -> None:
    _require_few(durations, MOST_DURATIONS, "durations")
    seen: set[int] = set()
    for index, duration in enumerate(durations):
        field = f"durations.{index}"
        if duration.minutes in seen:
            raise InvalidInputError(f"{duration.minutes} minutes is there twice.", field=field)
        if duration.price_minor is not None:
            check_price(Money(duration.price_minor, currency), field=field)
        seen.add(duration.minutes)


def _check_questions(questions: Sequence[QuestionTerms]) -> None:
    _require_few(questions, MOST_QUESTIONS, "questions")
    for index, question in enumerate(questions):
        field = f"questions.{index}"
        if question.kind != QuestionKind.CHOICE:
            continue
        if not _FEWEST_OPTIONS <= len(set(question.options)) <= MOST_OPTIONS:
            raise InvalidInputError(f"Give {_FEWEST_OPTIONS} to {MOST_OPTIONS} different choices.", field=field)
        if any(len(option) > LONGEST_OPTION for option in question.options):
            raise InvalidInputError(f"Keep each choice within {LONGEST_OPTION} characters.", field=field)


def _check_tiers(tiers: Sequence[TierTerms]) -> None:
    _require_few(tiers, MOST_TIERS, "refund_tiers")
    ordered = sorted(tiers, key=lambda tier: tier.notice_hours)
    if ordered and ordered[-1].notice_hours > LONGEST_TIER_HOURS:
        raise InvalidInputError("Use at most a year.", field=f"refund_tiers.{tiers.index(ordered[-1])}")
    for shorter, longer in pairwise(ordered):
        field = f"refund_tiers.{tiers.index(shorter)}"
        if shorter.notice_hours == longer.notice_hours:
            raise InvalidInputError(f"{shorter.notice_hours} hours is there twice.", field=field)
        if shorter.percent > longer.percent:
            raise InvalidInputError("Cancelling later can't give more back than cancelling earlier.", field=field)


def _require_few(rows: Sequence[object], most: int, field: str) -> None:
    if len(rows) > most:
        raise InvalidInputError(f"Use at most {most}.", field=field)
