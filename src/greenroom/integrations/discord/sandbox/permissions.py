"""Who may do what, computed in Discord's own order. Pure: knows neither the database nor the wire.

Guild: the owner and administrators may do everything; else @everyone's permissions plus those of every role.
Channel: @everyone's overwrite (deny, then allow), then all role overwrites together (deny, then allow), then the
member's own (deny, then allow). Last, what makes no sense is taken away: without VIEW_CHANNEL nothing is left, in a
voice channel without CONNECT only seeing it, in a text channel without SEND_MESSAGES none of its kinds.
Source: Discord's documentation, "Permissions".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenroom.integrations.discord.permissions import ALL, Permission
from greenroom.integrations.discord.types import ChannelType, Overwrite

_NEEDS_SENDING = (
    Permission.MENTION_EVERYONE | Permission.SEND_TTS_MESSAGES | Permission.ATTACH_FILES | Permission.EMBED_LINKS
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A member as far as permissions care: who, of which guild, with which roles (@everyone has the guild's id)."""

    user_id: int
    guild_id: int
    is_owner: bool
    everyone_permissions: int
    role_permissions: Mapping[int, int]


def guild_permissions(standing: Standing) -> int:
    """Compute what a member may do in the guild as a whole."""
    if standing.is_owner:
        return ALL
    permissions = standing.everyone_permissions
    for granted in standing.role_permissions.values():
        permissions |= granted
    return ALL if permissions & Permission.ADMINISTRATOR else permissions


def channel_permissions(standing: Standing, overwrites: Iterable[Overwrite], channel_type: int) -> int:
    """Compute what a member may do in one channel."""
    permissions = guild_permissions(standing)
    if permissions & Permission.ADMINISTRATOR:
        return ALL
    by_target = {overwrite.target_id: overwrite for overwrite in overwrites}
    permissions = _apply(permissions, by_target, [standing.guild_id])
    permissions = _apply(permissions, by_target, standing.role_permissions)
    permissions = _apply(permissions, by_target, [standing.user_id])
    return _without_the_pointless(permissions, channel_type)


def _apply(permissions: int, by_target: Mapping[int, Overwrite], target_ids: Iterable[int]) -> int:
    """Apply the overwrites of one step together, so that an allow wins over a deny of the same step."""
    allow = deny = 0
    for target_id in target_ids:
        overwrite = by_target.get(target_id)
        if overwrite is not None:
            allow |= overwrite.allow
            deny |= overwrite.deny
    return (permissions & ~deny) | allow


def _without_the_pointless(permissions: int, channel_type: int) -> int:
    if not permissions & Permission.VIEW_CHANNEL:
        return 0
    if channel_type == ChannelType.VOICE and not permissions & Permission.CONNECT:
        return int(Permission.VIEW_CHANNEL)
    if channel_type == ChannelType.TEXT and not permissions & Permission.SEND_MESSAGES:
        return permissions & ~_NEEDS_SENDING
    return permissions
