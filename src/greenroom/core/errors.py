"""The base of every error a caller may act on."""


class GreenroomError(Exception):
    """Something asked for cannot be done; nothing was changed.

    `code` is stable and part of the public contract; `message` says in plain words what to do; `field` names
    the input at fault when there is one. Only `web` and `api` turn these into pages and problem documents.
    """

    code = "error"
    message = "That did not work."

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        self.message = message or type(self).message
        self.field = field
        super().__init__(self.message)


class NotFoundError(GreenroomError):
    """The thing does not exist, or is not this person's to see: the two look the same."""

    code = "not_found"
    message = "We could not find that."


class InvalidInputError(GreenroomError):
    """A value is not acceptable; `field` names it."""

    code = "invalid"
    message = "Please check this value."


class NotAllowedError(GreenroomError):
    """The person is known and may not do this."""

    code = "not_allowed"
    message = "You may not do that."


class BusyError(GreenroomError):
    """Too many people act on the same thing at once; trying again shortly works."""

    code = "busy"
    message = "Many people are booking right now. Please try again in a few seconds."


class RateLimitedError(GreenroomError):
    """Too many tries; `retry_after_seconds` says when the next one may work."""

    code = "rate_limited"
    message = "Too many tries. Please wait a little and try again."

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many tries. Please try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds
