"""What templates are given: plain values out of rows, in the shapes the templates' first lines ask for."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from greenroom.bookings.calendars import google_url, outlook_url
from greenroom.bookings.explaining import Nothing
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.queries import manage_token
from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.queries import price_of, price_to_buy, refund_tiers, topics_of
from greenroom.catalog.types import RefundTier, Venue
from greenroom.coaches.models import Coach, Topic
from greenroom.core.errors import NotFoundError
from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.orders.models import Order

_COUNTED_DOWN_SECONDS = 3600


def coach_data(coach: Coach, *, tz: str = "") -> dict[str, Any]:
    """Return a coach for the aside, the coach's page and the cards; ratings have their place and no source yet."""
    return {
        "name": coach.display_name,
        "url": reverse("coach", args=[coach.slug]),
        "headline": coach.headline,
        "bio": coach.bio,
        "topics": [topic.name for topic in coach.topics.all()],
        "languages": [language.strip() for language in coach.languages.split(",") if language.strip()],
        "tz": tz or coach.user.time_zone,
        "is_verified": coach.is_verified,
        "rating": None,
        "review_count": 0,
    }


def offer_data(offer: Offer) -> dict[str, Any]:
    """Return an offer for the aside and the pages of a booking."""
    venue = offer.place or "In person" if offer.venue == Venue.IN_PERSON else offer.venue
    return {"title": offer.title, "summary": offer.summary, "venue": venue, "group": group_words(offer), "topic": ""}


def buy_data(offer: Offer) -> dict[str, Any]:
    """Return an offer that needs no time for the aside."""
    return {"title": offer.title, "summary": offer.summary, "venue": "", "group": "", "topic": ""}


def buy_row(offer: Offer) -> dict[str, Any]:
    """Return an offer that needs no time for a row on its coach's page."""
    price = price_to_buy(offer)
    return buy_data(offer) | {
        "length": None,
        "price": price if price.minor else None,
        "book_url": reverse("offer", args=[offer.coach.slug, offer.slug]),
    }


def purchase_sentences(coach: Coach, total: Money) -> list[str]:
    """Say what is promised to somebody who buys what needs no time."""
    if not total.minor:
        return ["It is yours at once, and you can open it as often as you like."]
    return [
        "It is yours as soon as the payment has arrived, and you can open it as often as you like.",
        "There is no time in which you can send it back by yourself.",
        f"If it is not what was promised, write to {coach.display_name}: your money can be given back by this site.",
        "If all of your money goes back, it is no longer yours.",
    ]


def group_words(offer: Offer) -> str:
    """Say how many people a group has, or "" where one student comes alone."""
    if offer.capacity == 1:
        return ""
    least = f"{offer.min_seats} to" if offer.min_seats > 1 else "Up to"
    return f"{least} {offer.capacity} people"


def minimum_sentences(session: CoachingSession) -> list[str]:
    """Say what happens when too few people book a group; nothing where nothing is decided about it."""
    if session.decide_at is None:
        return []
    closing = display.duration(session.starts_at - session.decide_at)
    return [
        f"It takes place with at least {session.min_seats} people.",
        f"If fewer have booked {closing} before it starts, it is called off and everything comes back.",
    ]


def price_or_none(offer: Offer, duration: OfferDuration, topic: Topic | None = None) -> Money | None:
    """Return the price of a length, or None where it is free. Raises: NoPriceError."""
    amount = price_of(offer, duration, topic).amount
    return amount if amount.minor else None


def least_price(offer: Offer, duration: OfferDuration) -> dict[str, Any]:
    """Return the least price of a length, None where it is free, and whether it can be more. Raises: NoPriceError."""
    prices = {price_of(offer, duration, topic).amount for topic in topics_of(offer)}
    least = min(prices)
    return {"price": least if least.minor else None, "is_from": len(prices) > 1}


def price_words(offer: Offer, duration: OfferDuration) -> str:
    """Say what a length costs, to its coach: also that it has no price yet, or which ones by topic."""
    topics = topics_of(offer)
    try:
        prices = [price_of(offer, duration, topic).amount for topic in topics]
    except NoPriceError:
        return "no price yet"
    words = [display.money(price) if price.minor else "Free" for price in prices]
    return words[0] if len(set(words)) == 1 else f"{display.money(min(prices))} to {display.money(max(prices))}"


def price_sentence(offer: Offer, duration: OfferDuration) -> str:
    """Say what a length costs and where that comes from: "60 min: €45, at €45 an hour"."""
    length = display.duration_short(duration.length)
    try:
        found = [price_of(offer, duration, topic) for topic in topics_of(offer)]
    except NoPriceError as error:
        return f"{length}: no price yet. {error.message}"
    words = [f"{display.money(one.amount) if one.amount.minor else 'free'}, {one.reason}" for one in found]
    return f"{length}: {'; '.join(words)}"


def book_url(offer: Offer, duration: OfferDuration | None = None, **query: str) -> str:
    """Return the page on which a time for this offer is chosen."""
    asked = {"offer": offer.slug} | ({"duration": str(duration.minutes)} if duration else {}) | query
    return f"{reverse('book', args=[offer.coach.slug])}?{urlencode(asked)}"


def book_again_url(booking: Booking) -> str:
    """Return the page on which the same offer is chosen again, at the same length; what was written is filled in."""
    return f"{book_url(booking.session.offer)}&{urlencode(_chosen(booking))}"


