"""The states of a coach."""

from enum import StrEnum


class CoachStatus(StrEnum):
    """How far a coach is on the way to the public: only `approved` can be seen and booked."""

    APPLIED = "applied"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
