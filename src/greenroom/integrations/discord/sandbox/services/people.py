"""What people do in Discord with their own hands: the guild page and tests act through these.

Each is one transaction that locks the default guild. A second call changes nothing. Raises: NotFoundError for whom
or what does not exist, NotAllowedError for what Discord would not let that person do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from greenroom.core import clock
from greenroom.core.errors import NotAllowedError, NotFoundError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.models import (
    SandboxBan,
    SandboxChannel,
    SandboxGuild,
    SandboxMember,
    SandboxVoiceState,
)
from greenroom.integrations.discord.sandbox.services.audit import log_action
from greenroom.integrations.discord.sandbox.services.guild import ensure_guild, find_user, lock_guild
from greenroom.integrations.discord.sandbox.standing import permissions_in, standing_of
from greenroom.integrations.discord.types import AuditAction, ChannelType


def join_guild(user_id: int) -> None:
    """Enter the guild by an invitation, unless banned."""
    with _guild_in_turn() as guild:
        find_user(user_id)
        if SandboxBan.objects.filter(guild=guild, user_id=user_id).exists():
            raise NotAllowedError("They are banned from the server.")
        SandboxMember.objects.get_or_create(guild=guild, user_id=user_id, defaults={"joined_at": clock.now()})


def join_voice(user_id: int, channel_id: int) -> None:
    """Connect to a voice channel (leaving another), if that person sees it and may connect."""
    with _guild_in_turn() as guild:
        member = _member(guild, user_id)
        channel = guild.channels.filter(pk=channel_id, type=ChannelType.VOICE).first()
        # To somebody who cannot see it, a room looks as if it did not exist.
        permissions = 0 if channel is None else permissions_in(standing_of(member, guild), channel)
        if channel is None or not permissions & Permission.VIEW_CHANNEL:
            raise NotFoundError("There is no such voice channel.")
        if not permissions & Permission.CONNECT:
            raise NotAllowedError("They may not connect to this channel.")
        SandboxVoiceState.objects.update_or_create(member=member, defaults={"channel": channel})


def leave_voice(user_id: int) -> None:
    """Hang up."""
    with _guild_in_turn() as guild:
        SandboxVoiceState.objects.filter(member__guild=guild, member__user_id=user_id).delete()


def kick_member(user_id: int) -> None:
    """Put a member out of the guild, as its owner; they lose their roles, and their overwrites stay."""
    _remove(user_id, is_ban=False)


def ban_member(user_id: int) -> None:
    """Put somebody out of the guild for good, as its owner."""
    _remove(user_id, is_ban=True)


def delete_channel_by_hand(channel_id: int) -> None:
    """Delete a channel as the guild's owner; whoever is in it is out."""
    with _guild_in_turn() as guild:
        channel = guild.channels.filter(pk=channel_id).first()
        if channel is not None:
            lose_channel(guild, channel)


def lose_channel(guild: SandboxGuild, channel: SandboxChannel) -> None:
    """Delete a channel as the guild's owner, inside the caller's transaction."""
    log_action(guild, AuditAction.CHANNEL_DELETE, by=guild.owner_id, target_id=channel.pk)
    channel.delete()


def _remove(user_id: int, *, is_ban: bool) -> None:
    with _guild_in_turn() as guild:
        find_user(user_id)
        if user_id == guild.owner_id:
            raise NotAllowedError("The server's owner cannot be put out.")
        if is_ban:
            SandboxBan.objects.get_or_create(guild=guild, user_id=user_id)
        removed, _ = SandboxMember.objects.filter(guild=guild, user_id=user_id).delete()
        if removed:
            log_action(guild, AuditAction.MEMBER_KICK, by=guild.owner_id, target_id=user_id)


@contextmanager
def _guild_in_turn() -> Iterator[SandboxGuild]:
    ensure_guild()
    with unit_of_work():
        yield lock_guild()


def _member(guild: SandboxGuild, user_id: int) -> SandboxMember:
    member = SandboxMember.objects.filter(guild=guild, user_id=user_id).first()
    if member is None:
        raise NotFoundError("They are not in the server.")
    return member
