import json
from datetime import timedelta
from typing import Any

import pytest

from greenroom.integrations.discord.answers import error_of, parse_object, read_limit
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


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b"", OutcomeUnknown),
        (503, {"code": 130000}, OutcomeUnknown),
        (408, b"", OutcomeUnknown),
        (302, {}, Unavailable),
        (403, b"<html>", Unavailable),
        (401, b"<html>", Unavailable),
        (404, b"<html>", Unavailable),
        (400, [1], Unavailable),
        (401, {"message": "401: Unauthorized", "code": 0}, Unauthorized),
        (403, {"code": 50013}, Forbidden),
        (403, {"code": 50025}, TokenRevoked),
        (404, {"code": 10003}, NotFound),
        (404, {"message": "404: Not Found", "code": 0}, BadRequest),
        (400, {"code": 30005}, CapacityReached),
        (400, {"code": 30013}, CapacityReached),
        (400, {"code": 30060}, CapacityReached),
        (400, {"code": 50035}, BadRequest),
        (400, {"code": True}, BadRequest),
        (418, {"code": 1}, BadRequest),
    ],
)
def test_error_of_a_bots_write_is_typed(status: int, body: Any, expected: type[DiscordError]) -> None:
    error = error_of(answer(status, body), is_read=False, is_bot=True)

    assert type(error) is expected


def test_error_of_a_read_that_failed_is_certainly_not_done() -> None:
    assert type(error_of(answer(503), is_read=True, is_bot=True)) is Unavailable


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "invalid_grant"}, TokenRevoked),
        (401, {"message": "401: Unauthorized", "code": 0}, TokenRevoked),
        (401, {"error": "invalid_client"}, BadRequest),
        (400, {"error": "invalid_request", "error_description": "no code"}, BadRequest),
        (403, {"code": 40007}, Forbidden),
    ],
)
def test_error_of_a_persons_grant_never_blames_the_bot(status: int, body: Any, expected: type[DiscordError]) -> None:
    error = error_of(answer(status, body), is_read=False, is_bot=False)

    assert type(error) is expected


def test_error_of_a_bad_form_names_the_first_field() -> None:
    errors = {"permission_overwrites": {"0": {"allow": {"_errors": [{"code": "X", "message": "no"}]}}}}

    error = error_of(
        answer(400, {"code": 50035, "message": "Invalid Form Body", "errors": errors}), is_read=False, is_bot=True
    )

    assert isinstance(error, BadRequest)
    assert error.discord_field == "permission_overwrites.0.allow"
    assert str(error) == ("discord_bad_request: Invalid Form Body: permission_overwrites.0.allow (code 50035)")


def test_error_of_a_cap_names_it() -> None:
    error = error_of(answer(400, {"code": 30060}), is_read=False, is_bot=True)

    assert isinstance(error, CapacityReached)
    assert (error.cap, error.discord_code) == (Cap.OVERWRITES, 30060)


def test_error_message_for_people_is_plain_and_says_no_details() -> None:
    error = error_of(answer(403, {"code": 50013, "message": "Missing Permissions"}), is_read=False, is_bot=True)

    assert error.message == "Discord refused this."
    assert str(error) == "discord_forbidden: Missing Permissions (code 50013)"


@pytest.mark.parametrize(
    ("body", "headers", "seconds", "scope"),
    [
        ({"retry_after": 0.4}, {"retry_after": "1"}, 0.4, Scope.USER),
        ({"retry_after": 0.4, "global": True}, {}, 0.4, Scope.GLOBAL),
        ({"retry_after": 0.4}, {"x_ratelimit_global": "true"}, 0.4, Scope.GLOBAL),
        ({"retry_after": 3}, {"x_ratelimit_scope": "shared"}, 3, Scope.SHARED),
        ({}, {"retry_after": "7"}, 7, Scope.USER),
        ({}, {}, 1, Scope.USER),
        ({"retry_after": "soon"}, {"retry_after": "-3"}, 1, Scope.USER),
        ({"retry_after": None}, {}, 1, Scope.USER),
        ({"retry_after": 1e300}, {}, 7 * 24 * 3600, Scope.USER),
        (b'{"retry_after": NaN}', {}, 1, Scope.USER),
        (b"<html>", {"retry_after": "5"}, 60, Scope.CLOUDFLARE),
        (b"<html>", {"retry_after": "500"}, 500, Scope.CLOUDFLARE),
        (b"", {}, 60, Scope.CLOUDFLARE),
    ],
)
def test_read_limit(body: Any, headers: dict[str, str], seconds: float, scope: Scope) -> None:
    limit = read_limit(answer(429, body, **headers))

    assert limit.retry_after == timedelta(seconds=seconds)
    assert limit.scope is scope


def test_read_limit_keeps_discords_code() -> None:
    assert read_limit(answer(429, {"retry_after": 600, "code": 20028})).discord_code == 20028


def test_parse_object_too_deep_is_none() -> None:
    assert parse_object(b"[" * 100_000) is None
