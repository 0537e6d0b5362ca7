"""Rooms for staff: what is coming, how it went, one room, and the site's policy."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from greenroom.core import clock
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.errors import DiscordError
from greenroom.notifications import display
from greenroom.rooms import overview, services
from greenroom.rooms.errors import NoDiscordError
from greenroom.rooms.models import Room
from greenroom.rooms.queries import rooms_needing_attention
from greenroom.rooms.types import Change, CreateObject, DeleteObject, ObjectKind
from greenroom.web.ops.access import admin_of, staff_only
from greenroom.web.problems import status_of
from greenroom.web.rooms.policy import choose_policy
from greenroom.web.rooms.words import OBJECTS, STATES, policy_words

_ON_A_PAGE = 30
_MOST_TROUBLED = 50
_MOST_HISTORY = 200


@staff_only
@require_safe
def room_list(request: HttpRequest) -> HttpResponse:
    """Show how rooms stand, which are coming, and how those of the last days went."""
    now = clock.now()
    page = Paginator(overview.coming_sessions(now=now), _ON_A_PAGE).get_page(request.GET.get("page"))
    counted = overview.numbers(now=now)
    context = {
        "states": [(STATES[state], count) for state, count in overview.rooms_by_state()],
        "troubled": rooms_needing_attention()[:_MOST_TROUBLED],
        "page": page,
        "coming": [(one, STATES[one.room.state] if one.room else "") for one in overview.with_rooms(list(page))],
        "numbers": counted,
        "median_wait": _seconds(counted.median_wait),
        "longest_wait": _seconds(counted.longest_wait),
    }
    return render(request, "ops/rooms.html", context)


@staff_only
@require_safe
def room_page(request: HttpRequest, ref: str) -> HttpResponse:
    """Show everything that is known of one room."""
    return render(request, "ops/room.html", _room_context(overview.get_room(ref)))


@staff_only
@require_POST
def preview(request: HttpRequest, ref: str) -> HttpResponse:
    """Look at a room at Discord, and show what would be changed; changes nothing."""
    room = overview.get_room(ref)
    try:
        changes = services.preview_room(room, now=clock.now())
    except (DiscordError, NoDiscordError) as error:
        messages.error(request, error.message)
        return redirect("ops_room", ref)
    context = _room_context(room) | {"changes": [_change_words(one) for one in changes], "is_preview": True}
    return render(request, "ops/room.html", context)


@staff_only
@require_POST
def repair(request: HttpRequest, ref: str) -> HttpResponse:
    """Have a room looked at now, and put right what differs."""
    room = overview.get_room(ref)
    with unit_of_work():
        services.request_reconcile(room.session_id, now=clock.now())
    messages.success(request, "It is being looked at. Reload in a few seconds.")
    return redirect("ops_room", ref)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """Show the site's room policy; a POST saves it."""
    context = choose_policy(request, None, above=None, actor=admin_of(request))
    if context is None:
        return redirect("ops_room_policy")
    return render(request, "ops/room_policy.html", context, status=status_of(context["problems"]))


def _room_context(room: Room) -> dict[str, Any]:
    return {
        "room": room,
        "session": room.session,
        "state": STATES[room.state],
        "policy_words": policy_words(room.policy),
        "people": overview.people_of(room, now=clock.now()),
        "former": overview.former_people_of(room),
        "objects": [(OBJECTS[ObjectKind(one.kind)], one) for one in overview.objects_of(room)],
        "history": [(_event_words(one.action), one) for one in overview.history_of(room)[:_MOST_HISTORY]],
        "changes": [],
        "is_preview": False,
    }


_EVENTS = {
    "fallback": "Another place to meet was offered",
    "do_without_role": "Its people are let in one by one from here on, without a role",
    "end_archive": "The archive was ended: there were too many",
}


def _event_words(action: str) -> str:
    word = action.removeprefix("room.")
    return _EVENTS.get(word) or STATES.get(word, word.replace("_", " "))


def _change_words(change: Change) -> str:
    if isinstance(change, CreateObject):
        return f"Make the {OBJECTS[change.kind]}"
    if isinstance(change, DeleteObject):
        return f"Delete the {OBJECTS[change.target.kind]} {change.target.id}"
    return f"Put right who sees the {OBJECTS[change.target.kind]} {change.target.id}"


def _seconds(wait: timedelta | None) -> str:
    """Write a wait of a few seconds as such, and a longer one in minutes."""
    if wait is None:
        return "none"
    seconds = wait.total_seconds()
    return f"{seconds:.0f} s" if seconds < 60 else display.duration(wait)  # noqa: PLR2004 -- a minute
