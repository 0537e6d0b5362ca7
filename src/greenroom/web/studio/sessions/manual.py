"""Booking a client in: the coach names the time, and says how it is paid."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from greenroom.bookings import services
from greenroom.bookings.errors import OverlapError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.queries import live_seats
from greenroom.bookings.types import BookingStatus, Contact, ManualPayment
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.queries import with_prices
from greenroom.catalog.types import OfferKind, OfferStatus
from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.core.errors import InvalidInputError, NotFoundError
from greenroom.notifications import display
from greenroom.web.problems import problems_of, status_of
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.sessions.forms import ManualForm

_SECTION = "sessions"


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def book(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    """Ask for whom, what and when; `?client=REF` fills in the person of that booking."""
    durations = _durations(desk.coach)
    client = _client(desk, request.GET.get("client", ""))
    form = ManualForm(
        request.POST if request.method == "POST" else None,
        durations=durations,
        tz=desk.viewer.tz,
        initial=_initial(client, durations),
    )
    in_the_way: list[CoachingSession] = []
    if form.is_valid():
        try:
            booking = _book(desk, form)
        except OverlapError as error:
            in_the_way = _sessions(error)
            form.add_error("at", error.message)
        except InvalidInputError as error:
            form.blame(error)
        else:
            messages.success(request, _words(booking))
            return redirect("studio_session", booking.ref)
    problems = problems_of(form)
    context = {
        "form": form,
        "problems": problems,
        "in_the_way": in_the_way,
        "has_offers": bool(durations),
        "list_url": reverse("studio_sessions"),
    }
    status = status_of(problems)
    return desk.draw(request, "studio/manual.html", context, section=_SECTION, status=status)


def _durations(coach: Coach) -> list[OfferDuration]:
    offers = Offer.objects.filter(coach=coach, kind=OfferKind.CALL).exclude(status=OfferStatus.ARCHIVED)
    return [duration for offer in with_prices(offers) for duration in offer.durations.all()]


def _client(desk: Desk, ref: str) -> Booking | None:
    """Return the booking whose person is booked again, if it is one of the coach's; nonsense is nobody."""
    try:
        # An address may carry what PostgreSQL refuses to compare.
        return queries.get_coach_booking(desk.coach, ref) if ref.isascii() and ref.isprintable() else None
    except NotFoundError:
        return None


def _initial(client: Booking | None, durations: Sequence[OfferDuration]) -> dict[str, Any]:
    if client is None:
        return {}
    session = client.session
    length = session.ends_at - session.starts_at
    same = next((one.pk for one in durations if (one.offer_id, one.length) == (session.offer_id, length)), "")
    return {"name": client.contact_name, "email": client.contact_email, "what": same}


def _book(desk: Desk, form: ManualForm) -> Booking:
    wanted = form.cleaned_data
    new = services.ManualBooking(
        duration=wanted["duration"],
        starts_at=form.starts_at,
        contact=Contact(wanted["name"], wanted["email"], queries.zone_of_client(desk.coach, wanted["email"])),
        payment=ManualPayment(wanted["payment"]),
        price_minor=wanted["price_minor"],
        pay_within=form.kept_for,
        overlap_reason=wanted["overlap_reason"],
    )
    return services.book_manually(new, actor=desk.actor, now=clock.now())


def _sessions(error: OverlapError) -> list[CoachingSession]:
    there = CoachingSession.objects.filter(pk__in=error.session_ids).prefetch_related(live_seats())
    return list(there.select_related("offer").order_by("starts_at"))


def _words(booking: Booking) -> str:
    if booking.status == BookingStatus.CONFIRMED:
        return f"Booked. {booking.contact_name} gets a mail with the details."
    until = display.moment_short(booking.hold_expires_at, display.Viewer(booking.coach.user.time_zone))
    return f"{booking.contact_name} gets a mail with the link. The time is kept until {until}."
