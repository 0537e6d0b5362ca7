"""Values that travel between Greenroom and Discord: ids and the few fields we read of each object.

Snowflakes are `int` here and decimal strings on the wire. Everything else Discord sends is ignored on purpose:
a field that is not read cannot break us when it changes.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import NewType

GuildId = NewType("GuildId", int)
ChannelId = NewType("ChannelId", int)
RoleId = NewType("RoleId", int)
DiscordUserId = NewType("DiscordUserId", int)
MessageId = NewType("MessageId", int)
AuditEntryId = NewType("AuditEntryId", int)


class ChannelType(IntEnum):
    """The channel types Greenroom makes or meets; any other number is kept as a plain int."""

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4


class OverwriteTarget(IntEnum):
    """Whom an overwrite is about, as the wire numbers it."""

    ROLE = 0
    MEMBER = 1


class AuditAction(IntEnum):
    """The audit log actions that prove who made or removed a room (numbers from Discord's documentation)."""

    CHANNEL_CREATE = 10
    CHANNEL_UPDATE = 11
    CHANNEL_DELETE = 12
    MEMBER_KICK = 20
    MEMBER_DISCONNECT = 27
    ROLE_CREATE = 30
    ROLE_DELETE = 32


class JoinResult(StrEnum):
    """What adding a person to the guild did: they came in now (201), or were there already (204)."""

    ADDED = "added"
    ALREADY_MEMBER = "already_member"


@dataclass(frozen=True, slots=True, order=True)
class Overwrite:
    """One permission overwrite of a channel; `allow` and `deny` are permission integers."""

    target_type: OverwriteTarget
    target_id: int
    allow: int = 0
    deny: int = 0


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as far as rooms care. A direct message channel has neither name nor parent."""

    id: ChannelId
    type: int
    name: str = ""
    parent_id: ChannelId | None = None
    overwrites: tuple[Overwrite, ...] = ()


@dataclass(frozen=True, slots=True)
class NewChannel:
    """What to create: a voice channel unless said otherwise, with its overwrites from the first moment."""

    name: str
    overwrites: tuple[Overwrite, ...] = ()
    type: ChannelType = ChannelType.VOICE
    parent_id: ChannelId | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role; `permissions` is a permission integer, and a higher `position` ranks above a lower one."""

    id: RoleId
    name: str
    permissions: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Guild:
    """A Discord server; `needs_two_factor`: whoever moderates it has to have two-factor authentication."""

    id: GuildId
    name: str
    owner_id: DiscordUserId | None = None
    needs_two_factor: bool = False


@dataclass(frozen=True, slots=True)
class DiscordUser:
    """A Discord account; `username` is unique at Discord, `display_name` is what people see."""

    id: DiscordUserId
    username: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a guild; `is_pending` is true while they have not passed the guild's membership screening."""

    user_id: DiscordUserId
    role_ids: tuple[RoleId, ...] = ()
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class VoiceState:
    """The voice channel a member is connected to; None when Discord says they are in none."""

    user_id: DiscordUserId
    channel_id: ChannelId | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of a guild's audit log; the time is in the id (`snowflake.instant_of`)."""

    id: AuditEntryId
    action: int
    user_id: DiscordUserId | None
    target_id: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """An OAuth2 grant of one person. Printing it never shows the tokens.

    `expires_in` counts from the moment of the answer; `scopes` is what was really granted.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: timedelta
    scopes: frozenset[str]
