"""How a room's channel is recognised at Discord, and when a lost request can no longer land."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from greenroom.integrations.discord.snowflake import instant_of
from greenroom.integrations.discord.types import Channel, ChannelType

# Our client gives up after this long; a request that left may still be carried out a little later.
CALL_LASTS_AT_MOST = timedelta(seconds=8)
LATE_LANDING = timedelta(seconds=15)
FIRST_LOOK = timedelta(seconds=3)
# Two machines' clocks differ: a channel whose id is this much older than the intent may still be the one.
CLOCK_SKEW = timedelta(seconds=120)
_MARKER = re.compile(r"coaching-([0-9a-f]{8})")


def settles_at(intent_at: datetime) -> datetime:
    """Tell from when on a request made at `intent_at` and never answered has either been carried out or never will."""
    return intent_at + CALL_LASTS_AT_MOST + LATE_LANDING


def marker(secret: str, ref: str, generation: int) -> str:
    """Return the eight characters by which a room's channel is known at Discord; they tell strangers nothing."""
    return hmac.new(secret.encode(), f"rooms.marker:{ref}:{generation}".encode(), hashlib.sha256).hexdigest()[:8]


def channel_name(room_marker: str) -> str:
    """Return the channel's name (X5): lower case, as Discord spells text channels."""
    return f"coaching-{room_marker}"


def marker_in(channel: Channel) -> str | None:
    """Return the marker in a channel's name, or None for a channel that is none of ours."""
    found = _MARKER.fullmatch(channel.name)
    return found[1] if found is not None and channel.type == ChannelType.VOICE else None


def is_answer_to(channel: Channel, room_marker: str, intent_at: datetime) -> bool:
    """Tell whether a channel can be what a lost request of `intent_at` made."""
    return marker_in(channel) == room_marker and instant_of(channel.id) >= intent_at - CLOCK_SKEW
