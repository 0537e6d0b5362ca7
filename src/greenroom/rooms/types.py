"""The states of rooms and of people's access, and the values that the rules are given and give back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroom.bookings.types import SessionStatus
from greenroom.integrations.discord.types import Channel, ChannelId, DiscordUserId, GuildId, Overwrite


class RoomState(StrEnum):
    """What was last seen of a room: a cache. What it should be is computed from the clock and the booking."""

    PLANNED = "planned"
    PROVISIONING = "provisioning"
    HIDDEN = "hidden"
    OPEN = "open"
    OPEN_PARTIAL = "open_partial"
    DEGRADED = "degraded"
    CLOSING = "closing"
    GONE = "gone"
    BLOCKED = "blocked"


# A room seen in Discord in one of these states has a channel.
STANDING = (RoomState.HIDDEN, RoomState.OPEN, RoomState.OPEN_PARTIAL)


class Intent(StrEnum):
    """What was about to be asked of Discord, written down before it was asked."""

    NONE = ""
    CREATE_CHANNEL = "create_channel"


class ObjectKind(StrEnum):
    """What the bot makes at Discord. Roles have their place here."""

    CHANNEL = "channel"


class PersonRole(StrEnum):
    """As what somebody enters a room."""

    STUDENT = "student"
    COACH = "coach"


class AccessState(StrEnum):
    """One person's way into one room. `waiting`: in the server already, and the room is not open yet."""

    UNLINKED = "unlinked"
    NOT_IN_GUILD = "not_in_guild"
    JOINING = "joining"
    WAITING = "waiting"
    GRANTED = "granted"
    REVOKED = "revoked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A coaching session as far as its room cares; instants are aware UTC."""

    status: SessionStatus
    starts_at: datetime
    ends_at: datetime
    is_on_discord: bool = True


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who belongs into a room. `booking_id` is empty for the coach.

    `discord_user_id` is empty until they linked Discord, and for an account that Discord does not know any more.
    """

    role: PersonRole
    booking_id: int | None = None
    identity_id: int | None = None
    discord_user_id: DiscordUserId | None = None


class Presence(StrEnum):
    """Whether a room should exist, and whether its people should see it."""

    ABSENT = "absent"
    HIDDEN = "hidden"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be: `allowed` are the people who should see the room, each with a permission integer."""

    presence: Presence
    allowed: frozenset[tuple[DiscordUserId, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a room stands and who keeps it: what its overwrites need besides the people."""

    guild_id: GuildId
    bot_id: DiscordUserId


@dataclass(frozen=True, slots=True)
class Actual:
    """What is: the channels at Discord that are this room's. More than one only after a riddle was solved."""

    place: Place
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateChannel:
    """Make the room, with its overwrites from the first moment."""

    overwrites: frozenset[Overwrite]


@dataclass(frozen=True, slots=True)
class SetOverwrites:
    """Replace who sees the room."""

    channel_id: ChannelId
    overwrites: frozenset[Overwrite]


@dataclass(frozen=True, slots=True)
class DeleteChannel:
    """Take the room away, and everybody in it out of it."""

    channel_id: ChannelId


Change = CreateChannel | SetOverwrites | DeleteChannel


class PageState(StrEnum):
    """What the session page says about the room.

    `opening`: its time has come and it is being made or opened. `connect`: the person has to act.
    """

    EARLY = "early"
    OPENING = "opening"
    CONNECT = "connect"
    READY = "ready"
    FAILED = "failed"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the page knows of a room and of one person's access, for `rules.session_page_state`."""

    state: RoomState
    has_channel: bool
    access: AccessState | None
    access_error: str = ""
    room_error: str = ""
