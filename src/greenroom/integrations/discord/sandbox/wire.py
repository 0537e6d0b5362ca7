"""Writes the sandbox's rows as Discord's JSON: ids and permissions are strings."""

from collections.abc import Iterable

from greenroom.integrations.discord.sandbox.models import (
    SandboxAuditEntry,
    SandboxChannel,
    SandboxGuild,
    SandboxMember,
    SandboxMessage,
    SandboxOverwrite,
    SandboxRole,
    SandboxUser,
    SandboxVoiceState,
)
from greenroom.integrations.discord.snowflake import instant_of
from greenroom.integrations.discord.types import ChannelType

Json = dict[str, object]


def user(row: SandboxUser) -> Json:
    """Write a user."""
    return {
        "id": str(row.pk),
        "username": row.username,
        "global_name": None if row.is_bot else row.display_name,
        "discriminator": "0",
        "avatar": None,
        "bot": row.is_bot,
    }


def guild(row: SandboxGuild) -> Json:
    """Write a guild."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "owner_id": str(row.owner_id),
        "mfa_level": 0,
        "roles": [role(item) for item in row.roles.order_by("position", "pk")],
    }


def role(row: SandboxRole) -> Json:
    """Write a role."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "permissions": str(row.permissions),
        "position": row.position,
        "managed": row.is_managed,
        "color": 0,
        "hoist": False,
        "mentionable": False,
    }


def channel(row: SandboxChannel, overwrites: Iterable[SandboxOverwrite] | None = None) -> Json:
    """Write a channel; overwrites that are not handed in are looked up."""
    if row.recipient is not None:
        return {"id": str(row.pk), "type": int(ChannelType.DM), "recipients": [user(row.recipient)]}
    return {
        "id": str(row.pk),
        "type": row.type,
        "guild_id": str(row.guild_id),
        "name": row.name,
        "parent_id": None if row.parent_id is None else str(row.parent_id),
        "position": 0,
        "permission_overwrites": [
            overwrite(item) for item in (row.overwrites.order_by("pk") if overwrites is None else overwrites)
        ],
    }


def overwrite(row: SandboxOverwrite) -> Json:
    """Write a permission overwrite."""
    return {"id": str(row.target_id), "type": row.target_type, "allow": str(row.allow), "deny": str(row.deny)}


def member(row: SandboxMember) -> Json:
    """Write a guild member."""
    return {
        "user": user(row.user),
        "roles": [str(pk) for pk in row.roles.order_by("pk").values_list("pk", flat=True)],
        "joined_at": row.joined_at.isoformat(),
        "pending": False,
        "deaf": False,
        "mute": False,
    }


def voice_state(row: SandboxVoiceState) -> Json:
    """Write a voice state."""
    return {
        "guild_id": str(row.member.guild_id),
        "channel_id": str(row.channel_id),
        "user_id": str(row.member.user_id),
        "session_id": f"{row.pk:032x}",
    }


def message(row: SandboxMessage) -> Json:
    """Write a message."""
    return {
        "id": str(row.pk),
        "channel_id": str(row.channel_id),
        "author": user(row.author),
        "content": row.content,
        "nonce": row.nonce or None,
        "timestamp": instant_of(row.pk).isoformat(),
    }


def audit_entry(row: SandboxAuditEntry) -> Json:
    """Write an audit log line."""
    return {
        "id": str(row.pk),
        "user_id": str(row.user_id),
        "target_id": str(row.target_id),
        "action_type": row.action,
        "reason": row.reason or None,
        "changes": [],
    }
