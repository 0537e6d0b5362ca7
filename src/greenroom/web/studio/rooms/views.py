"""When the rooms of a coach's sessions are there: for all offers, and for one."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from greenroom.rooms.queries import policy_of
from greenroom.web.problems import status_of
from greenroom.web.rooms.policy import choose_policy
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.offers.acting import own_offer

_SECTION = "offers"


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def rooms_page(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    """Show the policy of the coach's rooms; a POST saves it."""
    context = choose_policy(request, desk.coach, above=policy_of(None), actor=desk.actor)
    if context is None:
        return redirect("studio_rooms")
    context["offer"] = None
    return desk.draw(
        request, "studio/room_policy.html", context, section=_SECTION, status=status_of(context["problems"])
    )


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def offer_rooms(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    """Show the policy of one offer's rooms; a POST saves it."""
    offer = own_offer(desk, pk)
    context = choose_policy(request, offer, above=policy_of(desk.coach), actor=desk.actor)
    if context is None:
        return redirect("studio_offer_rooms", pk)
    context["offer"] = offer
    return desk.draw(
        request, "studio/room_policy.html", context, section=_SECTION, status=status_of(context["problems"])
    )
