"""Turns an answer that is not a success into the error that says what happened. Pure: no clock, no network."""

import json
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from greenroom.integrations.discord.codes import PARENT_FULL, DiscordCode
from greenroom.integrations.discord.errors import (
    BadRequest,
    Cap,
    CapacityReached,
    DiscordError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    Scope,
    TokenRevoked,
    Unauthorized,
    Unavailable,
)
from greenroom.integrations.discord.transport import Answer

# An HTML 429 comes from Cloudflare: the host is banned, and asking again makes it longer.
CLOUDFLARE_STOP = timedelta(seconds=60)
_FALLBACK_WAIT = timedelta(seconds=1)
# No limit of Discord's lasts longer; also keeps absurd numbers out of timedelta.
_LONGEST_WAIT_SECONDS = 7 * 24 * 3600.0
_UNKNOWN_OBJECT_CODES = range(10_001, 10_100)
_CAPS = {
    DiscordCode.TOO_MANY_ROLES: Cap.ROLES,
    DiscordCode.TOO_MANY_CHANNELS: Cap.CHANNELS,
    DiscordCode.TOO_MANY_OVERWRITES: Cap.OVERWRITES,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A 429, read: how long, and for whom."""

    retry_after: timedelta
    scope: Scope
    discord_code: int | None = None


def parse_object(body: bytes) -> dict[str, object] | None:
    """Read a JSON object, or None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_limit(answer: Answer) -> Limit:
    """Read a 429. A body that is not Discord's JSON is Cloudflare's and means at least a minute for everything."""
    body = parse_object(answer.body)
    header_seconds = _seconds(answer.headers.get("retry-after"))
    if body is None:
        wait = timedelta(seconds=header_seconds or 0.0)
        return Limit(max(wait, CLOUDFLARE_STOP), Scope.CLOUDFLARE)
    seconds = _seconds(body.get("retry_after"))
    known = [value for value in (seconds, header_seconds) if value is not None]
    # The header is rounded up to whole seconds, the body is exact; without either we guess.
    wait = timedelta(seconds=known[0]) if known else _FALLBACK_WAIT
    is_global = body.get("global") is True or answer.headers.get("x-ratelimit-global") == "true"
    named = Scope.SHARED if answer.headers.get("x-ratelimit-scope") == Scope.SHARED else Scope.USER
    return Limit(wait, Scope.GLOBAL if is_global else named, _code(body))


def error_of(answer: Answer, *, is_read: bool, is_bot: bool) -> DiscordError:
    """Say what an answer outside 2xx and other than 429 means. `is_bot`: the request carried the bot's token."""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
        return Unavailable(f"status {answer.status}") if is_read else OutcomeUnknown(f"status {answer.status}")
    body = parse_object(answer.body)
    if answer.status < HTTPStatus.BAD_REQUEST or body is None:
        # A redirect or a page that is not the API's own (a proxy's, Cloudflare's) proves nothing about the object:
        # reading it as "gone" would lose a room, reading it as "dead token" would stop everything.
        return Unavailable(f"status {answer.status} that is not the API's")
    if is_bot:
        return _refusal(answer.status, body)
    return _grant_refusal(answer.status, body)


def _refusal(status: int, body: dict[str, object]) -> DiscordError:
    code, message = _code(body), _message(body)
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized(message, discord_code=code)
    if code == DiscordCode.INVALID_USER_TOKEN:
        return TokenRevoked(message, discord_code=code)
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden(message, discord_code=code)
    if status == HTTPStatus.NOT_FOUND and code in _UNKNOWN_OBJECT_CODES:
        return NotFound(message, discord_code=code)
    return _bad_request(message, code, body)


def _bad_request(message: str, code: int | None, body: dict[str, object]) -> DiscordError:
    for known, cap in _CAPS.items():
        if code == known:
            return CapacityReached(cap, discord_code=known)
    if code == DiscordCode.INVALID_FORM and PARENT_FULL in json.dumps(body):
        return CapacityReached(Cap.CATEGORY, discord_code=code)
    return BadRequest(message, discord_code=code, discord_field=_first_field(body.get("errors")))


def _grant_refusal(status: int, body: dict[str, object]) -> DiscordError:
    """Tell a person's dead grant from an application that is set up wrongly (RFC 6749, 5.2)."""
    error = body.get("error")
    if error == "invalid_grant" or (status == HTTPStatus.UNAUTHORIZED and error is None):
        return TokenRevoked(_message(body), discord_code=_code(body))
    if status == HTTPStatus.UNAUTHORIZED:
        return BadRequest(_message(body), discord_code=_code(body))
    return _refusal(status, body)


def _first_field(errors: object) -> str | None:
    """Walk to the first leaf of Discord's nested errors: {"a": {"0": {"_errors": [...]}}} is the field "a.0"."""
    names: list[str] = []
    while isinstance(errors, dict):
        name = next((str(key) for key in errors if key != "_errors"), None)
        if name is None:
            break
        names.append(name)
        errors = errors[name]
    return ".".join(names) or None


def _code(body: dict[str, object]) -> int | None:
    code = body.get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _message(body: dict[str, object]) -> str:
    """Discord's own sentence; OAuth2 bodies name their error instead."""
    for key in ("message", "error_description", "error"):
        text = body.get(key)
        if isinstance(text, str) and text:
            return text[:200]
    return "Discord refused"


def _seconds(value: object) -> float | None:
    if not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    # NaN fails this comparison too.
    return min(seconds, _LONGEST_WAIT_SECONDS) if seconds >= 0 else None
