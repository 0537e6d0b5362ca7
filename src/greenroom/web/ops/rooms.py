"""Rooms for staff."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from greenroom.web.ops.access import admin_of, staff_only
from greenroom.web.rooms.policy import choose_policy, status_of


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """Show the site's room policy; a POST saves it."""
    context = choose_policy(request, None, above=None, actor=admin_of(request))
    if context is None:
        return redirect("ops_room_policy")
    return render(request, "ops/room_policy.html", context, status=status_of(context))
