"""Why a start is not offered: stable codes and what is said about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroom.availability.engine.types import Interval


class ReasonCode(StrEnum):
    """What refuses a start. The values are stable: interfaces and logs may rely on them."""

    OUT_OF_RANGE = "out_of_range"
    OUTSIDE_WINDOWS = "outside_windows"
    WINDOW_OFF = "window_off"
    ENDS_AFTER_WINDOW = "ends_after_window"
    CLOSED_BY_OVERRIDE = "closed_by_override"
    OFF_GRID = "off_grid"
    BLACKOUT = "blackout"
    BUSY = "busy"
    BUFFER = "buffer"
    TOO_SOON = "too_soon"
    TOO_FAR_AHEAD = "too_far_ahead"
    OUTSIDE_DATES = "outside_dates"
    DAILY_LIMIT = "daily_limit"
    WEEKLY_LIMIT = "weekly_limit"
    MONTHLY_LIMIT = "monthly_limit"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that refuses a start, in plain English, and the time that is in the way if there is one."""

    code: ReasonCode
    sentence: str
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that refuses one instant; nothing does when it is offered.

    `openings` say in which weekly windows or overrides the session would lie; there are none outside the hours.
    """

    instant: datetime
    reasons: tuple[Reason, ...]
    openings: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Tell whether `open_slots` lists the instant."""
        return not self.reasons
