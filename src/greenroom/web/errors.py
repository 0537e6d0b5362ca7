"""Turning our own errors into pages; the one place where the pages do so."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from greenroom.core.errors import (
    BusyError,
    GreenroomError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
)

_PAGES: tuple[tuple[type[GreenroomError], str, HTTPStatus], ...] = (
    (NotFoundError, "404.html", HTTPStatus.NOT_FOUND),
    (NotAllowedError, "403.html", HTTPStatus.FORBIDDEN),
    (InvalidInputError, "400.html", HTTPStatus.UNPROCESSABLE_ENTITY),
    (RateLimitedError, "429.html", HTTPStatus.TOO_MANY_REQUESTS),
)


class OurErrorsMiddleware:
    """Answers a page for each GreenroomError that a view lets through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page for one of our errors; everything else is Django's."""
        if not isinstance(error, GreenroomError):
            return None
        template, status = _page_of(error)
        response = render(request, template, {"message": error.message}, status=status)
        if isinstance(error, RateLimitedError):
            response["Retry-After"] = str(error.retry_after_seconds)
        return response


def _page_of(error: GreenroomError) -> tuple[str, HTTPStatus]:
    for kind, template, status in _PAGES:
        if isinstance(error, kind):
            return template, status
    if isinstance(error, BusyError):
        return "400.html", HTTPStatus.SERVICE_UNAVAILABLE
    return "400.html", HTTPStatus.CONFLICT
