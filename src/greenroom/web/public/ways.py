"""Choosing how to pay, and finding back to the page of a payment by hand."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from greenroom.bookings.models import Booking
from greenroom.bookings.services import pay_by_hand_until
from greenroom.bookings.types import UNPAID
from greenroom.integrations.manual.gateway import MANUAL
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.payments.queries import find_live_attempt
from greenroom.payments.ways import Way, ways_to_pay
from greenroom.web.visitors import sight_of

CHANGE = "change"


def way_choices(request: HttpRequest, booking: Booking) -> Sequence[tuple[str, str]]:
    """Return the ways to pay as a form offers them, those by hand with until when; none where nothing is to be chosen.

    A single one by hand is shown all the same: it says until when.
    """
    if booking.order is None or not booking.order.total_minor:
        return ()
    ways = ways_to_pay()
    if len(ways) == 1 and ways[0].lasts is None:
        return ()
    viewer = sight_of(request, coach_tz=booking.coach.user.time_zone).viewer
    return [(way.code, _words(booking, way, viewer)) for way in ways]


def _words(booking: Booking, way: Way, viewer: Viewer) -> str:
    if way.lasts is None:
        return way.title
    return f"{way.title}, to be paid by {display.moment_short(pay_by_hand_until(booking, way.lasts), viewer)}"


def is_paid_by_hand(booking: Booking) -> bool:
    """Tell whether somebody chose to pay by hand, and still can or waits for the answer."""
    attempt = find_live_attempt(booking.order.ref) if booking.order and booking.status in UNPAID else None
    return attempt is not None and attempt.gateway == MANUAL


def to_by_hand(request: HttpRequest, booking: Booking) -> HttpResponseBase | None:
    """Lead to the page of a payment by hand, unless another way is to be chosen."""
    if request.method == "POST" or CHANGE in request.GET or not is_paid_by_hand(booking):
        return None
    return redirect("pay_by_hand", booking.ref)
