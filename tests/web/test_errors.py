"""Each of our errors as a page."""

from http import HTTPStatus

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from greenroom.bookings.errors import HoldEndedError
from greenroom.core.errors import (
    BusyError,
    GreenroomError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
)
from greenroom.web.errors import OurErrorsMiddleware


def page_for(error: Exception) -> HttpResponse | None:
    middleware = OurErrorsMiddleware(lambda _request: HttpResponse())
    return middleware.process_exception(RequestFactory().get("/"), error)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotFoundError(), HTTPStatus.NOT_FOUND, ""),
        (NotAllowedError("You cannot book a session with yourself."), HTTPStatus.FORBIDDEN, "with yourself."),
        (InvalidInputError("<b>No</b>"), HTTPStatus.UNPROCESSABLE_ENTITY, "&lt;b&gt;No&lt;/b&gt;"),
        (RateLimitedError(90), HTTPStatus.TOO_MANY_REQUESTS, ""),
        (BusyError(), HTTPStatus.SERVICE_UNAVAILABLE, "Many people are booking"),
        (HoldEndedError(), HTTPStatus.CONFLICT, "no longer hold this time"),
        (GreenroomError(), HTTPStatus.CONFLICT, "That did not work."),
    ],
)
def test_our_error_is_a_page_with_its_words(error: GreenroomError, status: HTTPStatus, words: str) -> None:
    answer = page_for(error)

    assert answer is not None
    assert answer.status_code == status
    assert words in answer.content.decode()


def test_limit_says_when_to_come_back() -> None:
    answer = page_for(RateLimitedError(90))

    assert answer is not None
    assert answer["Retry-After"] == "90"


def test_other_errors_are_left_to_django() -> None:
    assert page_for(ValueError("secret")) is None
