"""What can stop a run over one room. None of these reaches a person."""

from datetime import datetime


class TurnLostError(Exception):
    """Another run took this room over; nothing of what this one still wanted may be done."""


class NotYetError(Exception):
    """The run can only go on at `at` (aware): nothing is wrong, it has to wait."""

    def __init__(self, at: datetime, reason: str) -> None:
        super().__init__(reason)
        self.at = at
        self.reason = reason
