"""Writing an offer down: its own values, lengths, questions and cancellation policy, all at once."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count

from django.core.exceptions import ValidationError
from django.db.models import Max, Model
from django.utils.text import slugify

from greenroom.availability.models import Schedule
from greenroom.catalog.errors import OfferIncompleteError
from greenroom.catalog.models import IntakeQuestion, Offer, OfferDuration, RefundTierRow
from greenroom.catalog.services.access import own_offer, require
from greenroom.catalog.services.publishing import missing_for_publishing
from greenroom.catalog.services.terms import DurationTerms, OfferTerms, QuestionTerms, TierTerms, check_terms
from greenroom.catalog.types import DiscordRequirement, OfferKind, OfferStatus, QuestionKind, Venue
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.audit import AuditValue
from greenroom.core.errors import InvalidInputError
from greenroom.core.transactions import unit_of_work

_PLAIN = (
    "title", "summary", "description", "currency", "price_minor", "venue", "video_url", "place", "increment_minutes",
    "buffer_before_minutes", "buffer_after_minutes", "notice_minutes", "horizon_days",
    "first_day", "last_day", "daily_limit", "weekly_limit", "monthly_limit", "approval_hours",
    "moves_limit", "move_notice_hours", "capacity", "min_seats",
)  # fmt: skip
# Set by us, not by what somebody typed; checking them would cost a query a row.
_OWNERS = {"coach", "offer", "schedule", "topic"}
_LONGEST_SLUG = 60
_LONGEST_KEY = 40


def save_offer(*, coach: Coach, terms: OfferTerms, actor: Actor, now: datetime, offer_id: int | None = None) -> Offer:
    """Write an offer as its coach wants it; None makes a new draft. Returns the offer.

    A draft may be incomplete, a published offer may not become so. The address (slug) is made from the first title
    and stays. Lengths, questions and tiers are brought in line with the lists given: rows are added, changed and
    removed; an edited question keeps its key. Nothing that is booked or ordered changes: sessions, orders and answers
    are copies. Off Discord no link is required, whatever was asked.
    Locks the coach. A second call with an id changes nothing.
    Raises: InvalidInputError naming the field, OfferIncompleteError, NotFoundError, BusyError.
    """
    require(actor)
    check_terms(terms)
    with unit_of_work():
        lock_coach(coach.pk)
        offer = new_offer(coach, terms.title) if offer_id is None else own_offer(coach, offer_id, kind=OfferKind.CALL)
        before = {} if offer_id is None else _words(offer)
        _fill(offer, coach, terms)
        save_checked(offer)
        _write_durations(offer, terms.durations)
        _write_questions(offer, terms.questions)
        _write_tiers(offer, terms.refund_tiers)
        missing = missing_for_publishing(offer) if offer.status == OfferStatus.PUBLISHED else ()
        if missing:
            raise OfferIncompleteError(missing)
        after = _words(offer)
        if before != after:
            action = "offer.edit" if before else "offer.create"
            audit.record(actor=actor, action=action, target=offer, now=now, before=before, after=after)
    return offer


def new_offer(coach: Coach, title: str, kind: OfferKind = OfferKind.CALL) -> Offer:
    """Return an offer, not saved yet, with an address of its own and the last place; under the coach's lock."""
    last = Offer.objects.filter(coach=coach).aggregate(last=Max("position"))["last"]
    slug = _free_slug(coach, title)
    return Offer(coach=coach, kind=kind, slug=slug, position=0 if last is None else last + 1)


def _free_slug(coach: Coach, title: str) -> str:
    taken = set(Offer.objects.filter(coach=coach).values_list("slug", flat=True))
    return next(word for word in _spellings(slugify(title) or "offer", _LONGEST_SLUG) if word not in taken)


def _spellings(word: str, longest: int) -> Iterator[str]:
    """Yield a word, then the word with -2, -3 and so on, each within the column."""
    yield word[:longest]
    yield from (f"{word[: longest - len(str(number)) - 1]}-{number}" for number in count(2))


