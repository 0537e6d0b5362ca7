"""How each fault looks on the wire."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from django.http import HttpResponse, JsonResponse

from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.sandbox.errors import ApiError, forbidden, unauthorized
from greenroom.integrations.discord.sandbox.faults import AFTER
from greenroom.integrations.discord.sandbox.services.people import delete_channel_by_hand

# Our client waits five seconds for an answer.
SLOW_SECONDS = 6.0
_SHORT_WAIT_SECONDS = 1.0
_LONG_WAIT_SECONDS = 3_600.0


def strike_before(fault: str | None, ids: Mapping[str, int]) -> HttpResponse | None:
    """Return the refusal that a fault puts in the request's place, or None when the request goes on."""
    if fault is None or fault in AFTER:
        return None
    if fault == "lost_channel":
        delete_channel_by_hand(ids["channel_id"])
        return None
    return _BEFORE[fault]()


def strike_after(fault: str | None, response: HttpResponse) -> HttpResponse:
    """Return what is left of an answer when a fault strikes on its way back."""
    if fault is None or fault not in AFTER:
        return response
    if fault == "slow":
        time.sleep(SLOW_SECONDS)
        return response
    return _AFTER[fault]()


def limited(retry_after: float, scope: str) -> HttpResponse:
    """Write a 429 that asks for `retry_after` seconds; scope is user, global or shared."""
    message = "The resource is being rate limited." if scope == "shared" else "You are being rate limited."
    body = {"message": message, "retry_after": round(retry_after, 3), "global": scope == "global"}
    headers = {"Retry-After": str(int(retry_after) + 1), "X-RateLimit-Scope": scope}
    if scope == "global":
        headers["X-RateLimit-Global"] = "true"
    if scope == "user":
        headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": f"{retry_after:.3f}"}
    return JsonResponse(body, status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)


def _cloudflare_page() -> HttpResponse:
    page = "<!doctype html><title>Access denied</title><h1>Error 1015</h1>"
    return HttpResponse(page, status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "60"})


def _refusal(error: ApiError) -> HttpResponse:
    return JsonResponse(error.body, status=error.status)


def _server_error() -> HttpResponse:
    return HttpResponse("upstream connect error", status=HTTPStatus.SERVICE_UNAVAILABLE)


_BEFORE: dict[str, Callable[[], HttpResponse]] = {
    "rate_limited": lambda: limited(_SHORT_WAIT_SECONDS, "user"),
    "rate_limited_global": lambda: limited(_SHORT_WAIT_SECONDS, "global"),
    "rate_limited_shared": lambda: limited(_SHORT_WAIT_SECONDS, "shared"),
    "rate_limited_long": lambda: limited(_LONG_WAIT_SECONDS, "user"),
    "cloudflare_429": _cloudflare_page,
    "unauthorized": lambda: _refusal(unauthorized()),
    "forbidden": lambda: _refusal(forbidden(DiscordCode.LACKS_PERMISSION)),
    "server_error_before": _server_error,
}
_AFTER: dict[str, Callable[[], HttpResponse]] = {
    "server_error_after": _server_error,
    "drop_reply": lambda: HttpResponse("<h1>502 Bad Gateway</h1>", status=HTTPStatus.BAD_GATEWAY),
    "garbled_reply": lambda: HttpResponse('{"id": "', content_type="application/json"),
}
