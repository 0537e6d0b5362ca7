"""What is chosen before a time: the offer, its length, and what it is about where the price depends on it."""

import re
from typing import Any

from greenroom.bookings.errors import OfferNotBookableError
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.queries import find_duration, find_topic, topics_of, usual_topic
from greenroom.coaches.models import Topic
from greenroom.core.errors import InvalidInputError
from greenroom.notifications import display
from greenroom.web import presenters

_MINUTES = re.compile(r"\d{1,4}", re.ASCII)


def chosen_offer(offers: list[Offer], slug: str, *, is_form: bool) -> Offer:
    """Return the asked offer; in an address nonsense counts as nothing asked, in a form nothing else is sold."""
    found = next((one for one in offers if one.slug == slug), None)
    if found is None and slug and is_form:
        raise OfferNotBookableError("This offer is not on the coach's page any more. Choose again.", field="offer")
    return found or offers[0]


def chosen_duration(offer: Offer, minutes: str, *, is_form: bool) -> OfferDuration:
    """Return the asked length; in an address nonsense counts as nothing asked, in a form it is refused."""
    try:
        return find_duration(offer, int(minutes) if _MINUTES.fullmatch(minutes) else 0)
    except InvalidInputError:
        if minutes and is_form:
            raise
        return find_duration(offer, None)


def chosen_topic(offer: Offer, slug: str, *, is_form: bool) -> Topic | None:
    """Return what the session is about; in an address nonsense counts as nothing asked, in a form it is refused."""
    try:
        return find_topic(offer, slug) or usual_topic(offer)
    except InvalidInputError:
        if is_form:
            raise
        return usual_topic(offer)


def offer_choices(offers: list[Offer], offer: Offer, chosen: OfferDuration) -> list[dict[str, Any]]:
    """Return what there is to book: every length of every offer."""
    return [
        {
            "label": f"{one.title}, {display.duration_short(duration.length)}",
            **presenters.least_price(one, duration),
            "url": presenters.book_url(one, duration),
            "is_current": one.pk == offer.pk and duration.minutes == chosen.minutes,
        }
        for one in offers
        for duration in one.durations.all()
    ]


def topic_choices(offer: Offer, duration: OfferDuration, chosen: Topic | None) -> list[dict[str, Any]]:
    """Return what a session can be about, each with its price."""
    return [
        {
            "label": topic.name if topic else "Something else",
            "price": presenters.price_or_none(offer, duration, topic),
            "url": presenters.book_url(offer, duration, **({"topic": topic.slug} if topic else {})),
            "is_current": topic == chosen,
        }
        for topic in topics_of(offer)
    ]
