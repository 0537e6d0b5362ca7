"""The bot's channel calls, with Discord's caps and checks. Each runs in the view's transaction, the guild locked."""

from collections.abc import Sequence
from dataclasses import dataclass

from greenroom.core import clock
from greenroom.integrations.discord.codes import PARENT_FULL, DiscordCode
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.errors import bad_request, invalid_form, not_found
from greenroom.integrations.discord.sandbox.models import (
    SandboxChannel,
    SandboxGuild,
    SandboxOverwrite,
    SandboxRole,
    SandboxUser,
)
from greenroom.integrations.discord.sandbox.permissions import Standing
from greenroom.integrations.discord.sandbox.services.audit import log_action
from greenroom.integrations.discord.sandbox.snowflakes import mint
from greenroom.integrations.discord.sandbox.standing import (
    as_overwrites,
    require_in_channel,
    require_in_guild,
    require_may_grant,
)
from greenroom.integrations.discord.types import AuditAction, ChannelType, Overwrite, OverwriteTarget

MAX_CHANNELS = 500
MAX_IN_CATEGORY = 50
MAX_OVERWRITES = 1_000


@dataclass(frozen=True, slots=True)
class ChannelForm:
    """What a channel is to be made of."""

    name: str
    type: int
    parent_id: int | None
    overwrites: tuple[Overwrite, ...]


@dataclass(frozen=True, slots=True)
class ChannelEdit:
    """What of a channel is to change; None leaves a part as it is. `moves` says that `parent_id` counts."""

    name: str | None = None
    overwrites: tuple[Overwrite, ...] | None = None
    moves: bool = False
    parent_id: int | None = None


def create_channel(guild: SandboxGuild, bot: Standing, form: ChannelForm, reason: str) -> SandboxChannel:
    """Create a channel. Raises: ApiError."""
    require_in_guild(bot, Permission.MANAGE_CHANNELS)
    require_may_grant(bot, form.overwrites)
    _check_overwrites(guild, form.overwrites)
    if guild.channels.count() >= MAX_CHANNELS:
        raise bad_request(DiscordCode.TOO_MANY_CHANNELS)
    _check_parent(guild, form.parent_id, is_category=form.type == ChannelType.CATEGORY)
    channel = SandboxChannel.objects.create(
        pk=mint(clock.now()),
        guild=guild,
        type=form.type,
        name=_spelled(form.name, form.type),
        parent_id=form.parent_id,
    )
    _write_overwrites(channel, form.overwrites)
    log_action(guild, AuditAction.CHANNEL_CREATE, by=bot.user_id, target_id=channel.pk, reason=reason)
    return channel


def edit_channel(
    guild: SandboxGuild, bot: Standing, channel: SandboxChannel, edit: ChannelEdit, reason: str
) -> SandboxChannel:
    """Change a channel. People who are connected stay connected, whatever they lose. Raises: ApiError."""
    require_in_channel(bot, channel, Permission.MANAGE_CHANNELS)
    if edit.overwrites is not None:
        require_in_channel(bot, channel, Permission.MANAGE_ROLES)
        _replace_overwrites(guild, bot, channel, edit.overwrites)
    if edit.name is not None:
        channel.name = _spelled(edit.name, channel.type)
    if edit.moves and edit.parent_id != channel.parent_id:
        _check_parent(guild, edit.parent_id, is_category=channel.type == ChannelType.CATEGORY)
        channel.parent_id = edit.parent_id
    channel.save(update_fields=["name", "parent"])
    log_action(guild, AuditAction.CHANNEL_UPDATE, by=bot.user_id, target_id=channel.pk, reason=reason)
    return channel


def delete_channel(guild: SandboxGuild, bot: Standing, channel: SandboxChannel, reason: str) -> None:
    """Delete a channel; whoever is in it is out, and children of a category stay without one. Raises: ApiError."""
    require_in_channel(bot, channel, Permission.MANAGE_CHANNELS)
    log_action(guild, AuditAction.CHANNEL_DELETE, by=bot.user_id, target_id=channel.pk, reason=reason)
    channel.delete()


def _replace_overwrites(
    guild: SandboxGuild, bot: Standing, channel: SandboxChannel, overwrites: Sequence[Overwrite]
) -> None:
    standing_now = set(as_overwrites(channel.overwrites.all()))
    # What stays as it is may hold bits the bot lacks: somebody else put them there.
    require_may_grant(bot, [overwrite for overwrite in overwrites if overwrite not in standing_now])
    _check_overwrites(guild, overwrites)
    channel.overwrites.all().delete()
    _write_overwrites(channel, overwrites)


def _write_overwrites(channel: SandboxChannel, overwrites: Sequence[Overwrite]) -> None:
    SandboxOverwrite.objects.bulk_create(
        SandboxOverwrite(
            channel=channel,
            target_type=overwrite.target_type,
            target_id=overwrite.target_id,
            allow=overwrite.allow,
            deny=overwrite.deny,
        )
        for overwrite in overwrites
    )


def _check_overwrites(guild: SandboxGuild, overwrites: Sequence[Overwrite]) -> None:
    """Refuse too many, and roles or people who do not exist. People need not be members."""
    if len(overwrites) > MAX_OVERWRITES:
        raise bad_request(DiscordCode.TOO_MANY_OVERWRITES)
    role_ids = {it.target_id for it in overwrites if it.target_type is OverwriteTarget.ROLE}
    user_ids = {it.target_id for it in overwrites if it.target_type is OverwriteTarget.MEMBER}
    known_roles = SandboxRole.objects.filter(guild=guild, pk__in=role_ids).count()
    known_users = SandboxUser.objects.filter(pk__in=user_ids).count()
    if known_roles != len(role_ids) or known_users != len(user_ids):
        raise not_found(DiscordCode.UNKNOWN_OVERWRITE)


def _check_parent(guild: SandboxGuild, parent_id: int | None, *, is_category: bool) -> None:
    if parent_id is None:
        return
    parent = guild.channels.filter(pk=parent_id, type=ChannelType.CATEGORY).first()
    if parent is None or is_category:
        raise invalid_form("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist")
    if parent.children.count() >= MAX_IN_CATEGORY:
        raise invalid_form(
            "parent_id", PARENT_FULL, f"Maximum number of channels in category reached ({MAX_IN_CATEGORY})"
        )


def _spelled(name: str, channel_type: int) -> str:
    """Spell a text channel's name as Discord does; voice channels and categories keep theirs."""
    return "-".join(name.lower().split()) if channel_type == ChannelType.TEXT else name
