"""Room policies in words."""

from datetime import timedelta

from greenroom.rooms.policies import MOST_BEFORE, RoomKind, RoomPolicy
from greenroom.rooms.types import ObjectKind, RoomState
from greenroom.web.studio.offers.choices import length_words

_MINUTE = timedelta(minutes=1)
# What the room of a session is said to be, to those who run the site.
STATES: dict[str, str] = {
    RoomState.PLANNED: "Planned",
    RoomState.PROVISIONING: "Being made",
    RoomState.HIDDEN: "Made, hidden",
    RoomState.OPEN: "Open",
    RoomState.OPEN_PARTIAL: "Open, not for everybody yet",
    RoomState.DEGRADED: "In trouble",
    RoomState.CLOSED: "Closed, hidden",
    RoomState.ARCHIVED: "Over, can be read",
    RoomState.CLOSING: "Being closed",
    RoomState.GONE: "Gone",
    RoomState.BLOCKED: "Blocked",
}
OBJECTS = {ObjectKind.VOICE: "voice channel", ObjectKind.TEXT: "text channel", ObjectKind.ROLE: "role"}


def policy_words(policy: RoomPolicy) -> str:
    """Write "opens 2 hours before the start, closes 1 hour after the end", with what else is out of the ordinary."""
    parts = [f"opens {before_words(policy.open_before)}", f"closes {after_words(policy.close_after)}"]
    if policy.provision_before != policy.open_before:
        parts.insert(0, f"is made {before_words(policy.provision_before)}")
    if policy.kind is RoomKind.TEXT_AND_VOICE:
        parts.append("with a text channel")
    if policy.archive_for:
        parts.append(f"can be read for {span_words(policy.archive_for)} afterwards")
    if policy.remind_before:
        parts.append(f"is announced on Discord {span_words(policy.remind_before)} before the start")
    return ", ".join(parts)


def before_words(before: timedelta) -> str:
    """Write "15 minutes before the start"."""
    if before >= MOST_BEFORE:
        return "as soon as it is booked"
    return f"{span_words(before)} before the start" if before else "at the start"


def after_words(after: timedelta) -> str:
    """Write "1 hour after the end"."""
    return f"{span_words(after)} after the end" if after else "at the end"


def span_words(span: timedelta) -> str:
    """Write "2 days", "1 hour 30 minutes"."""
    return length_words(span // _MINUTE)
