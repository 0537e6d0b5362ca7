"""The first admin, coach and offer of an installation that is used for real."""

from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Model

from greenroom.accounts.models import User
from greenroom.availability.models import Schedule, WeeklyWindow
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.types import DiscordRequirement, OfferStatus, Venue
from greenroom.coaches.models import Coach
from greenroom.coaches.types import CoachStatus
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work

_WORKDAYS = range(1, 6)
_OPENS, _CLOSES = 9 * 60, 17 * 60
# a row's column -> what the operator was asked for
_ASKED = {"display_name": "name", "title": "offer", "video_url": "video-url", "price_minor": "price"}


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """Who runs the site and coaches first, and what they sell. `password` may stay empty: codes are mailed."""

    email: str
    name: str
    password: str
    slug: str
    tz: str
    offer_title: str
    minutes: int
    price: Money
    video_url: str


def set_up(first: FirstSteps) -> Offer:
    """Make the admin, who is also the first coach, with working hours on weekdays and one published offer.

    Without a video address the session takes place on Discord. All or nothing.
    Raises: InvalidInputError naming the field; also when the address or slug is taken.
    """
    _check(first)
    with unit_of_work():
        user = User.objects.create_superuser(first.email, first.password or None, name=first.name, time_zone=first.tz)
        coach = Coach(
            user=user, slug=first.slug, display_name=first.name, status=CoachStatus.APPROVED, is_verified=True
        )
        _save(coach)
        schedule = Schedule.objects.create(coach=coach, tz=first.tz)
        WeeklyWindow.objects.bulk_create(
            WeeklyWindow(schedule=schedule, weekday=weekday, start_minute=_OPENS, end_minute=_CLOSES)
            for weekday in _WORKDAYS
        )
        is_video = bool(first.video_url)
        offer = Offer(
            coach=coach,
            slug="session",
            title=first.offer_title,
            status=OfferStatus.PUBLISHED,
            currency=first.price.currency,
            venue=Venue.VIDEO if is_video else Venue.DISCORD,
            video_url=first.video_url,
            discord_requirement=DiscordRequirement.NOT_REQUIRED if is_video else DiscordRequirement.BEFORE_JOIN,
        )
        _save(offer)
        _save(OfferDuration(offer=offer, minutes=first.minutes, price_minor=first.price.minor))
    return offer


def _save(row: Model) -> None:
    """Save a row that the rules of its columns accept. Raises: InvalidInputError naming the option."""
    try:
        row.full_clean()
    except ValidationError as error:
        column, words = next(iter(error.message_dict.items()))
        raise InvalidInputError(" ".join(words), field=_ASKED.get(column, column)) from None
    row.save()


def _check(first: FirstSteps) -> None:
    try:
        validate_email(first.email)
    except ValidationError as error:
        raise InvalidInputError(" ".join(error.messages), field="email") from None
    try:
        if first.password:
            validate_password(first.password, User(email=first.email, name=first.name))
    except ValidationError as error:
        raise InvalidInputError(" ".join(error.messages), field="password") from None
    if User.objects.filter(email=first.email.lower()).exists():
        raise InvalidInputError("There is already an account with this address.", field="email")
    if Coach.objects.filter(slug=first.slug).exists():
        raise InvalidInputError("There is already a coach at this address.", field="slug")
