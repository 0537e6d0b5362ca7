"""Loads what `permissions` computes with, and asks its questions for the bot and for people."""

from collections.abc import Iterable

from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.errors import forbidden
from greenroom.integrations.discord.sandbox.models import (
    SandboxChannel,
    SandboxGuild,
    SandboxMember,
    SandboxOverwrite,
    SandboxRole,
)
from greenroom.integrations.discord.sandbox.permissions import Standing, channel_permissions, guild_permissions
from greenroom.integrations.discord.types import ChannelType, Overwrite, OverwriteTarget


def standing_of(member: SandboxMember, guild: SandboxGuild) -> Standing:
    """Load a member's standing in two queries."""
    return Standing(
        user_id=member.user_id,
        guild_id=guild.pk,
        is_owner=guild.owner_id == member.user_id,
        everyone_permissions=SandboxRole.objects.get(pk=guild.pk).permissions,
        role_permissions=dict(member.roles.values_list("pk", "permissions")),
    )


def find_standing(guild: SandboxGuild, user_id: int) -> Standing | None:
    """Load the standing of a user, or None when they are not in the guild."""
    member = SandboxMember.objects.filter(guild=guild, user_id=user_id).first()
    return None if member is None else standing_of(member, guild)


def as_overwrites(rows: Iterable[SandboxOverwrite]) -> tuple[Overwrite, ...]:
    """Read overwrite rows as the values `permissions` takes."""
    return tuple(Overwrite(OverwriteTarget(row.target_type), row.target_id, row.allow, row.deny) for row in rows)


def permissions_in(standing: Standing, channel: SandboxChannel) -> int:
    """Compute what a member may do in a channel; uses prefetched overwrites."""
    return channel_permissions(standing, as_overwrites(channel.overwrites.all()), channel.type)


def require_in_guild(standing: Standing, permission: Permission) -> None:
    """Refuse when the bot lacks a permission in the guild. Raises: ApiError 50013."""
    if not guild_permissions(standing) & permission:
        raise forbidden(DiscordCode.LACKS_PERMISSION)


def require_in_channel(standing: Standing, channel: SandboxChannel, permission: Permission) -> None:
    """Refuse when the bot cannot reach a channel (50001) or lacks a permission in it (50013). Raises: ApiError."""
    permissions = permissions_in(standing, channel)
    needed = Permission.VIEW_CHANNEL
    if channel.type == ChannelType.VOICE:
        needed |= Permission.CONNECT
    if permissions & needed != needed:
        raise forbidden(DiscordCode.MISSING_ACCESS)
    if permissions & permission != permission:
        raise forbidden(DiscordCode.LACKS_PERMISSION)


def require_may_grant(standing: Standing, changed: Iterable[Overwrite]) -> None:
    """Refuse overwrites with bits the bot lacks; MANAGE_ROLES in one is for administrators. Raises: ApiError 50013."""
    held = guild_permissions(standing)
    if held & Permission.ADMINISTRATOR:
        return
    for overwrite in changed:
        touched = overwrite.allow | overwrite.deny
        if touched & ~held or touched & Permission.MANAGE_ROLES:
            raise forbidden(DiscordCode.LACKS_PERMISSION)
