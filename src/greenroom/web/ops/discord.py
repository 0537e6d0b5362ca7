"""Setting Discord up: the bot, its server, and what is wrong with them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from greenroom.core import clock
from greenroom.integrations.discord.errors import DiscordError
from greenroom.integrations.discord.oauth import bot_invite_url
from greenroom.integrations.discord.permissions import BOT_INVITE
from greenroom.rooms import services
from greenroom.rooms.queries import is_token_dead, latest_report
from greenroom.web.ops.access import admin_of, staff_only


@staff_only
@require_safe
def discord(request: HttpRequest) -> HttpResponse:
    """Show how Discord stands, as it was last looked at."""
    context = {
        "report": latest_report(),
        "is_token_dead": is_token_dead(),
        "is_simulated": settings.SANDBOX_ENABLED,
        **_setup(),
    }
    return render(request, "ops/discord.html", context)


@staff_only
@require_POST
def examine(request: HttpRequest) -> HttpResponse:
    """Look at the server now."""
    if "again" in request.POST:
        services.try_token_again(actor=admin_of(request), now=clock.now())
    try:
        report = services.examine_guild(now=clock.now())
    except DiscordError as error:
        messages.error(request, f"{error.message} What stands here is from the last look.")
    else:
        count = len(report.findings) if report else 0
        messages.success(request, f"Looked at. {count} to mend." if count else "Looked at. Nothing is wrong.")
    return redirect("ops_discord")


def _setup() -> dict[str, Any]:
    known = settings.DISCORD
    redirect_uri = f"{settings.BASE_URL}{reverse('discord_callback')}"
    if known is None:
        return {"is_on": False, "redirect_uri": redirect_uri, "permissions": int(BOT_INVITE), "invite_url": ""}
    return {
        "is_on": True,
        "redirect_uri": known.redirect_uri,
        "permissions": int(BOT_INVITE),
        "invite_url": bot_invite_url(known.authorize_url, known.client_id, known.guild_id),
    }
