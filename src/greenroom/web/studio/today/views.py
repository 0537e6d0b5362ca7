"""Today: what comes next, what needs a word, what is still to be set up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from greenroom.accounts.models import DiscordIdentity
from greenroom.availability.models import WeeklyWindow
from greenroom.bookings import links
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferStatus, Venue
from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.orders.queries import count_by_hand
from greenroom.rooms.queries import rooms_needing_attention
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk, coach_only, when_words

_MOST_TODAY = 50
_MOST_WAITING = 10


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that needs the coach: what it is, and where it is dealt with."""

    text: str
    url: str
    action: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of setting up."""

    title: str
    text: str
    url: str
    is_done: bool


# Each says what is wrong for one coach.
Finder = Callable[[Coach, datetime], list[Trouble]]


@require_safe
@coach_only
def today(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    now = clock.now()
    tz = desk.viewer.tz
    midnight = queries.local_midnight(now, tz, days=1)
    upcoming = list(queries.upcoming_bookings(desk.coach, now=now)[:_MOST_TODAY])
    following = upcoming[0] if upcoming else None
    steps = setup_steps(desk.coach)
    context = {
        "now": now,
        "coach": desk.coach,
        "next": following,
        "next_with": _company(following) if following else "",
        "next_in": when_words(following.session.starts_at, now) if following else "",
        "today": desk.lines(
            (booking for booking in upcoming[1:] if booking.session.starts_at < midnight), are_sessions=True
        ),
        "asked": desk.lines(queries.asked_bookings(desk.coach)[:_MOST_WAITING]),
        "unpaid": desk.lines(queries.unpaid_bookings(desk.coach, now=now)[:_MOST_WAITING]),
        "problems": [trouble for find in FINDERS for trouble in find(desk.coach, now)],
        "numbers": queries.week_numbers(desk.coach, tz=tz, now=now),
        "steps": steps if not all(step.is_done for step in steps) else [],
        "steps_done": sum(step.is_done for step in steps),
    }
    return desk.draw(request, "studio/today.html", context, section="today")


def setup_steps(coach: Coach) -> list[Step]:
    """Say what a coach needs before the first session, and what of it is there; three queries."""
    has_hours = WeeklyWindow.objects.filter(schedule__coach=coach, is_active=True).exists()
    offers = list(Offer.objects.filter(coach=coach).exclude(status=OfferStatus.ARCHIVED).values_list("status", "venue"))
    steps = [
        Step(
            "Your profile",
            "A headline and some words about you.",
            reverse("studio_profile"),
            bool(coach.headline and coach.bio),
        ),
        Step("Your weekly hours", "Nothing can be booked without them.", reverse("studio_schedule"), has_hours),
        Step(
            "A published offer",
            "What people book: its length, its price, its rules.",
            reverse("studio_offers"),
            any(status == OfferStatus.PUBLISHED for status, _venue in offers),
        ),
    ]
    if any(venue == Venue.DISCORD for _status, venue in offers):
        is_linked = DiscordIdentity.objects.filter(user=coach.user_id).exists()
        text = "Your rooms open for your Discord account."
        steps.append(Step("Connect Discord", text, f"{reverse('studio_profile')}#discord", is_linked))
    return steps


def sessions_without_outcome(coach: Coach, now: datetime) -> list[Trouble]:
    """Ask how sessions went that are over; after a grace time they count as completed by themselves."""
    waiting = queries.bookings_without_outcome(coach, now=now)[:_MOST_WAITING]
    return [
        Trouble(
            f"{booking.session.offer.title} with {_company(booking)} is over. Did it take place?",
            reverse("studio_session", args=[booking.ref]),
            "Say how it went",
        )
        for booking in waiting
    ]


def _company(booking: Booking) -> str:
    session = booking.session
    return f"a group of {session.seats_taken}" if session.is_group else booking.contact_name


def rooms_in_trouble(coach: Coach, now: datetime) -> list[Trouble]:
    """Name the sessions to come whose room could not be made or opened; it is tried again all the time."""
    rooms = rooms_needing_attention().filter(session__coach=coach, session__ends_at__gt=now)
    return [
        Trouble(
            f"The room of {room.session.offer.title} has a problem: {room.last_error or 'it is not ready'}",
            links.session_page_url(room.session),
            "Look at it",
        )
        for room in rooms.select_related("session__offer")[:_MOST_WAITING]
    ]


def wishes_for_another_time(coach: Coach, now: datetime) -> list[Trouble]:
    """Name the students who ask for another time and may not choose it alone."""
    asking = queries.upcoming_seats(coach, now=now).exclude(move_request="")[:_MOST_WAITING]
    return [
        Trouble(
            f"{booking.contact_name} asks for another time for {booking.session.offer.title}.",
            reverse("studio_session", args=[booking.ref]),
            "Answer",
        )
        for booking in asking
    ]


def payments_by_hand(coach: Coach, _now: datetime) -> list[Trouble]:
    """Say how much about payments by hand waits for the coach."""
    count = count_by_hand(coach)
    if not count:
        return []
    words = "A payment or refund waits" if count == 1 else f"{count} payments or refunds wait"
    return [Trouble(f"{words} for you.", reverse("studio_payments"), "Look at it")]


FINDERS: list[Finder] = [payments_by_hand, rooms_in_trouble, wishes_for_another_time, sessions_without_outcome]
