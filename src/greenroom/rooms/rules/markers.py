"""How a room's channels and role are recognised at Discord, and when a lost request can no longer land."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from greenroom.integrations.discord.snowflake import instant_of
from greenroom.rooms.policies import SHORT8

# Our client gives up after this long; a request that left may still be carried out a little later.
CALL_LASTS_AT_MOST = timedelta(seconds=8)
LATE_LANDING = timedelta(seconds=15)
FIRST_LOOK = timedelta(seconds=3)
# Two machines' clocks differ: a channel whose id is this much older than the intent may still be the one.
CLOCK_SKEW = timedelta(seconds=120)
_MARKER = re.compile(r"[0-9a-f]{8}")


def settles_at(intent_at: datetime) -> datetime:
    """Tell from when on a request made at `intent_at` and never answered has either been carried out or never will."""
    return intent_at + CALL_LASTS_AT_MOST + LATE_LANDING


def marker(secret: str, ref: str, generation: int) -> str:
    """Return the eight characters by which what belongs to a room is known at Discord; they tell strangers nothing."""
    return hmac.new(secret.encode(), f"rooms.marker:{ref}:{generation}".encode(), hashlib.sha256).hexdigest()[:8]


def marker_in(name: str, templates: Iterable[str]) -> str | None:
    """Return the marker in a name that one of the templates makes, or None for one that is none of ours.

    Discord writes hyphens for the spaces in names of text channels.
    """
    for template in templates:
        for spelled in (template, template.replace(" ", "-")):
            before, _, after = spelled.partition(SHORT8)
            middle = name[len(before) : len(name) - len(after)]
            if name == before + middle + after and _MARKER.fullmatch(middle):
                return middle
    return None


def is_answer_to(object_id: int, name: str, room_marker: str, intent_at: datetime) -> bool:
    """Tell whether what Discord lists under this id and name can be what a lost request of `intent_at` made."""
    return room_marker in name and instant_of(object_id) >= intent_at - CLOCK_SKEW
