"""Errors as problem documents (RFC 9457) with a stable `code`."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from greenroom.bookings.errors import SlotTakenError
from greenroom.core.errors import (
    BusyError,
    GreenroomError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
)

CONTENT_TYPE = "application/problem+json"
_RETRY_SHORTLY = "2"
_PARTS_OF_A_REQUEST = {"body", "query", "path", "header", "payload", "asked"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: programs may rely on it."},
        "detail": {"type": "string", "description": "For people: what is wrong and what to do."},
        "field": {"type": "string", "description": "The input at fault, when there is one."},
        "errors": {"type": "array", "items": {"type": "object"}},
        "alternatives": {
            "type": "array",
            "items": {"type": "string"},
            "description": "With `slot_taken`: the nearest free times.",
        },
    },
}
_STATUS: tuple[tuple[type[GreenroomError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (InvalidInputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotAllowedError, HTTPStatus.FORBIDDEN),
    (RateLimitedError, HTTPStatus.TOO_MANY_REQUESTS),
    # Not an error of the server's: the same call works in a moment.
    (BusyError, HTTPStatus.TOO_MANY_REQUESTS),
)


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **extra: Any,  # noqa: ANN401 -- JSON
) -> HttpResponse:
    """Return one problem document."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "code": code, "detail": detail}
    body |= {name: value for name, value in extra.items() if value is not None}
    return HttpResponse(json.dumps(body), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


def problem_of(error: GreenroomError) -> HttpResponse:
    """Return the problem document of one of our own errors."""
    status = status_of(error)
    extra: dict[str, Any] = {"field": error.field}
    headers: dict[str, str] = {}
    if isinstance(error, SlotTakenError):
        extra["alternatives"] = [f"{start:%Y-%m-%dT%H:%M:%SZ}" for start in error.alternatives]
    if isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, BusyError):
        headers["Retry-After"] = _RETRY_SHORTLY
    return problem(status, error.code, error.message, headers=headers, **extra)


def status_of(error: GreenroomError) -> HTTPStatus:
    """Return the status under which an error is told; what is neither input nor permission is a conflict."""
    if error.code == "slot_not_offered":
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.CONFLICT)


def register(api: NinjaAPI) -> None:
    """Make an API answer every error with a problem document."""

    @api.exception_handler(GreenroomError)
    def ours(_request: HttpRequest, error: GreenroomError) -> HttpResponse:
        return problem_of(error)

    @api.exception_handler(ValidationError)
    def invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors = [{"field": _field(item["loc"]), "message": str(item["msg"])} for item in error.errors]
        first = errors[0]
        detail = f"{first['field']}: {first['message']}"
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, field=first["field"], errors=errors)

    @api.exception_handler(HttpError)
    def http(_request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(HTTPStatus(error.status_code), HTTPStatus(error.status_code).name.lower(), str(error))

    @api.exception_handler(RequestDataTooBig)
    def too_big(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "The body is too large.")


def told_as_problem(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return the view with its "method not allowed" as a problem document."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        answer = view(request, *args, **kwargs)
        if answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return answer
        allowed = answer.headers["Allow"]
        detail = f"This address takes {allowed} only."
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, headers={"Allow": allowed})

    return wrapped


@csrf_exempt
def no_such_address(_request: HttpRequest, unknown: str) -> HttpResponse:
    """Answer for an address that the API does not have."""
    return problem(HTTPStatus.NOT_FOUND, "not_found", f"There is no {unknown[:100]} here: see openapi.json.")


@csrf_exempt
def not_here(_request: HttpRequest, instead: str, **_named: object) -> HttpResponse:
    """Answer for an older address whose call does not exist, with what to do instead."""
    return problem(HTTPStatus.NOT_FOUND, "not_found", instead)


def describe(document: dict[str, Any]) -> None:
    """Write into an OpenAPI document that every call may answer with a problem."""
    document["components"]["schemas"]["Problem"] = _PROBLEM
    answer = {
        "description": "What is wrong, and with which field",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"]["4XX"] = answer


def _field(location: tuple[str | int, ...]) -> str:
    """Return the name a caller used: pydantic's location without the part of the request and the parameter."""
    names = [str(part) for part in location if part not in _PARTS_OF_A_REQUEST]
    return ".".join(names) or "body"
