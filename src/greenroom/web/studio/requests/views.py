"""The page on which a coach says yes or no. Opening it changes nothing: mail scanners follow every link."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from greenroom.bookings import queries, services
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import GreenroomError
from greenroom.core.http import client_address
from greenroom.notifications.display import Viewer
from greenroom.web import presenters
from greenroom.web.problems import problems_of
from greenroom.web.studio.requests.forms import ACCEPT, AnswerForm
from greenroom.web.visitors import sight_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show a request to whoever holds the coach's link; a POST accepts or declines it."""
    booking = queries.get_booking_to_answer(token)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _answer(request, booking, form)
        return redirect("request", token)
    tz = booking.coach.user.time_zone
    context = {
        "booking": booking,
        "session": booking.session,
        "offer": presenters.offer_data(booking.session.offer),
        "length": presenters.length_of(booking),
        "order": presenters.order_data(presenters.order_of(booking), says_why=True),
        "is_open": _is_open(booking),
        "form": form,
        "problems": problems_of(form),
        "viewer": Viewer(tz, sight_of(request).viewer.h24),
        "zone_guess": False,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "studio/request.html", context, status=status)


def _is_open(booking: Booking) -> bool:
    deadline = booking.approve_by
    return booking.status == BookingStatus.PENDING_APPROVAL and deadline is not None and clock.now() < deadline


def _answer(request: HttpRequest, booking: Booking, form: AnswerForm) -> None:
    actor = Actor(ActorKind.COACH, booking.coach.user_id, client_address(request))
    now = clock.now()
    try:
        if form.cleaned_data["answer"] == ACCEPT:
            services.accept_booking(booking=booking, actor=actor, now=now)
            messages.success(request, "Accepted. The student has been told, and the session is in your list.")
        else:
            services.decline_booking(booking=booking, actor=actor, now=now, reason=form.cleaned_data["reason"])
            messages.success(request, "Declined. The student has been told, and gets everything back.")
    except GreenroomError as error:
        messages.error(request, error.message)
