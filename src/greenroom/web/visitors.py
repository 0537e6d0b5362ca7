"""Who looks at a page: their time zone, clock and theme, and by what they may open a booking. Only cookies, no rows."""

import secrets
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from greenroom.accounts.models import User
from greenroom.bookings import queries
from greenroom.bookings.models import Booking
from greenroom.bookings.rules import holder_digest
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotFoundError
from greenroom.core.http import client_address
from greenroom.notifications.display import Viewer
from greenroom.orders.models import Order
from greenroom.orders.queries import find_purchase, get_purchase_by_token
from greenroom.web.zones import choose_zone, clean_zone

_YEAR_SECONDS = 365 * 24 * 3600
_KEYS_LIVE_SECONDS = 30 * 24 * 3600
_MOST_KEYS = 8
_KEY_SEPARATOR = "~"
THEMES = ("light", "dark")
R = TypeVar("R", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Sight:
    """How times are shown to a visitor; `is_guess` while nobody said which zone is theirs."""

    viewer: Viewer
    is_guess: bool


def sight_of(request: HttpRequest, *, coach_tz: str = "") -> Sight:
    """Decide zone and clock: address, cookie, account, coach, site, in that order."""
    user = signed_in(request)
    said = (request.GET.get("tz"), request.COOKIES.get("tz"), user.time_zone if user else None)
    is_guess = not any(clean_zone(one) for one in said)
    tz = choose_zone(*said, coach_tz, default=settings.TIME_ZONE)
    h24 = {"12": False, "24": True}.get(request.GET.get("h", "")) if "h" in request.GET else None
    if h24 is None:
        h24 = request.COOKIES.get("h") != "12"
    return Sight(Viewer(tz, h24=h24), is_guess)


def remember_choices(request: HttpRequest, response: R) -> R:
    """Keep a zone or clock that the address named explicitly for the visitor's next pages."""
    tz = clean_zone(request.GET.get("tz"))
    if tz:
        _keep(response, "tz", tz, is_script_readable=True)
    if request.GET.get("h") in {"12", "24"}:
        _keep(response, "h", request.GET["h"])
    return response


def remember_theme(response: R, theme: str) -> R:
    """Keep the chosen theme; anything but light or dark follows the system again."""
    if theme in THEMES:
        _keep(response, "theme", theme)
    else:
        response.delete_cookie("theme")
    return response


def signed_in(request: HttpRequest) -> User | None:
    """Return the signed-in person without touching the session of visitors who have none."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    return request.user if request.user.is_authenticated else None


def hold_secret(request: HttpRequest) -> str:
    """Return the visitor's hold cookie, or a fresh value for it: 128 random bits."""
    return request.COOKIES.get(settings.HOLD_COOKIE_NAME) or secrets.token_urlsafe(16)


def holder_of(request: HttpRequest, secret: str) -> str:
    """Return what stands on this visitor's holds: the account when signed in, else the cookie."""
    user = signed_in(request)
    return holder_digest("user", str(user.pk)) if user else holder_digest("cookie", secret)


def keep_hold_secret(response: R, secret: str) -> R:
    """Give the visitor the cookie that opens the pages of their hold."""
    _keep(response, settings.HOLD_COOKIE_NAME, secret, seconds=_KEYS_LIVE_SECONDS)
    return response


def actor_of(request: HttpRequest) -> Actor:
    """Return the visitor as somebody who books: a student when signed in, else a guest."""
    user = signed_in(request)
    kind = ActorKind.STUDENT if user else ActorKind.GUEST
    return Actor(kind, user.pk if user else None, client_address(request))


def open_booking(request: HttpRequest, ref: str) -> tuple[Booking, Actor]:
    """Return a booking this visitor may open, and in which part: by account, hold cookie, or a link opened before.

    Raises: NotFoundError, the same for somebody else's and for none.
    """
    user = signed_in(request)
    if user is not None:
        booking = _find_for(user, ref)
        if booking is not None:
            kind = ActorKind.COACH if booking.coach.user_id == user.pk else ActorKind.STUDENT
            return booking, Actor(kind, user.pk, client_address(request))
    guest = Actor(ActorKind.GUEST, address=client_address(request))
    for token in keys_of(request):
        if token.startswith(f"{ref}."):
            return queries.get_booking_by_token(token), guest
    secret = request.COOKIES.get(settings.HOLD_COOKIE_NAME, "")
    return queries.get_booking_of_holder(holder_digest("cookie", secret), ref), guest


def open_purchase(request: HttpRequest, ref: str) -> tuple[Order, Actor]:
    """Return a purchase this visitor may open: by account, hold cookie, or a link opened before.

    Raises: NotFoundError, the same for somebody else's and for none.
    """
    order, user = find_purchase(ref), signed_in(request)
    if order is None:
        raise NotFoundError
    if user is not None and order.buyer_id == user.pk:
        return order, actor_of(request)
    guest = Actor(ActorKind.GUEST, address=client_address(request))
    for token in keys_of(request):
        if token.startswith(f"{ref}."):
            return get_purchase_by_token(token), guest
    secret = request.COOKIES.get(settings.HOLD_COOKIE_NAME, "")
    if not secret or order.holder != holder_digest("cookie", secret):
        raise NotFoundError
    return order, guest


def arrive(request: HttpRequest, name: str, ref: str) -> HttpResponseBase | None:
    """Take the token of a link to a booking's or purchase's page out of the address bar and into a cookie.

    Returns None without a token. Raises: NotFoundError for a token of another one or of none.
    """
    token = request.GET.get("token")
    if token is None or request.method == "POST":
        return None
    found = get_purchase_by_token(token) if find_purchase(ref) else queries.get_booking_by_token(token)
    if found.ref != ref:
        raise NotFoundError
    rest = {key: value for key, value in request.GET.items() if key != "token"}
    target = reverse(name, args=[ref]) + (f"?{urlencode(rest)}" if rest else "")
    return keep_key(request, redirect(target), token)


def keep_key(request: HttpRequest, response: R, token: str) -> R:
    """Remember a link's token in a cookie, so that it can leave the address bar; the last few links are kept."""
    keys = [token, *(key for key in keys_of(request) if key != token)][:_MOST_KEYS]
    _keep(response, settings.KEYS_COOKIE_NAME, _KEY_SEPARATOR.join(keys), seconds=_KEYS_LIVE_SECONDS)
    return response


def _find_for(user: User, ref: str) -> Booking | None:
    try:
        return queries.get_booking_for(user, ref)
    except NotFoundError:
        return None


def keys_of(request: HttpRequest) -> list[str]:
    """Return the tokens of the links this browser opened last."""
    return request.COOKIES.get(settings.KEYS_COOKIE_NAME, "").split(_KEY_SEPARATOR)[:_MOST_KEYS]


def _keep(
    response: HttpResponseBase, name: str, value: str, *, seconds: int = _YEAR_SECONDS, is_script_readable: bool = False
) -> None:
    response.set_cookie(
        name, value, max_age=seconds, secure=settings.IS_HTTPS, httponly=not is_script_readable, samesite="Lax"
    )
