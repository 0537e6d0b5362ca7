"""Public data: coaches, their offers, their free times."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import re_accepts_gzip
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from ninja import Query, Router

from greenroom.api import callers, schemas
from greenroom.api.inputs import Word
from greenroom.availability.engine import group_by_day
from greenroom.bookings.explaining import explain_for_owner
from greenroom.bookings.listing import Asked, FreeTimes, free_times
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.queries import (
    find_duration,
    get_offer,
    offers_to_buy,
    price_of,
    price_to_buy,
    priced,
    public_offers,
    topics_of,
)
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import get_public_coach
from greenroom.core import clock
from greenroom.core.errors import InvalidInputError, NotFoundError
from greenroom.core.instants import iso
from greenroom.directory.queries import find_cards
from greenroom.directory.types import Card, Search

router = Router(tags=["coaches"])
LONGEST_RANGE = timedelta(days=62)
_ONE_DAY = timedelta(days=1)
_ON_A_PAGE = 12
# A month is about 60 kB, and 4 kB packed.
_MOST_ANSWERS = 128


@router.get("coaches", response=schemas.CoachPageOut, url_name="coaches")
def list_coaches(request: HttpRequest, asked: Query[schemas.SearchIn]) -> dict[str, object]:
    """The directory: coaches with their next free time, or with `free_*` the first one then."""
    search = Search(
        words=asked.q,
        topic=asked.topic,
        max_price=asked.max_price,
        min_rating=asked.min_rating,
        experience=asked.experience,
        free_from=_instant(asked.free_from, asked.tz),
        free_until=_instant(asked.free_until, asked.tz, is_end=True),
    )
    if search.free_from and search.free_until and search.free_until <= search.free_from:
        raise InvalidInputError("Use a time that is not before `free_from`.", field="free_until")
    found = find_cards(search, page=asked.page, size=_ON_A_PAGE, now=clock.now())
    return {"items": [_card_data(card) for card in found.cards], "count": found.count, "page": asked.page}


@router.get("coaches/{coach}", response=schemas.CoachOut, url_name="coach")
def get_coach(request: HttpRequest, coach: Word) -> dict[str, object]:
    """A coach's public data."""
    return coach_data(get_public_coach(coach))


@router.get("coaches/{coach}/offers", response=schemas.OfferPageOut, url_name="offers")
def list_offers(request: HttpRequest, coach: Word) -> dict[str, object]:
    """What a coach sells."""
    found = get_public_coach(coach)
    offers = public_offers().filter(coach=found).prefetch_related("questions")
    items = [_offer_data(offer) for offer in priced(offers)]
    items += [_product_data(offer) for offer in offers_to_buy().filter(coach=found)]
    return {"items": items, "count": len(items), "page": 1}


