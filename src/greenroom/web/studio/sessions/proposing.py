"""Asking a student for another time: up to three, filled in with the nearest that are free."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from greenroom.bookings import queries as bookings
from greenroom.bookings import rules, services
from greenroom.bookings.models import Booking
from greenroom.core import clock
from greenroom.core.errors import GreenroomError, InvalidInputError
from greenroom.notifications import display
from greenroom.web import presenters
from greenroom.web.problems import problems_of, status_of
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.sessions.forms import ProposeForm

_SECTION = "sessions"
_SENT = "The student is asked by mail. The session stays where it is until they choose."


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def propose(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    """Show three times to propose, and send them on POST."""
    booking = queries.get_coach_booking(desk.coach, ref)
    now = clock.now()
    if not can_propose(booking, now):
        messages.error(request, rules.NOT_ANY_MORE)
        return redirect("studio_session", ref)
    suggested = [] if request.method == "POST" else booking.proposals or nearest_free(booking, now)
    form = ProposeForm(request.POST if request.method == "POST" else None, suggested=suggested, tz=desk.viewer.tz)
    if form.is_valid() and _send(desk, booking, form, now):
        messages.success(request, _SENT)
        return redirect("studio_session", ref)
    problems = problems_of(form)
    context = {
        "booking": booking,
        "session": booking.session,
        "offer": presenters.offer_data(booking.session.offer),
        "form": form,
        "problems": problems,
        "page_url": reverse("studio_session", args=[ref]),
    }
    status = status_of(problems)
    return desk.draw(request, "studio/propose.html", context, section=_SECTION, status=status)


def can_propose(booking: Booking, now: datetime) -> bool:
    """Tell whether a booking's time can still be changed by agreement."""
    return rules.can_propose(status=booking.status, starts_at=booking.session.starts_at, now=now)


def nearest_free(booking: Booking, now: datetime) -> list[datetime]:
    """Return the free times nearest to a session's own, by all the rules of its offer."""
    session = booking.session
    length = session.ends_at - session.starts_at
    return bookings.nearest_slots(session.offer, length=length, wanted=session.starts_at, now=now, moving=session)


def _send(desk: Desk, booking: Booking, form: ProposeForm, now: datetime) -> bool:
    wanted = form.cleaned_data
    try:
        services.propose_times(booking=booking, times=wanted["times"], note=wanted["note"], actor=desk.actor, now=now)
    except InvalidInputError as error:
        form.blame(error)
        return False
    return True


@require_POST
@coach_only
def propose_nearest(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    """Propose the nearest free times at once: one press beside time off that hits a session."""
    booking = queries.get_coach_booking(desk.coach, ref)
    now = clock.now()
    times = nearest_free(booking, now)
    if not times:
        messages.error(request, "There is no free time within two weeks of it. Choose the times yourself.")
        return redirect("studio_session_propose", ref)
    try:
        services.propose_times(booking=booking, times=times, note="", actor=desk.actor, now=now)
    except GreenroomError as error:
        messages.error(request, error.message)
        return redirect("studio_session", ref)
    words = ", ".join(display.moment_short(start, desk.viewer) for start in times)
    messages.success(request, f"{booking.contact_name} is asked by mail to choose: {words}.")
    return redirect("studio_session", ref)


@require_POST
@coach_only
def withdraw(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    """Take a proposal back."""
    booking = queries.get_coach_booking(desk.coach, ref)
    services.withdraw_proposal(booking=booking, actor=desk.actor, now=clock.now())
    messages.success(request, "The proposal is taken back. The session stays where it is.")
    return redirect("studio_session", ref)
