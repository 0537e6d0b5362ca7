"""The states of rooms and of people's access, and the values that the rules are given and give back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroom.bookings.types import SessionStatus
from greenroom.integrations.discord.types import DiscordUserId, GuildId, Overwrite


class RoomState(StrEnum):
    """What was last seen of a room: a cache. What it should be is computed from the clock and the booking."""

    PLANNED = "planned"
    PROVISIONING = "provisioning"
    HIDDEN = "hidden"
    OPEN = "open"
    OPEN_PARTIAL = "open_partial"
    DEGRADED = "degraded"
    CLOSED = "closed"
    ARCHIVED = "archived"
    CLOSING = "closing"
    GONE = "gone"
    BLOCKED = "blocked"


# A room in one of these states was seen at Discord.
STANDING = (RoomState.HIDDEN, RoomState.OPEN, RoomState.OPEN_PARTIAL)


class ObjectKind(StrEnum):
    """What the bot makes at Discord for a room. Each is asked for, stands, and is deleted in the same way."""

    ROLE = "role"
    VOICE = "voice"
    TEXT = "text"


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
    """Whether a room should exist, and what its people should have of it.

    Hidden it is before it opens, closed after it; both let nobody in, and only a hidden one is made where none is.
    Of an archived one they can read what was written.
    """

    ABSENT = "absent"
    HIDDEN = "hidden"
    OPEN = "open"
    CLOSED = "closed"
    ARCHIVED = "archived"


# After the session: nothing is made any more, and nobody may be in it.
AFTERWARDS = (Presence.CLOSED, Presence.ARCHIVED)


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be: `kinds` are the objects a room is made of, `people` are those who should see or read it."""

    presence: Presence
    kinds: frozenset[ObjectKind] = frozenset()
    people: frozenset[DiscordUserId] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a room stands and who keeps it: what its overwrites need besides the people."""

    guild_id: GuildId
    bot_id: DiscordUserId


@dataclass(frozen=True, slots=True)
class Found:
    """One object of a room as Discord shows it; a role has no overwrites."""

    kind: ObjectKind
    id: int
    overwrites: frozenset[Overwrite] = frozenset()


@dataclass(frozen=True, slots=True)
class Actual:
    """What is: the objects at Discord that are this room's, of each kind the one to keep first.

    `awaited` are kinds of which there may be one that cannot be seen now: an answer was lost, or a look failed.
    """

    place: Place
    found: tuple[Found, ...] = ()
    awaited: frozenset[ObjectKind] = frozenset()


@dataclass(frozen=True, slots=True)
class CreateObject:
    """Make one of the room's objects; channels have their overwrites from the first moment."""

    kind: ObjectKind
    overwrites: frozenset[Overwrite] = frozenset()


@dataclass(frozen=True, slots=True)
class SetOverwrites:
    """Replace who sees a channel."""

    target: Found
    overwrites: frozenset[Overwrite]


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Take an object away; with a channel everybody in it out of it, with a role everybody's right to the room."""

    target: Found


Change = CreateObject | SetOverwrites | DeleteObject


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