@router.get("coaches/{coach}/offers/{offer}/slots", response=schemas.SlotsOut, url_name="slots")
def list_slots(request: HttpRequest, coach: Word, offer: Word, asked: Query[schemas.SlotsIn]) -> HttpResponse:
    """The bookable starts from `from` to `to`, both included, as dates in `tz`; at most 62 days at once."""
    if asked.last < asked.first:
        raise InvalidInputError("Use a date that is not before `from`.", field="to")
    if asked.last - asked.first >= LONGEST_RANGE:
        raise InvalidInputError(f"Ask for at most {LONGEST_RANGE.days} days at once.", field="to")
    wanted = Asked(
        coach_slug=coach,
        offer_slug=offer,
        minutes=asked.duration,
        range_from=local_midnight(asked.first, asked.tz),
        range_to=local_midnight(asked.last + _ONE_DAY, asked.tz),
    )
    now = clock.now()
    found = free_times(wanted, now=now)
    first, end = found.bookable(now)
    response = HttpResponse(_days_json(found, asked.tz, first, end), content_type="application/json")
    if re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")):
        # Kept, so that a month is packed once and not for each reader; nothing in it is secret.
        response.content = _packed_days_json(found, asked.tz, first, end)
        response.headers["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@router.get("coaches/{coach}/offers/{offer}/explain", response=schemas.ExplanationOut, url_name="explain")
def explain_slot(
    request: HttpRequest, coach: Word, offer: Word, asked: Query[schemas.ExplainIn]
) -> schemas.ExplanationOut:
    """Why a time can or cannot be booked, rule by rule; for the coach and the site's staff, signed in."""
    user = callers.find_user(request)
    if user is None:
        raise NotFoundError("There is no such offer.")
    duration = find_duration(get_offer(coach, offer, for_user=user), asked.duration)
    answer = explain_for_owner(duration, asked.at, now=clock.now())
    return schemas.ExplanationOut(
        starts_at=iso(answer.starts_at),
        tz=answer.tz,
        is_offered=answer.is_offered,
        reasons=[
            schemas.ReasonOut(
                code=reason.code,
                sentence=reason.sentence,
                starts_at=iso(reason.interval.start) if reason.interval else None,
                ends_at=iso(reason.interval.end) if reason.interval else None,
                session=reason.session.ref if reason.session else None,
            )
            for reason in answer.reasons
        ],
        openings=list(answer.openings),
        nearest=[iso(start) for start in answer.nearest],
    )


def _instant(moment: date | datetime | None, tz: str, *, is_end: bool = False) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return local_midnight(moment + _ONE_DAY if is_end else moment, tz)


def local_midnight(day: date, tz: str) -> datetime:
    """Return the instant at which a date begins in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(UTC)


@lru_cache(maxsize=_MOST_ANSWERS)
def _days_json(found: FreeTimes, tz: str, first: int, end: int) -> bytes:
    """Write the slots from `first` up to `end` by their date in `tz`; kept while nothing changes and none runs out."""
    days = [
        f'{{"date": "{day:%Y-%m-%d}", "slots": [{", ".join(_slot_json(found, start) for start in starts)}]}}'
        for day, starts in group_by_day(found.starts[first:end], tz).items()
    ]
    return f'{{"tz": {json.dumps(tz)}, "days": [{", ".join(days)}]}}'.encode()


@lru_cache(maxsize=_MOST_ANSWERS)
def _packed_days_json(found: FreeTimes, tz: str, first: int, end: int) -> bytes:
    return gzip.compress(_days_json(found, tz, first, end), mtime=0)


def _slot_json(found: FreeTimes, start: datetime) -> str:
    times = f'"starts_at": "{iso(start)}", "ends_at": "{iso(start + found.length)}"'
    return f'{{{times}, "seats_left": {found.seats_at(start)}}}'


def coach_data(coach: Coach) -> dict[str, object]:
    """Return what visitors may know of a coach."""
    return {
        "slug": coach.slug,
        "name": coach.display_name,
        "headline": coach.headline,
        "bio": coach.bio,
        "topics": [topic.name for topic in coach.topics.all()],
        "languages": coach.languages,
        "is_verified": coach.is_verified,
    }


def _card_data(card: Card) -> dict[str, object]:
    price, following = card.price_from, card.next_slot
    return coach_data(card.coach) | {
        "price_from_minor": price.minor if price else None,
        "currency": price.currency if price else None,
        "next_slot": {"starts_at": iso(following.starts_at), "offer": following.offer.slug} if following else None,
    }


def _product_data(offer: Offer) -> dict[str, object]:
    return {
        "kind": offer.kind,
        "slug": offer.slug,
        "title": offer.title,
        "summary": offer.summary,
        "description": offer.description,
        "venue": "",
        "discord": offer.discord_requirement,
        "currency": offer.currency,
        "topic": "",
        "price_minor": price_to_buy(offer).minor,
        "buy_url": f"{settings.BASE_URL}{reverse('offer', args=[offer.coach.slug, offer.slug])}",
        "duration": None,
        "durations": [],
        "questions": [],
    }


def _offer_data(offer: Offer) -> dict[str, object]:
    durations = [_length_data(offer, length) for length in offer.durations.all()]
    return {
        "kind": offer.kind,
        "buy_url": None,
        "slug": offer.slug,
        "title": offer.title,
        "summary": offer.summary,
        "description": offer.description,
        "venue": offer.venue,
        "discord": offer.discord_requirement,
        "currency": offer.currency,
        "topic": offer.topic.slug if offer.topic else "",
        "price_minor": durations[0]["price_minor"],
        "duration": durations[0]["minutes"],
        "durations": durations,
        "questions": [
            {
                "key": question.key,
                "label": question.label,
                "kind": question.kind,
                "is_required": question.is_required,
                "options": question.options,
            }
            for question in offer.questions.all()
        ],
    }


def _length_data(offer: Offer, length: OfferDuration) -> dict[str, object]:
    topics = [topic for topic in topics_of(offer) if topic is not None and offer.topic is None]
    return {
        "minutes": length.minutes,
        "price_minor": price_of(offer, length).amount.minor,
        "price_by_topic": {topic.slug: price_of(offer, length, topic).amount.minor for topic in topics},
    }
