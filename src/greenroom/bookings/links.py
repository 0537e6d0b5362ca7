"""The absolute addresses of a booking's pages: stable, and used by mails, calendars and the API alike."""

from datetime import datetime

from django.conf import settings

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.queries import answer_token, manage_token
from greenroom.orders.types import ReturnAddresses


def manage_url(booking: Booking) -> str:
    """Return the manage page; the token in it opens the booking without signing in."""
    return f"{settings.BASE_URL}/manage/{manage_token(booking)}/"


def checkout_url(booking: Booking) -> str:
    """Return the checkout page, with the token that opens it."""
    return f"{settings.BASE_URL}/checkout/{booking.ref}/?token={manage_token(booking)}"


def pay_url(booking: Booking) -> str:
    """Return the page for who pays by hand, with the token that opens it."""
    return f"{settings.BASE_URL}/checkout/{booking.ref}/by-hand/?token={manage_token(booking)}"


def return_addresses(booking: Booking) -> ReturnAddresses:
    """Return where a payment of this booking leads."""
    return ReturnAddresses(confirmed_url(booking), checkout_url(booking), pay_url(booking))


def confirmed_url(booking: Booking) -> str:
    """Return the confirmation page, with the token that opens it."""
    return f"{settings.BASE_URL}/booking/confirmed/{booking.ref}/?token={manage_token(booking)}"


def session_url(booking: Booking) -> str:
    """Return the student's way into the session page."""
    return f"{settings.BASE_URL}/session/{booking.session.ref}/?token={manage_token(booking)}"


def session_page_url(session: CoachingSession) -> str:
    """Return the session page without a key: its people open it signed in."""
    return f"{settings.BASE_URL}/session/{session.ref}/"


def move_url(booking: Booking, starts_at: datetime) -> str:
    """Return the page on which a session is moved, with a new start (aware UTC) already chosen."""
    chosen = f"{starts_at:%Y-%m-%dT%H:%M:%SZ}"
    return f"{settings.BASE_URL}/manage/{manage_token(booking)}/reschedule/?starts_at={chosen}"


def propose_url(booking: Booking) -> str:
    """Return the page on which the coach proposes other times, signed in."""
    return f"{settings.BASE_URL}/studio/sessions/{booking.ref}/propose/"


def answer_url(booking: Booking) -> str:
    """Return the page on which the coach accepts or declines a request; the token in it opens it without signing in."""
    return f"{settings.BASE_URL}/requests/{answer_token(booking)}/"


def rebook_url(booking: Booking) -> str:
    """Return the page on which another time with the same coach can be chosen."""
    return f"{settings.BASE_URL}/book/{booking.coach.slug}/?offer={booking.session.offer.slug}"