def _fill(offer: Offer, coach: Coach, terms: OfferTerms) -> None:
    for field in _PLAIN:
        setattr(offer, field, getattr(terms, field))
    is_on_discord = terms.venue == Venue.DISCORD
    offer.discord_requirement = terms.discord_requirement if is_on_discord else DiscordRequirement.NOT_REQUIRED
    offer.topic = _own_topic(offer, coach, terms.topic_id)
    offer.schedule = None
    if terms.schedule_id is not None:
        offer.schedule = Schedule.objects.filter(coach=coach, pk=terms.schedule_id).first()
        if offer.schedule is None:
            raise InvalidInputError("Choose one of your own schedules.", field="schedule")


def _own_topic(offer: Offer, coach: Coach, topic_id: int | None) -> Topic | None:
    """Return one of the coach's topics; what the offer is about already stays possible."""
    if topic_id is None or topic_id == offer.topic_id:
        return offer.topic if topic_id else None
    topic = coach.topics.filter(pk=topic_id).first()
    if topic is None:
        raise InvalidInputError("Choose one of your own topics.", field="topic")
    return topic


def save_checked(row: Model, *, field: str = "") -> None:
    """Save a row if its values fit its columns. Raises: InvalidInputError naming `field`, else the column."""
    try:
        row.clean_fields(exclude=_OWNERS)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidInputError(" ".join(messages), field=field or name) from error
    row.save()


def _write_durations(offer: Offer, wanted: Sequence[DurationTerms]) -> None:
    rows = {row.minutes: row for row in offer.durations.all()}
    offer.durations.exclude(minutes__in=[terms.minutes for terms in wanted]).delete()
    for position, terms in enumerate(wanted):
        row = rows.get(terms.minutes) or OfferDuration(offer=offer, minutes=terms.minutes)
        row.price_minor, row.position = terms.price_minor, position
        save_checked(row, field=f"durations.{position}")


def _write_questions(offer: Offer, wanted: Sequence[QuestionTerms]) -> None:
    rows = {row.key: row for row in offer.questions.all()}
    kept = [terms.key for terms in wanted if terms.key]
    offer.questions.exclude(key__in=kept).delete()
    taken = set(rows)
    for position, terms in enumerate(wanted):
        field = f"questions.{position}"
        if terms.key and (terms.key not in rows or kept.count(terms.key) > 1):
            raise InvalidInputError("This question is no longer there. Open the page again.", field=field)
        row = rows.get(terms.key) or IntakeQuestion(offer=offer, key=_free_key(terms.label, taken))
        taken.add(row.key)
        row.label, row.kind, row.is_required, row.position = terms.label, terms.kind, terms.is_required, position
        row.options = list(dict.fromkeys(terms.options)) if terms.kind == QuestionKind.CHOICE else []
        save_checked(row, field=field)


def _free_key(label: str, taken: set[str]) -> str:
    return next(word for word in _spellings(slugify(label) or "question", _LONGEST_KEY) if word not in taken)


def _write_tiers(offer: Offer, wanted: Sequence[TierTerms]) -> None:
    rows = {row.notice_hours: row for row in offer.refund_tiers.all()}
    offer.refund_tiers.exclude(notice_hours__in=[terms.notice_hours for terms in wanted]).delete()
    for position, terms in enumerate(wanted):
        row = rows.get(terms.notice_hours) or RefundTierRow(offer=offer, notice_hours=terms.notice_hours)
        row.percent = terms.percent
        save_checked(row, field=f"refund_tiers.{position}")


def _words(offer: Offer) -> dict[str, AuditValue]:
    """Return all of an offer as the audit log keeps it, its lists as text."""
    values: dict[str, AuditValue] = {
        field: getattr(offer, field) for field in (*_PLAIN, "schedule_id", "topic_id", "slug")
    }
    values |= {field: str(values[field] or "") for field in ("first_day", "last_day")}
    durations = offer.durations.values_list("minutes", "price_minor")
    questions = offer.questions.values_list("key", "label", "kind", "is_required", "options")
    tiers = offer.refund_tiers.values_list("notice_hours", "percent")
    return values | {
        "discord_requirement": offer.discord_requirement,
        "durations": "; ".join(f"{minutes} min {price}" for minutes, price in durations),
        "questions": "; ".join(" ".join(map(str, row)) for row in questions),
        "refund_tiers": "; ".join(f"{hours} h {percent} %" for hours, percent in tiers),
    }
