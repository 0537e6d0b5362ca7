"""What the page shows, whoever looks at it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from greenroom.availability.models import Schedule
from greenroom.bookings.explaining import SlotReason, explain_for_owner
from greenroom.bookings.models import Booking
from greenroom.catalog.models import OfferDuration
from greenroom.catalog.types import OfferKind, OfferStatus
from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.core.instants import iso
from greenroom.notifications import display
from greenroom.web.problems import problems_of
from greenroom.web.studio.explain.forms import ExplainForm

_DAYS_SHOWN_FIRST = timedelta(days=1)


def explain_context(request: HttpRequest, coach: Coach, *, booking_url: Callable[[Booking], str]) -> dict[str, Any]:
    """Return the form, filled from the address, and the answer once it is complete.

    Times are those of the coach's default schedule; `booking_url` is where this reader opens a booking in the way.
    """
    now = clock.now()
    default = Schedule.objects.filter(coach=coach, is_default=True).first()
    tz = default.tz if default else coach.user.time_zone
    durations = list(
        OfferDuration.objects.filter(offer__coach=coach, offer__kind=OfferKind.CALL)
        .exclude(offer__status=OfferStatus.ARCHIVED)
        .select_related("offer__coach", "offer__schedule")
        .order_by("offer__position", "offer_id", "position", "minutes")
    )
    is_asked = "at" in request.GET
    form = ExplainForm(request.GET if is_asked else None, durations=durations, tz=tz)
    if not is_asked:
        form.initial["on"] = display.local(now, tz).date() + _DAYS_SHOWN_FIRST
    answer = _answer(request, form, tz, now, booking_url) if is_asked and form.is_valid() else {"answer": None}
    return answer | {
        "form": form,
        "tz": tz,
        "has_offers": bool(durations),
        "problems": problems_of(form),
        "status": HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK,
    }


def _answer(
    request: HttpRequest, form: ExplainForm, tz: str, now: datetime, booking_url: Callable[[Booking], str]
) -> dict[str, Any]:
    duration = form.duration
    answer = explain_for_owner(duration, form.starts_at, now=now)
    offer = duration.offer
    asked = {"at": iso(answer.starts_at), "duration": duration.minutes}
    return {
        "answer": answer,
        "title": offer.title,
        "ends_at": answer.starts_at + duration.length,
        "json_url": f"{reverse('api:explain', args=[offer.coach.slug, offer.slug])}?{urlencode(asked)}",
        "reasons": [_reason_data(reason, booking_url) for reason in answer.reasons],
        "nearest": [
            {"starts_at": start, "query": _query_of(request, display.local(start, tz))} for start in answer.nearest
        ],
    }


def _reason_data(reason: SlotReason, booking_url: Callable[[Booking], str]) -> dict[str, Any]:
    bookings = reason.session.bookings.all() if reason.session else ()
    return {
        "sentence": reason.sentence,
        "links": [(one.contact_name or "the hold", booking_url(one)) for one in bookings],
    }


def _query_of(request: HttpRequest, local_start: datetime) -> str:
    asked = request.GET.copy()
    asked["on"], asked["at"] = f"{local_start:%Y-%m-%d}", f"{local_start:%H:%M}"
    return asked.urlencode()
