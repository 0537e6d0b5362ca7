"""The session page: one Join button that is live only in its window. And the list of a person's sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from greenroom.accounts.models import User
from greenroom.bookings import queries
from greenroom.bookings.models import Booking
from greenroom.bookings.types import UNPAID, UPCOMING, BookingStatus
from greenroom.catalog.types import Venue
from greenroom.core import clock
from greenroom.core.errors import NotFoundError
from greenroom.notifications import display
from greenroom.rooms.queries import RoomView, room_view
from greenroom.rooms.types import PageState
from greenroom.web import presenters, visitors
from greenroom.web.accounts.discord_flow import allows_discord_redirect
from greenroom.web.discord import card_of

_ON_A_PAGE = 20
_HAS_ROOM = {"preparing", "ready", "failed"}
_JOIN_STATES = {PageState.OPENING: "preparing", PageState.CONNECT: "preparing"}


@dataclass(frozen=True, slots=True)
class Seat:
    """Whose view of a session this is: a booking, and whether its coach looks at it."""

    booking: Booking
    viewer: User | Booking
    is_coach: bool


@never_cache
@require_safe
@allows_discord_redirect
def session_page(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Show a session to its coach and its students, and the way in while it is open."""
    token = request.GET.get("token")
    if token is not None:
        booking = queries.get_booking_by_token(token)
        if booking.session.ref != ref and not queries.may_have_left(booking, ref):
            raise NotFoundError
        return visitors.keep_key(request, redirect("session", booking.session.ref), token)
    seat = _find_seat(request, ref)
    if seat is None:
        if visitors.signed_in(request) is None:  # the same whether there is such a session or not
            return redirect_to_login(request.get_full_path(), "account_login")
        raise NotFoundError
    booking, now = seat.booking, clock.now()
    is_ahead = booking.status in UPCOMING and now < booking.session.starts_at
    coach_tz, student_tz = booking.coach.user.time_zone, booking.contact_tz
    context = (
        presenters.aside_data(booking)
        | presenters.when_data(booking)
        | {
            "status": booking.status,
            "missed_by": booking.no_show_party,
            "viewer": visitors.sight_of(request, coach_tz=coach_tz if seat.is_coach else student_tz).viewer,
            "zone_guess": False,
            "join": _join(seat, now),
            "starts_in": display.relative(booking.session.starts_at, now) if is_ahead else "",
            # A coach's group has many; they stand in the studio, each with its student.
            "goals": "" if seat.is_coach and booking.session.is_group else booking.goals,
            "book_again_url": "" if seat.is_coach else presenters.book_again_url(booking),
            "manage_url": "" if seat.is_coach else reverse("manage", args=[queries.manage_token(booking)]),
            # The links hold the student's key.
            "calendar": None if seat.is_coach or not is_ahead else presenters.calendar_data(booking),
            "discord": None if seat.is_coach or booking.status not in UPCOMING else card_of(request, booking),
        }
    )
    return render(request, "student/session.html", context)


def _find_seat(request: HttpRequest, ref: str) -> Seat | None:
    """Find the visitor's place in a session, by their account or by a link they opened."""
    user = visitors.signed_in(request)
    # An address may carry what PostgreSQL refuses to compare.
    if user is not None and ref.isascii() and ref.isprintable():
        booking = queries.find_seat(user, ref)
        if booking is not None:
            return Seat(booking, user, is_coach=booking.coach.user_id == user.pk)
    for token in visitors.keys_of(request):
        booking = queries.find_booking_by_token(token)
        if booking is not None and booking.session.ref == ref:
            return Seat(booking, booking, is_coach=False)
    return None


def _join(seat: Seat, now: datetime) -> dict[str, Any]:
    booking = seat.booking
    view = room_view(booking.session, seat.viewer, now=now)
    is_discord = booking.session.venue == Venue.DISCORD
    state = _join_state(booking, view, now)
    url = view.join_url if is_discord else booking.session.offer.video_url
    return {
        "state": state,
        "url": url if state == "ready" else "",
        "place": booking.session.venue,
        "opens_at": view.opens_at,
        "closes_at": view.closes_at,
        "problem": view.sentence,
        "needs_discord": view.state is PageState.CONNECT,
        "backup_url": view.fallback_url if state in _HAS_ROOM else "",
    }


def _join_state(booking: Booking, view: RoomView, now: datetime) -> str:
    """Say how the way in stands: first by what became of the booking, then by the room, or by the clock alone."""
    if booking.status in {BookingStatus.CANCELLED, BookingStatus.EXPIRED}:
        return "cancelled"
    if booking.status in {*UNPAID, BookingStatus.PENDING_APPROVAL}:
        return "waiting"
    if now >= view.closes_at or booking.status == BookingStatus.NO_SHOW:
        return "over"
    if booking.session.venue == Venue.DISCORD:
        return _JOIN_STATES.get(view.state, view.state.value)
    return "early" if now < view.opens_at else "ready"


@never_cache
@require_safe
def sessions(request: HttpRequest) -> HttpResponseBase:
    """List the signed-in student's sessions, the coming ones first."""
    user = visitors.signed_in(request)
    if user is None:
        return redirect_to_login(request.get_full_path(), "account_login")
    page = Paginator(queries.bookings_of_student(user, now=clock.now()), _ON_A_PAGE).get_page(request.GET.get("page"))
    viewer = visitors.sight_of(request).viewer
    rows = [_row(booking) for booking in page]
    return render(request, "student/sessions.html", {"page": page, "rows": rows, "viewer": viewer})


def _row(booking: Booking) -> dict[str, Any]:
    return presenters.when_data(booking) | {
        "status": booking.status,
        "missed_by": booking.no_show_party,
        "title": booking.session.offer.title,
        "coach_name": booking.coach.display_name,
        "url": reverse("session", args=[booking.session.ref]),
        "manage_url": reverse("manage", args=[queries.manage_token(booking)]),
    }
