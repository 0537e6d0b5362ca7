"""What pages need to send a person to Discord and get them back: a cookie, a redirect, and a policy that allows it."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render

from greenroom.accounts import services
from greenroom.accounts.limits import LINKS_BY_ADDRESS
from greenroom.accounts.models import User
from greenroom.accounts.rules import ATTEMPT_LIFETIME
from greenroom.core import clock
from greenroom.core.http import client_address
from greenroom.core.ratelimit import take
from greenroom.web.policy import allow_form_action

_SECRET_BYTES = 32
# What `token_urlsafe` makes of them; a cookie of any other length is not one of ours.
_SECRET_LENGTH = 43
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[..., HttpResponseBase]


def begin(
    request: HttpRequest, *, return_path: str, booking_id: int | None = None, user: User | None = None
) -> HttpResponse:
    """Send the browser to Discord's consent page for a booking, a user, or both; 404 when Discord is not set up.

    Only for POST requests that were allowed to act for them: nothing is checked here but how often one address
    begins. Raises: RateLimitedError.
    """
    if settings.DISCORD is None:
        return render(request, "accounts/discord_off.html", {"back_url": return_path}, status=404)
    now = clock.now()
    take(LINKS_BY_ADDRESS, client_address(request), now=now)
    secret = browser_secret(request) or secrets.token_urlsafe(_SECRET_BYTES)
    address = services.start_link(
        browser_secret=secret, return_path=return_path, booking_id=booking_id, user=user, now=now
    )
    response = HttpResponseRedirect(address)
    response.set_cookie(
        cookie_name(),
        secret,
        max_age=2 * int(ATTEMPT_LIFETIME.total_seconds()),
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",  # it has to come along when Discord sends the browser back
    )
    return allow_discord(response)


def browser_secret(request: HttpRequest) -> str:
    """Return the secret of this browser's cookie, or "". Two tabs share it, so that both may come back."""
    secret = request.COOKIES.get(cookie_name(), "")
    return secret if len(secret) == _SECRET_LENGTH else ""


def cookie_name() -> str:
    """Return the cookie's name: over https one that no other host can set."""
    return f"{'__Host-' if settings.IS_HTTPS else ''}discord_link"


def allow_discord(response: R) -> R:
    """Let forms of this page lead to Discord: browsers apply `form-action` to redirects after a POST, too."""
    if settings.DISCORD is not None:
        parts = urlsplit(settings.DISCORD.authorize_url)
        allow_form_action(response, f"{parts.scheme}://{parts.netloc}")
    return response


def allows_discord_redirect(view: View) -> View:
    """Decorate the view of a page that holds a form which leads to Discord."""

    @wraps(view)
    def allowing(*args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401 -- whatever the view takes
        return allow_discord(view(*args, **kwargs))

    return allowing
