"""How long somebody stays signed in."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from greenroom.accounts.adapter import SIGNED_IN_AT
from greenroom.core import clock

LONGEST = timedelta(days=30)
_SEEN_ON = "seen_on"


class SessionLimits:
    """Signs a person out thirty days after they signed in, and keeps the idle time-out going once a day.

    Django ends a session SESSION_COOKIE_AGE after it was last written. Writing it at every request would cost each
    page a write; once a day is enough for a time-out of weeks. Visitors without a session cost nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, signed out when its session is too old."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            _look_at(request, clock.now())
        return self._get_response(request)


def _look_at(request: HttpRequest, now: datetime) -> None:
    signed_in_at = request.session.get(SIGNED_IN_AT)
    if signed_in_at is not None and datetime.fromisoformat(signed_in_at) + LONGEST <= now:
        logout(request)
        return
    if signed_in_at is None:  # signed in by another door than ours
        request.session[SIGNED_IN_AT] = now.isoformat()
    if request.session.get(_SEEN_ON) != now.date().isoformat():
        request.session[_SEEN_ON] = now.date().isoformat()
