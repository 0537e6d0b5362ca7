"""The tolerant reader: takes the few fields we need from Discord's JSON and raises `Unreadable` when one is missing."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from greenroom.integrations.discord.types import (
    AuditEntry,
    AuditEntryId,
    Channel,
    ChannelId,
    DiscordUser,
    DiscordUserId,
    Guild,
    GuildId,
    Member,
    MessageId,
    Overwrite,
    OverwriteTarget,
    Role,
    RoleId,
    Tokens,
    VoiceState,
)

T = TypeVar("T")


class Unreadable(Exception):  # noqa: N818 -- reads as what happened; never leaves this package
    """The answer lacks a field we cannot do without."""


def read(body: bytes, reader: Callable[[object], T]) -> T:
    """Decode a body and hand it to one of the readers below. Raises: Unreadable."""
    try:
        return reader(json.loads(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error


def channel(value: object) -> Channel:
    """Read a channel; overwrites of kinds we do not know are left out."""
    fields = _object(value)
    return Channel(
        id=ChannelId(_int(fields["id"])),
        type=_int(fields["type"]),
        name=_text(fields.get("name")),
        parent_id=_optional(fields.get("parent_id"), lambda it: ChannelId(_int(it))),
        overwrites=_overwrites(fields.get("permission_overwrites")),
    )


def channels(value: object) -> tuple[Channel, ...]:
    """Read a list of channels."""
    return tuple(channel(item) for item in _list(value))


def role(value: object) -> Role:
    """Read a role."""
    fields = _object(value)
    return Role(
        id=RoleId(_int(fields["id"])),
        name=_text(fields.get("name")),
        permissions=_int(fields.get("permissions", 0)),
        position=_int(fields.get("position", 0)),
    )


def roles(value: object) -> tuple[Role, ...]:
    """Read a list of roles."""
    return tuple(role(item) for item in _list(value))


def role_counts(value: object) -> dict[RoleId, int]:
    """Read how many members have each role."""
    return {RoleId(_int(role_id)): _int(count) for role_id, count in _object(value).items()}


def guild(value: object) -> Guild:
    """Read a guild."""
    fields = _object(value)
    return Guild(
        id=GuildId(_int(fields["id"])),
        name=_text(fields.get("name")),
        owner_id=_optional(fields.get("owner_id"), lambda it: DiscordUserId(_int(it))),
        needs_two_factor=fields.get("mfa_level") == 1,
    )


def user(value: object) -> DiscordUser:
    """Read a user; who has set no display name is shown by their username."""
    fields = _object(value)
    username = _text(fields.get("username"))
    return DiscordUser(
        id=DiscordUserId(_int(fields["id"])),
        username=username,
        display_name=_text(fields.get("global_name")) or username,
    )


def member(value: object) -> Member:
    """Read a guild member."""
    fields = _object(value)
    return Member(
        user_id=DiscordUserId(_int(_object(fields["user"])["id"])),
        role_ids=tuple(RoleId(_int(item)) for item in _list(fields.get("roles") or [])),
        is_pending=fields.get("pending") is True,
    )


def voice_state(value: object) -> VoiceState:
    """Read a voice state."""
    fields = _object(value)
    return VoiceState(
        user_id=DiscordUserId(_int(fields["user_id"])),
        channel_id=_optional(fields.get("channel_id"), lambda it: ChannelId(_int(it))),
    )


def audit_log(value: object) -> tuple[AuditEntry, ...]:
    """Read an audit log's lines."""
    return tuple(_audit_entry(item) for item in _list(_object(value)["audit_log_entries"]))


def message_id(value: object) -> MessageId:
    """Read the id of a message."""
    return MessageId(_int(_object(value)["id"]))


def tokens(value: object) -> Tokens:
    """Read an OAuth2 token answer."""
    fields = _object(value)
    access_token, refresh_token = fields["access_token"], fields["refresh_token"]
    if not isinstance(access_token, str) or not isinstance(refresh_token, str):
        raise TypeError("tokens are strings")
    return Tokens(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_in=timedelta(seconds=_int(fields["expires_in"])),
        scopes=frozenset(_text(fields.get("scope")).split()),
    )


def _audit_entry(value: object) -> AuditEntry:
    fields = _object(value)
    reason = fields.get("reason")
    return AuditEntry(
        id=AuditEntryId(_int(fields["id"])),
        action=_int(fields["action_type"]),
        user_id=_optional(fields.get("user_id"), lambda it: DiscordUserId(_int(it))),
        target_id=_optional(fields.get("target_id"), _int),
        reason=reason if isinstance(reason, str) else None,
    )


def _overwrites(value: object) -> tuple[Overwrite, ...]:
    if value is None:
        return ()
    known = {int(target) for target in OverwriteTarget}
    items: Iterable[dict[str, object]] = (_object(item) for item in _list(value))
    return tuple(
        Overwrite(
            target_type=OverwriteTarget(_int(item["type"])),
            target_id=_int(item["id"]),
            allow=_int(item.get("allow", 0)),
            deny=_int(item.get("deny", 0)),
        )
        for item in items
        if _int(item["type"]) in known
    )


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("expected a list")
    return value


def _int(value: object) -> int:
    """Read an id or permission set, which Discord sends as a string, or a plain number."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError("expected a number")
    return int(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _optional(value: object, reader: Callable[[object], T]) -> T | None:
    return None if value is None else reader(value)
