import pytest

from greenroom.core.errors import (
    BusyError,
    GreenroomError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GreenroomError(), "error"),
        (NotFoundError(), "not_found"),
        (InvalidInputError(), "invalid"),
        (NotAllowedError(), "not_allowed"),
        (BusyError(), "busy"),
        (RateLimitedError(7), "rate_limited"),
    ],
)
def test_error_has_its_code_and_plain_words(error: GreenroomError, code: str) -> None:
    assert isinstance(error, GreenroomError)
    assert error.code == code
    assert error.field is None
    assert str(error) == error.message
    assert error.message.endswith(".")


def test_error_takes_its_own_message_and_field() -> None:
    error = InvalidInputError("Use a date.", field="from")

    assert (error.message, error.field, str(error)) == ("Use a date.", "from", "Use a date.")
    assert InvalidInputError.message == "Please check this value."


def test_rate_limited_says_when_to_come_back() -> None:
    error = RateLimitedError(42)

    assert error.retry_after_seconds == 42
    assert error.message == "Too many tries. Please try again in 42 seconds."
