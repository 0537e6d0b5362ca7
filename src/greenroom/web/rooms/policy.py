"""The page on which a room policy is chosen: the site's, a coach's, an offer's."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from greenroom.core import clock
from greenroom.core.actors import Actor
from greenroom.rooms import services
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.queries import PolicyOwner, kept_policy
from greenroom.web.problems import problems_of
from greenroom.web.rooms.forms import PolicyForm

_SAVED = "Saved. It counts for what is booked from now on."


def choose_policy(
    request: HttpRequest, owner: PolicyOwner, *, above: RoomPolicy | None, actor: Actor
) -> dict[str, Any] | None:
    """Return the context of the page, or None once a POST saved what was chosen."""
    form = PolicyForm(request.POST if request.method == "POST" else None, kept=kept_policy(owner), above=above)
    if form.is_valid():
        services.keep_policy(owner, form.cleaned_data["policy"], actor=actor, now=clock.now())
        messages.success(request, _SAVED)
        return None
    problems = problems_of(form) if form.is_bound else []
    return {"form": form, "problems": problems}
