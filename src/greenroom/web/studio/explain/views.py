"""Why is this time not offered? The coach's own page; it only reads."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.explain.page import explain_context

_SECTION = "schedule"


@require_safe
@coach_only
def explain_page(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    context = explain_context(
        request, desk.coach, booking_url=lambda booking: reverse("studio_session", args=[booking.ref])
    )
    return desk.draw(request, "studio/explain.html", context, section=_SECTION, status=context["status"])
