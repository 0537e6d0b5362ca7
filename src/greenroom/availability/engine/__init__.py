"""Pure slot arithmetic: which starts of a coach can be booked, and why another one can't.

No Django, no clock, no input or output. `docs/architecture/slot-engine.md` states the conventions.
"""

from greenroom.availability.engine.explain import explain
from greenroom.availability.engine.instants import iso_instants
from greenroom.availability.engine.reasons import Explanation, Reason, ReasonCode
from greenroom.availability.engine.runs import LOOKBACK_DAYS
from greenroom.availability.engine.slots import group_by_day, open_slots, open_starts
from greenroom.availability.engine.types import (
    Busy,
    Interval,
    LocalInterval,
    Override,
    Rules,
    Schedule,
    SlotQuery,
    Stay,
    Taken,
    Window,
)

__all__ = [
    "LOOKBACK_DAYS",
    "Busy",
    "Explanation",
    "Interval",
    "LocalInterval",
    "Override",
    "Reason",
    "ReasonCode",
    "Rules",
    "Schedule",
    "SlotQuery",
    "Stay",
    "Taken",
    "Window",
    "explain",
    "group_by_day",
    "iso_instants",
    "open_slots",
    "open_starts",
]
