"""What a room should be, and how to get there. Pure: no database, no network, `now` passed in.

Every interval is half-open: at `opens_at` the room is open, at `closes_at` it is not.
"""

from greenroom.rooms.rules.examining import Finding, Grade, GuildSight, examine, refusal
from greenroom.rooms.rules.markers import (
    FIRST_LOOK,
    is_answer_to,
    marker,
    marker_in,
    settles_at,
)
from greenroom.rooms.rules.page import LINK_REVOKED, PENDING, session_page_state
from greenroom.rooms.rules.planning import desired_room, locked_down, overwrites_of, plan
from greenroom.rooms.rules.timing import (
    COUNTING,
    closes_at,
    fallback_at,
    gone_at,
    is_fallback_time,
    next_check,
    next_turning_point,
    opens_at,
    presence_at,
    provision_at,
    recheck_every,
    remind_at,
    resting_state,
    retry_at,
    torn_down_at,
)

__all__ = [
    "COUNTING",
    "FIRST_LOOK",
    "LINK_REVOKED",
    "PENDING",
    "Finding",
    "Grade",
    "GuildSight",
    "closes_at",
    "desired_room",
    "examine",
    "fallback_at",
    "gone_at",
    "is_answer_to",
    "is_fallback_time",
    "locked_down",
    "marker",
    "marker_in",
    "next_check",
    "next_turning_point",
    "opens_at",
    "overwrites_of",
    "plan",
    "presence_at",
    "provision_at",
    "recheck_every",
    "refusal",
    "remind_at",
    "resting_state",
    "retry_at",
    "session_page_state",
    "settles_at",
    "torn_down_at",
]
