"""Who may enter the studio: a signed-in person who coaches. Everybody else's studio is not there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from greenroom.bookings.models import Booking
from greenroom.coaches.models import Coach
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotFoundError
from greenroom.core.http import client_address
from greenroom.notifications.display import Viewer, local, relative
from greenroom.web.visitors import sight_of, signed_in

P = ParamSpec("P")


def when_words(starts_at: datetime, now: datetime) -> str:
    """Write "in 2 hours", or "began 5 minutes ago"."""
    words = relative(starts_at, now)
    return words if starts_at > now else f"began {words}"


@dataclass(frozen=True, slots=True)
class Desk:
    """A coach at work: their rows, the actor that services are given, and the zone in which they read times."""

    coach: Coach
    actor: Actor
    viewer: Viewer

    def lines(self, bookings: Iterable[Booking], *, are_sessions: bool = False) -> list[dict[str, Any]]:
        """Return bookings with the coach's local date of each, for a list of them; or of sessions, groups by one."""
        return [
            {
                "booking": one,
                "day": local(one.session.starts_at, self.viewer.tz).date(),
                "is_group": are_sessions and one.session.is_group and one.is_live,
            }
            for one in bookings
        ]

    def draw(
        self, request: HttpRequest, template: str, context: dict[str, Any], *, section: str, status: int = 200
    ) -> HttpResponse:
        """Return a page of the studio; `section` is the part of the navigation it belongs to."""
        frame = {
            "viewer": self.viewer,
            "zone_guess": False,
            "section": section,
            "public_url": reverse("coach", args=[self.coach.slug]),
        }
        return render(request, template, frame | context, status=status)


StudioView = Callable[Concatenate[HttpRequest, Desk, P], HttpResponseBase]


def coach_only(view: StudioView[P]) -> Callable[..., HttpResponseBase]:
    """Give a view the signed-in coach; others are sent to sign in, or told that there is no such page."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user = signed_in(request)
        if user is None:
            # A form that was sent can't be sent again after signing in: come back to the page it stood on.
            return redirect_to_login(request.get_full_path() if request.method != "POST" else reverse("studio"))
        # Through the user, who keeps it: the frame of the page asks for it again.
        coach = getattr(user, "coach", None)
        if coach is None:
            raise NotFoundError
        viewer = Viewer(coach.user.time_zone, sight_of(request).viewer.h24)
        actor = Actor(ActorKind.COACH, user.pk, client_address(request))
        return view(request, Desk(coach, actor, viewer), *args, **kwargs)

    return guarded
