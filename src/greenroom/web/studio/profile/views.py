"""The coach's profile, and their Discord connection."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from greenroom.accounts.models import DiscordIdentity
from greenroom.accounts.queries import discord_card
from greenroom.coaches.models import Coach
from greenroom.coaches.services import save_profile
from greenroom.core import clock
from greenroom.web.accounts.card import card_context
from greenroom.web.problems import problems_of
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.profile.forms import ProfileForm


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def profile(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    form = ProfileForm(request.POST) if request.method == "POST" else ProfileForm(initial=_written(desk.coach))
    if form.is_bound and form.is_valid():
        save_profile(coach=desk.coach, profile=form.profile, actor=desk.actor, now=clock.now())
        messages.success(request, "Your profile is saved.")
        return redirect("studio_profile")
    context = {
        "form": form,
        "problems": problems_of(form) if form.is_bound else [],
        "coach": desk.coach,
        "discord": discord_context(desk.coach),
        "here": request.path,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return desk.draw(request, "studio/profile.html", context, section="profile", status=status)


def _written(coach: Coach) -> dict[str, object]:
    return {
        "display_name": coach.display_name,
        "headline": coach.headline,
        "bio": coach.bio,
        "languages": coach.languages,
        "topics": list(coach.topics.all()),
        "time_zone": coach.user.time_zone,
        "is_accepting_students": coach.is_accepting_students,
    }


def discord_context(coach: Coach) -> dict[str, object]:
    """Return the Discord card of the coach's account; its buttons come back to the profile."""
    identity = DiscordIdentity.objects.filter(user=coach.user_id).first()
    card = discord_card(identity=identity, now=clock.now(), user=coach.user)
    connect_url = reverse("discord_connect")
    return card_context(card, connect_url=connect_url, switch_url=connect_url)