def why_nothing_words(offer: Offer, why: Nothing, month: str) -> str:
    """Say why a month has no free time."""
    name = offer.coach.display_name
    return {
        Nothing.BOOKED: f"Everything in {month} is booked.",
        Nothing.NOTICE: f"{name} asks for {display.duration(offer.notice)} of notice, so {month} is over.",
        Nothing.HORIZON: f"Bookings open {offer.horizon_days} days ahead: {month} is too far away.",
        Nothing.DATES: _dates_words(offer),
        Nothing.CLOSED: f"{name} has no hours in {month}.",
    }[why]


def _dates_words(offer: Offer) -> str:
    first = f" from {display.day_long(offer.first_day)}" if offer.first_day else ""
    last = f" until {display.day_long(offer.last_day)}" if offer.last_day else ""
    return f"This can be booked{first}{last}."


def approval_sentences(coach: Coach, hours: int | None) -> list[str]:
    """Say that the coach decides, and within which time; nothing where a booking is confirmed at once."""
    if hours is None:
        return []
    words = display.duration(timedelta(hours=hours))
    return [f"{coach.display_name} accepts within {words}. If not, everything comes back."]


def move_sentences(limit: int | None, notice: timedelta) -> list[str]:
    """Say how often and until when a session can be moved; nothing where it always can."""
    if limit == 0:
        return ["The time is fixed once it is booked."]
    times = {None: "", 1: " once"}.get(limit, f" up to {limit} times")
    until = f" until {display.duration(notice)} before it starts" if notice else ""
    return [f"You can move the session{times}{until}."] if times or until else []


def order_data(order: Order, *, says_why: bool = False) -> dict[str, Any]:
    """Return an order's lines and total, and in words the tax that is in them ("" when it is a line of its own).

    `says_why` adds where each price came from: for the coach.
    """
    lines = [
        {"title": line.title, "detail": line.price_reason if says_why else "", "amount": line.price}
        for line in order.lines.all()
    ]
    has_tax_inside = order.tax_minor and not order.is_tax_on_top
    tax = f"{order.tax_words} included: {display.money(order.tax)}" if has_tax_inside else ""
    return {"lines": lines, "total": order.total, "tax": tax}


def when_data(booking: Booking, *, change_url: str = "") -> dict[str, Any]:
    """Return what the band with the time takes."""
    return {
        "starts_at": booking.session.starts_at,
        "ends_at": booking.session.ends_at,
        "coach_tz": booking.coach.user.time_zone,
        "change_url": change_url,
    }


def hold_data(booking: Booking, now: datetime) -> dict[str, Any]:
    """Return what the band with the countdown takes."""
    left = int((booking.hold_expires_at - now).total_seconds())
    return {
        "expires_at": booking.hold_expires_at,
        "seconds_left": max(0, left),
        "is_long": left > _COUNTED_DOWN_SECONDS,
        "extend_url": "" if booking.was_hold_extended else reverse("booking_extend", args=[booking.ref]),
        "release_url": reverse("booking_release", args=[booking.ref]),
        "again_url": change_time_url(booking),
    }


def change_time_url(booking: Booking) -> str:
    """Return the picker, on the day that is held now."""
    day = f"{display.local(booking.session.starts_at, booking.contact_tz):%Y-%m-%d}"
    return f"{book_url(booking.session.offer)}&{urlencode(_chosen(booking) | {'date': day})}"


def _chosen(booking: Booking) -> dict[str, str]:
    """Return what was chosen beside the offer, as its page takes it."""
    topic = {"topic": booking.topic.slug} if booking.topic else {}
    return {"duration": str(minutes_of(booking)), **topic}


def minutes_of(booking: Booking) -> int:
    """Return the length of a booked session in minutes."""
    return length_of(booking) // timedelta(minutes=1)


def length_of(booking: Booking) -> timedelta:
    """Return the length of a booked session."""
    return booking.session.ends_at - booking.session.starts_at


def refund_tiers_of(booking: Booking) -> tuple[RefundTier, ...]:
    """Return the policy an offer has now; once there is an order, the one frozen on it counts."""
    return refund_tiers(booking.session.offer)


def order_of(booking: Booking) -> Order:
    """Return the order of a booking whose details are known. Raises: NotFoundError when there is none yet."""
    if booking.order is None:
        raise NotFoundError
    return booking.order


def _price_of(order: Order) -> Money:
    """Return what an order costs as prices are shown everywhere: without a tax that comes on top."""
    return order.total - order.tax if order.is_tax_on_top else order.total


def aside_data(booking: Booking) -> dict[str, Any]:
    """Return what stands beside every step of a booking."""
    price = _price_of(booking.order) if booking.order else booking.price
    # What was booked as a session of two stays one, whatever becomes of its offer.
    group = group_words(booking.session.offer) if booking.session.is_group else ""
    return {
        "coach": coach_data(booking.coach),
        "offer": offer_data(booking.session.offer)
        | {"group": group, "topic": booking.topic.name if booking.topic else ""},
        "length": length_of(booking),
        "price": price if price.minor else None,
    }


def calendar_data(booking: Booking) -> dict[str, str]:
    """Return the ways to put a session into a calendar."""
    token = manage_token(booking)
    return {
        "ics_url": reverse("manage_calendar", args=[token]),
        "google_url": google_url(booking),
        "outlook_url": outlook_url(booking),
    }
