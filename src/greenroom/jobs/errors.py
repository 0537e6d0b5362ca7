"""How a handler says what its failure means. Any other exception is retried with growing delay."""

from datetime import timedelta


class RetryLaterError(Exception):
    """Try again after `delay`; the vendor said when, or the thing is not ripe. Does not count as an attempt."""

    def __init__(self, delay: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.delay = delay


class PermanentFailureError(Exception):
    """Trying again cannot help: the row stops and an operator sees it."""
