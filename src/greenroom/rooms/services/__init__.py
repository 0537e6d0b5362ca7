"""The verbs of rooms: bring one to what it should be, plan that, watch over the plans, sweep up what was lost."""

from greenroom.rooms.services.archives import trim_archives
from greenroom.rooms.services.examining import examine_guild, try_token_again
from greenroom.rooms.services.keeping import keep_policy
from greenroom.rooms.services.planning import (
    RECONCILE,
    reconcile_key,
    request_reconcile,
    request_reconcile_of,
    watch_rooms,
)
from greenroom.rooms.services.previewing import preview_room
from greenroom.rooms.services.reconcile import reconcile_session
from greenroom.rooms.services.reminding import REMIND, Reminder, remind
from greenroom.rooms.services.settling import Verdict
from greenroom.rooms.services.sweep import sweep_guild

__all__ = [
    "RECONCILE",
    "REMIND",
    "Reminder",
    "Verdict",
    "examine_guild",
    "keep_policy",
    "preview_room",
    "reconcile_key",
    "reconcile_session",
    "remind",
    "request_reconcile",
    "request_reconcile_of",
    "sweep_guild",
    "trim_archives",
    "try_token_again",
    "watch_rooms",
]
