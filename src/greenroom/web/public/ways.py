"""Choosing how to pay, and finding back to the page of a payment by hand."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from greenroom.bookings.models import Booking
from greenroom.bookings.types import UNPAID
from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.orders.models import Order
from greenroom.payments.queries import is_awaited_by_hand
from greenroom.payments.ways import Way, ways_to_pay

CHANGE = "change"
Until = Callable[[timedelta], datetime]


def way_choices(order: Order | None, viewer: Viewer, until: Until) -> Sequence[tuple[str, str]]:
    """Return the ways to pay as a form offers them, those by hand with until when; none where nothing is to be chosen.

    `until` tells when the time to pay is over by a method that takes so long. A single one by hand is shown all the
    same: it says until when.
    """
    if order is None or not order.total_minor:
        return ()
    ways = ways_to_pay()
    if len(ways) == 1 and ways[0].lasts is None:
        return ()
    return [(way.code, _words(way, viewer, until)) for way in ways]


def _words(way: Way, viewer: Viewer, until: Until) -> str:
    if way.lasts is None:
        return f"{way.title}, on the payment provider's page"
    return f"{way.title}, to be paid by {display.moment_short(until(way.lasts), viewer)}"


def can_be_paid(total: Money) -> bool:
    """Tell whether this site takes payments, or none is to be made."""
    return not total.minor or bool(ways_to_pay())


def is_paid_by_hand(thing: Booking | Order) -> bool:
    """Tell whether somebody chose to pay a booking or purchase by hand, and still can or waits for the answer."""
    if isinstance(thing, Booking):
        return thing.order is not None and thing.status in UNPAID and is_awaited_by_hand(thing.order.ref)
    return thing.open_key is not None and is_awaited_by_hand(thing.ref)


def to_by_hand(request: HttpRequest, thing: Booking | Order) -> HttpResponseBase | None:
    """Lead to the page of a payment by hand, unless another way is to be chosen."""
    if request.method == "POST" or CHANGE in request.GET or not is_paid_by_hand(thing):
        return None
    return redirect("pay_by_hand", thing.ref)
